"""A task that comes later: what it may change, what it starts from, what is refused, how it goes on when killed."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.core.seeding import seed_everything
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.models.build import build_network
from tasktalk.models.newcomers import corner
from tasktalk.models.options import SharedPrivateOptions
from tasktalk.models.transfer_options import MittenOptions
from tasktalk.training.checkpoint import load_tensors
from tasktalk.training.config import Config
from tasktalk.training.progress import Reporter
from tasktalk.training.run import Run
from tasktalk.training.train import resume, train
from tasktalk.training.transfer import check_run, resume_transfer, transfer, transfer_config
from tests.training.toy import (
    CLASSES,
    config,
    stop_at_epoch,
    stop_at_step,
    tagged,
    text,
    toy,
    without_seconds,
)

TEXTS = ["good film", "the bad page of it", "was it a good song", "bad", ""]
MODELS = ["ic", "sp", "fs", "mitten"]
BIDIRECTIONAL = {"bidirectional": True, "pooling": "attention"}


def newcomer(name: str = "games", seed: int = 5, train: int = 40) -> Dataset:
    """Texts like those of ``toy``, of one task more."""
    rng = np.random.default_rng(seed)
    parts = {}
    for split, size in (("train", train), ("dev", 10), ("test", 12)):
        signs = rng.integers(2, size=size)
        parts[split] = Examples([text(rng, sign) for sign in signs], signs[:, None] * 1.0, np.zeros(size, dtype=int))
    return Dataset(name, (Task(name, "binary", CLASSES),), parts, "whitespace", {"games.tsv": "checksum"})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Finished runs of three tasks. Not to be changed."""
    home = tmp_path_factory.mktemp("runs")
    mitten: dict[str, Any] = {"bidirectional": True, "dependency_data": "held-out", "dependency_rate": 5.0}
    wanted: dict[str, Config] = {
        "mitten": config("mitten", **mitten, training__weight_decay=0.1, training__epochs=4),
        "ic": config("ic", training__epochs=4),
        "sp": config("sp", **BIDIRECTIONAL),
        "fs": config("fs", training__selection="per-task", training__epochs=4),
    }
    return {name: train(toy(), chosen, home / name) for name, chosen in wanted.items()}


def added(run: Run, out: Path, reporter: Reporter | None = None, **settings: Any) -> Run:
    """The run with the newcomer; settings as for ``transfer`` or of the training."""
    given = {key: settings.pop(key) for key in ("unfreeze_after", "overwrite") if key in settings}
    dataset = settings.pop("dataset", None) or newcomer()
    chosen = transfer_config(run, "games.csv", dataset.tasks[0].name, {"training": settings}, [])
    return transfer(run, dataset, chosen, out, reporter=reporter, **given)


def weights(run: Run, task: str) -> dict[str, Tensor]:
    return load_tensors(run.folder / run.weights[task])[0]


@pytest.mark.parametrize("unfreeze_after", [None, 1])
@pytest.mark.parametrize("model", MODELS)
def test_tasks_of_the_run_answer_as_before(
    model: str, unfreeze_after: int | None, runs: dict[str, Run], tmp_path: Path
) -> None:
    before = runs[model]
    after = added(before, tmp_path / "run", unfreeze_after=unfreeze_after, epochs=3)
    assert [task.name for task in after.tasks] == ["books", "dvd", "music", "games"]
    asked = after.predict(TEXTS)
    for row in asked:
        assert set(row["predictions"].pop("games")["probabilities"]) == set(CLASSES)
    assert asked == before.predict(TEXTS)
    for task in before.tasks:
        assert after.predict(TEXTS, task.name) == before.predict(TEXTS, task.name)


@pytest.mark.parametrize("model", MODELS)
def test_only_the_new_task_learns(model: str, runs: dict[str, Run], tmp_path: Path) -> None:
    before = load_tensors(runs[model].folder / "model.safetensors")[0]
    run = added(runs[model], tmp_path / "frozen")
    after = weights(run, "games")
    for name, values in before.items():
        assert torch.equal(after[name][corner(values)], values), name
    own = set(after) - set(before)
    assert {name for name in own if name.startswith("head")} == {"head.layers.3.weight", "head.layers.3.bias"}
    # For all that ask the weights of the mean, such as who listened to whom.
    of_all = load_tensors(run.folder / "model.safetensors")[0]
    assert all(torch.equal(of_all[name], after[name]) for name in after)


