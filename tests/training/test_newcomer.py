"""The data of a task that comes later: molecules and texts, what is refused, and what stays unknown."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Place
from tasktalk.data.load import load_request
from tasktalk.models.newcomers import corner
from tasktalk.training.checkpoint import load_tensors
from tasktalk.training.config import make_config, read_config
from tasktalk.training.encode import fit_encoder
from tasktalk.training.newcomer import beside, refuse_one_class, refuse_unreadable, share_of_unknown
from tasktalk.training.progress import Reporter
from tasktalk.training.run import Run
from tasktalk.training.train import train
from tasktalk.training.transfer import check_run, resume_transfer, transfer, transfer_config
from tests.training.toy import (
    OF_MOLECULES,
    config,
    graph_config,
    molecules,
    nodes,
    stop_at_epoch,
    stop_at_step,
    toy,
    without_seconds,
)


def one_task(dataset: Dataset, labels: list[float]) -> Dataset:
    """The first training examples of a data set, with these labels of one task."""
    train = dataset.splits["train"]
    tokens = train.tokens[: len(labels)]
    places = [Place(Path("games.csv"), (row,)) for row in range(len(labels))]
    part = replace(train, content=tokens, labels=np.array(labels)[:, None], owner=None, places=places)
    return replace(dataset, tasks=dataset.tasks[:1], splits={"train": part})


def test_nodes_are_refused(tmp_path: Path) -> None:
    run = train(nodes(), graph_config("mitten", **OF_MOLECULES), tmp_path / "run")
    with pytest.raises(ConfigError, match="run: reads nodes of a graph, and a task is added to runs of texts or mol"):
        check_run(run, "games")


def test_other_examples_than_those_of_the_run() -> None:
    texts, graphs = toy(), molecules()
    encoders = fit_encoder(texts, config("fs")), fit_encoder(graphs, graph_config())
    for encoder, own, other, message in (
        (encoders[0], texts, graphs, "runs/a: reads texts, and the data has molecules"),
        (encoders[1], graphs, texts, "runs/a: reads molecules, and the data has texts"),
    ):
        refuse_unreadable(own, encoder, "runs/a")
        with pytest.raises(ConfigError, match=message):
            refuse_unreadable(other, encoder, "runs/a")


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([1.0], "1, 'positive'"),
        ([0.0, 0.0, np.nan], "2, all 'negative'"),
        ([np.nan], "no label"),
    ],
)
def test_labels_that_do_not_differ(labels: list[float], found: str) -> None:
    with pytest.raises(
        DataError, match=f"^games.csv: task 'books': expected training labels that differ, found {found}"
    ):
        refuse_one_class(one_task(toy(), labels))
    refuse_one_class(one_task(toy(), [0.0, np.nan, 1.0]))


def test_values_that_do_not_differ() -> None:
    values = replace(one_task(toy(), [2.5, 2.5]), tasks=(Task("price", "regression"),))
    with pytest.raises(DataError, match="found 2, all 2.5$"):
        refuse_one_class(values)


def test_unknown_words() -> None:
    encoder = fit_encoder(toy(), config("fs"))
    new = one_task(toy(seed=1), [0.0, 1.0])
    for words in new.splits["train"].tokens:
        words[:] = ["good", "xylophone", "zither", "film"]
    assert share_of_unknown(new, encoder) == 0.5
    for words in new.splits["train"].tokens:
        words[:] = ["xylophone"]
    with pytest.raises(DataError, match=r"games.csv: task 'books': expected .* words that the run knows, and none of "):
        share_of_unknown(new, encoder)
    assert share_of_unknown(molecules(), fit_encoder(molecules(), graph_config())) is None


def test_the_new_task_stands_beside_the_others() -> None:
    new = replace(one_task(toy(), [0.0, np.nan, 1.0]), tasks=(Task("games", "binary", ("negative", "positive")),))
    joined = beside(new, toy().tasks)
    assert [task.name for task in joined.tasks] == ["books", "dvd", "music", "games"]
    part = joined.splits["train"]
    assert part.owner is not None and part.owner.tolist() == [3, 3, 3]
    assert np.isnan(part.labels[:, :3]).all()
    np.testing.assert_array_equal(part.labels[:, 3], [0.0, np.nan, 1.0])


SMILES = ["CCO", "NCCc1ccccc1", "C1CCCC1", "N"]


def molecule_run(out: Path, **settings: Any) -> Run:
    return train(molecules(), graph_config("mitten", readout="set2set", training__epochs=3, **settings), out)


def new_molecules(path: Path) -> Path:
    """Molecules, some of which the others have too, by whether they have a nitrogen; the last is none."""
    rows = [f"{head}{'C' * (length + 1)}{ring},{len(head)}" for ring in ("", "C1CC1") for head in ("", "N")
            for length in range(10)]  # fmt: skip
    path.write_text("structure,label\n" + "\n".join([*rows, "C(C,1"]) + "\n")
    return path


def added_molecules(run: Run, table: Path, out: Path, reporter: Reporter | None = None, **training: Any) -> Run:
    given = {"data": {"text": "structure", "test": 0.2, "dev": 0.2}, "training": training}
    unfreeze_after = training.pop("unfreeze_after", None)
    chosen = transfer_config(run, str(table), "amine", given, [])
    dataset = load_request(chosen.data.source, chosen.data.request())
    return transfer(run, dataset, chosen, out, unfreeze_after, reporter=reporter)


@pytest.mark.parametrize("settings", [
    {"molecules": "both", "dependency": "log-prior", "training__weight_decay": 0.1},
    {"include_self": False, "bonds": "one", "training__optimizer": "adadelta", "training__learning_rate": 1.0},
])  # fmt: skip
def test_molecules(settings: dict[str, Any], tmp_path: Path) -> None:
    before = molecule_run(tmp_path / "run", **settings)
    run = added_molecules(before, new_molecules(tmp_path / "new.csv"), tmp_path / "new", epochs=4)
    assert run.tasks[-1] == Task("amine", "binary", ("0", "1"))
    assert (run.folder / "skipped.txt").read_text().startswith("new.csv, line 42: RDKit cannot read 'C(C'")
    asked = run.predict(SMILES)
    assert all(set(row["predictions"].pop("amine")["probabilities"]) == {"0", "1"} for row in asked)
    assert asked == before.predict(SMILES)
    for task in before.tasks:
        assert run.predict(SMILES, task.name) == before.predict(SMILES, task.name)
    assert run.config.training.criterion == "loss"  # as for the run, which has a regression
    tensors = load_tensors(before.folder / "model.safetensors")[0]
    of_all, own = (load_tensors(run.folder / file)[0] for file in ("model.safetensors", run.weights["amine"]))
    for name, values in tensors.items():
        assert torch.equal(own[name][corner(values)], values), name
    assert all(torch.equal(of_all[name], values) for name, values in own.items())
    assert run.metrics["splits"]["test"]["tasks"]["amine"]["n"] == 8
    heard = run.listen(SMILES).record["weights"]
    assert not heard[:3, ..., 3].any() and heard[3].any()


def test_molecules_learn_and_a_killed_run_goes_on(tmp_path: Path) -> None:
    before, table = molecule_run(tmp_path / "run", molecules="descriptors"), new_molecules(tmp_path / "new.csv")
    choices: dict[str, Any] = {"epochs": 6, "learning_rate": 0.03, "unfreeze_after": 3}
    run = added_molecules(before, table, tmp_path / "whole", **choices)
    assert run.metrics["splits"]["test"]["tasks"]["amine"]["auroc"] > 0.9
    assert run.predict(SMILES, "ring") == before.predict(SMILES, "ring")
    for number, stop in enumerate((stop_at_epoch(2), stop_at_step(4, 2))):
        killed = tmp_path / str(number)
        with pytest.raises(KeyboardInterrupt):
            added_molecules(before, table, killed, stop, **choices, checkpoint_seconds=0.0)
        chosen = make_config(read_config(killed / "config.yaml"))
        resume_transfer(load_request(chosen.data.source, chosen.data.request()), killed)
        found, expected = without_seconds(killed), without_seconds(tmp_path / "whole")
        assert found.pop("config.yaml") != expected.pop("config.yaml")
        assert found == expected
