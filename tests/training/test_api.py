from pathlib import Path

import pytest

import tasktalk as tt

SETTINGS = {
    "model.hidden": 4,
    "model.embedding_features": 4,
    "training.epochs": 1,
    "training.tracker": "none",
    "data.max_words": 5,
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    rows = [f"{'good' if i % 2 else 'bad'} thing {i},{i % 2},{'' if i % 3 else i % 2}" for i in range(40)]
    path.write_text("text,first,second\n" + "\n".join(rows) + "\n")
    return path


def test_five_lines_from_a_file_to_predictions(table: Path, tmp_path: Path) -> None:
    data = tt.load(table)
    run = tt.train(data, model="ic", out=tmp_path / "run", settings=SETTINGS, progress=False)
    assert run.config.data.source == [data.name]
    assert run.config.data.max_words == 5
    assert tt.evaluate(tmp_path / "run", data)["test"] == run.metrics["splits"]["test"]
    (answer,) = tt.predict(run, ["a good thing"], task="second")
    assert set(answer["predictions"]) == {"second"}
    assert sum(answer["predictions"]["second"]["probabilities"].values()) == pytest.approx(1)


def test_a_path_will_do_for_data_and_mistakes_are_sentences(table: Path, tmp_path: Path) -> None:
    with pytest.raises(tt.TasktalkError, match="unknown setting 'model.hiden': did you mean 'model.hidden'"):
        tt.train(table, out=tmp_path / "run", settings={"model.hiden": 4}, progress=False)
    with pytest.raises(tt.TasktalkError, match="expected section.key"):
        tt.train(table, out=tmp_path / "run", settings={"epochs": 4}, progress=False)
    assert not (tmp_path / "run").exists()


def test_the_run_folder_knows_the_path(table: Path, tmp_path: Path) -> None:
    run = tt.train(table, out=tmp_path / "run", settings=SETTINGS, progress=False)
    assert run.config.data.source == [str(table)]
    assert tt.evaluate(run, run.config.data.source[0])["test"] == run.metrics["splits"]["test"]