def test_what_is_shared_learns_after_so_many_epochs(runs: dict[str, Run], tmp_path: Path) -> None:
    before = load_tensors(runs["ic"].folder / "model.safetensors")[0]
    seen: list[dict[str, Tensor]] = []
    reporter = stop_at_epoch(99)
    reporter.on_epoch = lambda row: seen.append(load_tensors(tmp_path / f"run/snapshot-{row['epoch']}.safetensors")[0])
    without_dev = newcomer()
    without_dev = replace(without_dev, splits={"train": without_dev.splits["train"]})  # every epoch is kept
    run = added(runs["ic"], tmp_path / "run", reporter, dataset=without_dev, unfreeze_after=2, epochs=4)
    changed = [{name for name in before if not torch.equal(before[name], epoch[name])} for epoch in seen]
    assert changed[:2] == [set(), set()]
    shared = {name for name in before if not re.search(r"cells\.[0-2]\.|layers\.", name)}
    shared |= {name for name in before if name.startswith("block.shared.")}
    assert changed[2] == shared and "embedding.table.weight" in shared and "block.reader.fuse" in shared
    of_all = load_tensors(run.folder / "model.safetensors")[0]
    assert all(torch.equal(of_all[name], before[name]) for name in before)


def test_patience_waits_until_all_is_trained(runs: dict[str, Run], tmp_path: Path) -> None:
    still: dict[str, Any] = {"learning_rate": 1e-12, "epochs": 8, "patience": 1}  # the first epoch stays the best
    for number, (after, epochs) in enumerate(((None, 2), (0, 2), (4, 5))):
        run = added(runs["fs"], tmp_path / str(number), unfreeze_after=after, **still)
        assert len((run.folder / "history.csv").read_text().splitlines()) == 1 + epochs


def test_the_new_task_begins_as_the_others_did(runs: dict[str, Run], tmp_path: Path) -> None:
    run = runs["ic"]
    seed_everything(run.config.training.seed)
    begun = build_network(run.config.model, run.tasks, run.encoder.inputs).state_dict()  # type: ignore[arg-type]
    for name, seed in (("same", 0), ("other", 1)):
        with pytest.raises(KeyboardInterrupt):
            added(run, tmp_path / name, stop_at_step(0, 5), seed=seed)
        drawn = load_tensors(tmp_path / name / "model.safetensors")[0]
        for part in ("block.lstms.cells.{}.weight_x", "head.layers.{}.weight"):
            assert torch.equal(drawn[part.format(3)], begun[part.format(0)]) == (name == "same")


@pytest.mark.parametrize("model", ["ic", "fs", "mitten"])
def test_the_new_task_learns_from_frozen_layers(model: str, runs: dict[str, Run], tmp_path: Path) -> None:
    run = added(runs[model], tmp_path / "run", epochs=8)
    mean = run.metrics["splits"]["test"]["tasks"]
    assert mean["games"]["error"] < 20
    assert [mean[name]["n"] for name in ("books", "games")] == [0, 12]


def test_a_regression_and_one_task_more(runs: dict[str, Run], tmp_path: Path) -> None:
    first = added(runs["sp"], tmp_path / "first", epochs=1)
    values = newcomer("price", seed=6)
    splits = {name: replace(part, labels=part.labels * 3 + 100) for name, part in values.splits.items()}
    second = added(first, tmp_path / "second", dataset=replace(values, tasks=(Task("price", "regression"),),
                                                               splits=splits), epochs=1)  # fmt: skip
    assert second.weights == {**first.weights, "price": "model-task-5.safetensors"}
    assert second.predict(TEXTS, "games") == first.predict(TEXTS, "games")
    assert second.predict(TEXTS, "music") == runs["sp"].predict(TEXTS, "music")
    assert 90 < second.predict(TEXTS, "price")[0]["predictions"]["price"]["value"] < 113


def test_what_mitten_hears_learns_after_so_many_epochs(runs: dict[str, Run], tmp_path: Path) -> None:
    before = load_tensors(runs["mitten"].folder / "model.safetensors")[0]
    run = added(runs["mitten"], tmp_path / "run", unfreeze_after=1, epochs=4, patience=0)
    assert isinstance(run.config.model, MittenOptions) and run.config.model.newcomers == 1
    of_all, own = load_tensors(run.folder / "model.safetensors")[0], weights(run, "games")
    for name, values in before.items():
        assert torch.equal(of_all[name][corner(values)], values), name
        of_senders = re.search(r"lstms|send|query|value_source|embedding", name)
        of_others = re.search(r"head|receive|\.key|value_target|general", name)  # but for weight decay
        assert bool(of_senders) != bool(of_others), name
        assert of_others or not torch.equal(own[name][corner(values)], values), name
    for name, values in own.items():
        if name not in before:
            assert torch.equal(of_all[name], values), name
    new = of_all["block.forwards.transfer.general"]
    assert new[3].any() and not new[:3, 3].any()


def test_listening_of_a_task_that_came_later(runs: dict[str, Run], tmp_path: Path) -> None:
    """Each task by the weights that it answers with; nobody hears who came later."""
    first = added(runs["mitten"], tmp_path / "first", unfreeze_after=0, epochs=2)
    second = added(first, tmp_path / "second", dataset=newcomer("price", seed=6), epochs=1)
    heard = [run.listen(TEXTS) for run in (runs["mitten"], first, second)]
    assert heard[2].tasks == ("books", "dvd", "music", "games", "price")
    for name in ("weights", "dependency_share", "backward_attention"):
        before, after, last = (found.record[name] for found in heard)
        assert [found.shape[-1] for found in (before, after, last)] == [3, 4, 5]
        assert torch.equal(after[:3, ..., :3], before) and not after[:3, ..., 3].any()
        assert torch.equal(last[:4, ..., :4], after) and not last[:4, ..., 4].any()
        assert last[4, ..., 4].any()


def test_listening_is_that_of_the_unfrozen_layer(runs: dict[str, Run], tmp_path: Path) -> None:
    run = added(runs["ic"], tmp_path / "run", unfreeze_after=0, epochs=3)
    gate = run.listen(TEXTS).record["gate"]
    assert torch.equal(gate[:3], runs["ic"].listen(TEXTS).record["gate"])
    own = replace(run, weights=dict.fromkeys(run.weights, run.weights["games"]), _predictors={})
    alone = own.listen(TEXTS).record["gate"]
    assert torch.allclose(gate[3], alone[3]) and not torch.allclose(gate[0], alone[0])


def test_sp_has_no_adversary_where_there_is_one_task(runs: dict[str, Run], tmp_path: Path) -> None:
    run = added(runs["sp"], tmp_path / "run", unfreeze_after=0, weight_decay=0.0)
    model = run.config.model
    assert isinstance(model, SharedPrivateOptions) and model.adversarial == 0.05
    before, after = (load_tensors(one.folder / "model.safetensors")[0] for one in (runs["sp"], run))
    assert run.weights["games"] == "model-task-4.safetensors"
    name = "block.forwards.discriminator.weight"
    assert torch.equal(weights(run, "games")[name][:3], before[name]) and len(after[name]) == 4


@pytest.mark.parametrize("stop", [stop_at_step(0, 3), stop_at_epoch(1), stop_at_epoch(3)])
def test_a_killed_transfer_goes_on_to_the_same_weights(stop: Reporter, runs: dict[str, Run], tmp_path: Path) -> None:
    choices: dict[str, Any] = {"unfreeze_after": 2, "epochs": 4, "checkpoint_seconds": 0.0}
    added(runs["ic"], tmp_path / "whole", **choices)
    with pytest.raises(KeyboardInterrupt):
        added(runs["ic"], tmp_path / "killed", stop, **choices)
    with pytest.raises(RunFolderError, match="a task is added to another run; go on with tasktalk transfer --resume"):
        resume(newcomer(), tmp_path / "killed")
    with pytest.raises(RunFolderError, match="the data is not what the run began with"):
        resume_transfer(replace(newcomer(), sources={"games.tsv": "other"}), tmp_path / "killed")
    resume_transfer(newcomer(), tmp_path / "killed")
    assert without_seconds(tmp_path / "killed") == without_seconds(tmp_path / "whole")


def test_a_resume_of_nothing(runs: dict[str, Run], tmp_path: Path) -> None:
    run = added(runs["fs"], tmp_path / "run", epochs=1)
    with pytest.raises(RunFolderError, match=r"this run is finished"):
        resume_transfer(newcomer(), run.folder)
    (run.folder / "metrics.json").unlink()
    (run.folder / "vocabulary.txt").unlink()
    with pytest.raises(RunFolderError, match=r"stopped before the training began"):
        resume_transfer(newcomer(), run.folder)
    with pytest.raises(RunFolderError, match=r"nothing to resume, transfer.json is missing"):
        resume_transfer(newcomer(), runs["fs"].folder)


def test_facts_of_a_transfer(runs: dict[str, Run], tmp_path: Path) -> None:
    new = newcomer()
    new.splits["train"].tokens[0][:] = ["good", "xylophone"]
    words = sum(map(len, new.splits["train"].tokens))
    run = added(runs["fs"], tmp_path / "run", dataset=new, epochs=2, unfreeze_after=1)
    assert json.loads((run.folder / "transfer.json").read_text()) == {
        "from": str(runs["fs"].folder),
        "task": "games",
        "unfreeze_after": 1,
        "unknown_words": 1 / words,
    }


@pytest.mark.parametrize(
    ("chosen", "name", "message"),
    [
        (
            config("lstm"),
            "games",
            "model 'lstm' has no shared layer that a new task could read from .*: take a run of ic, sp",
        ),
        (config("fs", wide="joint"), "games", "share all their words, and this has model.wide=joint"),
        (config("ic", embeddings="private"), "games", "share all their words, and this has model.embeddings=private"),
        (config("ic"), "dvd", "has a task 'dvd' already"),
        (config("ic"), "a/b", "expected a name for the new task, without any of"),
        (config("ic"), " ", "expected a name for the new task"),
    ],
)
def test_refused_before_the_data_is_read(chosen: Config, name: str, message: str, runs: dict[str, Run]) -> None:
    with pytest.raises(ConfigError, match=message):
        check_run(replace(runs["ic"], config=chosen), name)


def test_a_tagger_is_refused(tmp_path: Path) -> None:
    run = train(tagged(), config("ic", training__epochs=1), tmp_path / "tagger")
    with pytest.raises(ConfigError, match="is a tagger, and a task is added to runs that classify texts"):
        check_run(run, "games")


def test_words_that_are_all_unknown(runs: dict[str, Run], tmp_path: Path) -> None:
    new = newcomer()
    for part in new.splits.values():
        for words in part.tokens:
            words[:] = [word[::-1] + "xy" for word in words]
    with pytest.raises(DataError, match=r"task 'games': expected training texts with words that the run knows, and no"):
        added(runs["ic"], tmp_path / "run", dataset=new)
    assert not (tmp_path / "run").exists()


def test_settings_that_do_not_fit(runs: dict[str, Run], tmp_path: Path) -> None:
    for key in ("model.hidden=3", "data.max_words=5", "training.evaluation_batch_size=3"):
        with pytest.raises(
            ConfigError, match=re.escape(f"--set {key.partition('=')[0]}: a task is added to the run as")
        ):
            transfer_config(runs["ic"], "games.csv", "games", {}, [key])
    with pytest.raises(ConfigError, match="nothing would be unfrozen in 2 epochs"):
        added(runs["sp"], tmp_path / "run", unfreeze_after=2)
    with pytest.raises(ConfigError, match="expected data with one task, found books, dvd, music"):
        added(runs["sp"], tmp_path / "run", dataset=toy())
    assert not (tmp_path / "run").exists()


def test_where_the_data_comes_from(runs: dict[str, Run]) -> None:
    table = transfer_config(runs["ic"], "new/table.csv", "games", {}, ["training.seed=3"])
    assert (table.data.source, table.data.tasks, table.data.label) == (["games=new/table.csv"], [], "label")
    assert (table.training.seed, table.model) == (3, runs["ic"].config.model)
    named = transfer_config(runs["ic"], "fdu-mtl", "dvd", {}, [])
    assert (named.data.source, named.data.tasks, named.data.tokenizer) == (["fdu-mtl"], ["dvd"], "whitespace")


def test_the_run_itself_is_never_overwritten(runs: dict[str, Run], tmp_path: Path) -> None:
    shutil.copytree(runs["fs"].folder, tmp_path / "outer/beside/fs")
    shutil.copy(runs["fs"].folder / "config.yaml", tmp_path / "outer")
    run = Run.load(tmp_path / "outer/beside/fs")
    for out in (run.folder, tmp_path / "outer"):
        with pytest.raises(RunFolderError, match="exists already"):
            added(run, out)
        with pytest.raises(RunFolderError, match="holds the run that the task is added to"):
            added(run, out, overwrite=True)
    first = added(run, tmp_path / "new", epochs=1)
    assert added(run, tmp_path / "new", epochs=1, overwrite=True).weights == first.weights
