"""Settings: where they come from, that config.yaml holds them all, and one sentence for each wrong one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tasktalk.core.errors import ConfigError
from tasktalk.core.inputs import TextInputs
from tasktalk.core.task import Task
from tasktalk.models.build import build_network
from tasktalk.models.options import ForestOptions, IndirectOptions, LinearOptions, OwnOptions
from tasktalk.models.settings import Settings
from tasktalk.training.config import Config, DataConfig, TrainingConfig, make_config, model_names, read_config

TASKS = (Task("a", "binary", ("no", "yes")), Task("b", "binary", ("no", "yes")))
OTHER_VALUES = {
    "data.source": ["books.csv", "no"],
    "data.tasks": ["books"],
    "data.tokenizer": "words",
    "data.text": "review",
    "data.label": "stars",
    "data.labels": ["one", "two"],
    "data.kinds": {"one": "regression", "two": "binary"},
    "data.smiles": "smiles",
    "data.edges": "edges.csv",
    "data.features": "features.csv",
    "data.node": "name",
    "data.split": "scaffold",
    "data.dev": 0.3,
    "data.test": 0.0,
    "data.mask": "partial:10:0.3",
    "data.case": "keep",
    "data.max_words": 7,
    "data.min_count": 2,
    "data.vectors": ["a.txt", "b.npz"],
    "training.epochs": 3,
    "training.batch_size": 5,
    "training.evaluation_batch_size": 6,
    "training.schedule": "joint",
    "training.sampling_power": 0.5,
    "training.optimizer": "adadelta",
    "training.learning_rate": 0.5,
    "training.decay": "cosine",
    "training.weight_decay": 0.1,
    "training.weights": {"one": 0.5},
    "training.clip": 0.0,
    "training.patience": 0,
    "training.selection": "per-task",
    "training.criterion": "auroc",
    "training.checkpoint_seconds": 1.5,
    "training.tracker": "none",
    "training.device": "cpu",
    "training.precision": "bf16",
    "training.seed": 9,
    "training.beside": ["linear"],
}


def get(config: Config, path: str) -> object:
    section, key = path.split(".")
    return getattr(getattr(config, section), key)


def sections() -> dict[str, type[Settings]]:
    return {"data": DataConfig, "training": TrainingConfig}


def test_the_list_above_is_complete_and_differs_from_the_defaults() -> None:
    assert set(OTHER_VALUES) == {f"{name}.{key}" for name, part in sections().items() for key in part.model_fields}
    assert [path for path, value in OTHER_VALUES.items() if get(Config(), path) == value] == []


@pytest.mark.parametrize("path", OTHER_VALUES)
def test_every_key_can_be_set(path: str) -> None:
    value = OTHER_VALUES[path]
    written = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
    config = make_config({}, [f"{path}={written}"])
    assert get(config, path) == value
    others = set(OTHER_VALUES) - {path}
    assert all(get(config, other) == get(Config(), other) for other in others)


def model_values() -> list[tuple[str, str, Any]]:
    """Every option of every model with its default value."""
    return [
        (name, key, getattr(options(), key)) for name, options in model_names().items() for key in options.model_fields
    ]


@pytest.mark.parametrize(("model", "key", "value"), model_values())
def test_every_default_can_be_written_out(model: str, key: str, value: object) -> None:
    """``off`` and ``no`` too, which YAML 1.1 takes for booleans."""
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    config = make_config({"model": {"name": model}}, [f"model.{key}={plain}"])
    assert get(config, f"model.{key}") == value


def test_precision_no_is_not_false() -> None:
    assert make_config({}, ["training.precision=no"]).training.precision == "no"


def test_nothing_after_the_equals_sign_is_an_empty_text() -> None:
    assert make_config({"data": {"label": "stars"}}, ["data.label="]).data.label == ""


def test_later_settings_are_stronger_and_values_of_others_stay() -> None:
    given = {"training": {"epochs": 3, "seed": 4}}
    config = make_config(given, ["training.epochs=5", "training.epochs=6", "model.name=dc"])
    assert (config.training.epochs, config.training.seed, config.model.name) == (6, 4, "dc")
    assert given == {"training": {"epochs": 3, "seed": 4}}


def test_a_model_with_a_colon_is_the_import_path_of_a_block(tmp_path: Path) -> None:
    by_option = make_config({"model": {"name": "a.b:C", "hidden": 7}})
    assert by_option.model == OwnOptions(path="a.b:C", hidden=7)
    assert make_config({}, ["model.name=a.b:C", "model.hidden=7"]) == by_option
    path = tmp_path / "config.yaml"
    path.write_text(by_option.to_yaml(), encoding="utf-8")
    written = read_config(path)
    assert next(iter(written["model"].items())) == ("name", "own") and written["model"]["path"] == "a.b:C"
    assert make_config(written) == by_option
    written["model"]["name"] = "d:E"  # another one, with the settings of a run
    assert make_config(written).model == OwnOptions(path="d:E", hidden=7)


def test_settings_of_a_block_of_ones_own() -> None:
    given = {"model": {"name": "a.b:C", "options": {"heads": 2, "share": 0.5}}}
    config = make_config(given, ["model.options.heads=4", "model.options.kind=wide"])
    assert config.model == OwnOptions(path="a.b:C", options={"heads": 4, "share": 0.5, "kind": "wide"})
    assert given == {"model": {"name": "a.b:C", "options": {"heads": 2, "share": 0.5}}}
    assert make_config({"model": {"name": "a.b:C", "options.heads": 4}}).model == OwnOptions(
        path="a.b:C", options={"heads": 4}
    )
    with pytest.raises(ConfigError, match="unknown setting 'model.options'"):
        make_config({}, ["model.options.heads=4"])
    with pytest.raises(ConfigError, match="model.options: .*, found 3"):
        make_config({"model": {"name": "a.b:C", "options": 3}})


def test_without_anything_it_is_the_default() -> None:
    assert make_config() == Config() == make_config({"model": {}})
    assert isinstance(Config().model, IndirectOptions)


@pytest.mark.parametrize("name", model_names())
def test_yaml_is_complete_and_read_back_the_same(name: str, tmp_path: Path) -> None:
    config = make_config({"model": {"name": name}, "data": {"source": ["no", "1e3", "ü"]}})
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    values = read_config(path)
    assert make_config(values) == config
    assert list(values) == ["data", "model", "training"]
    for section, part in {**sections(), "model": model_names()[name]}.items():
        assert set(values[section]) == set(part.model_fields)
    assert next(iter(values["model"].items())) == ("name", name)


@pytest.mark.parametrize("name", sorted(set(model_names()) - {"linear", "forest", "own"}))
def test_every_network_can_be_built_from_its_defaults(name: str) -> None:
    options = make_config({"model": {"name": name}}).model
    assert not isinstance(options, LinearOptions | ForestOptions)
    assert build_network(options, TASKS, TextInputs(5)).head.outputs == (2, 2)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epochs=3", "expected section.key=value, for example training.epochs=5, found 'epochs=3'"),
        ("training.epochs", "expected section.key=value, for example training.epochs=5, found 'training.epochs'"),
        ("training.epoch=3", "unknown setting 'training.epoch': did you mean 'training.epochs'"),
        ("trainig.epochs=3", "unknown setting 'trainig': did you mean 'training'?"),
        ("model.causl=true", "unknown setting 'model.causl': did you mean 'model.causal'"),
        ("model.ic=3", "unknown setting 'model.ic': "),
        ("model.adversarial=1", "unknown setting 'model.adversarial': "),
        ("model.name=icc", "unknown model 'icc': did you mean 'ic'?"),
        ("model.name=[ic]", r"unknown model \['ic'\]: did you mean 'ic'?"),
        ("model.hidden=0", "^model.hidden: input should be greater than or equal to 1, found 0$"),
        ("model.hidden=ten", "^model.hidden: input should be a valid integer, .* found 'ten'$"),
        (
            "model.pooling=avg",
            "^model.pooling: input should be 'last', 'mean', 'max', 'attention' or 'dot', found 'avg'$",
        ),
        ("training.learning_rate=0", "^training.learning_rate: input should be greater than 0, found 0$"),
        (
            "training.learning_rate=.inf",
            "^training.learning_rate: input should be less than or equal to 1e37, found inf$",
        ),
        ("training.clip=.nan", "^training.clip: input should be greater than or equal to 0, found nan$"),
        ("training.seed=4294967296", "^training.seed: input should be less than 4294967296, found 4294967296$"),
        ("data.dev=1", "^data.dev: input should be less than 1, found 1$"),
        ("data.source=books.csv", "^data.source: input should be a valid list, found 'books.csv'$"),
        ("data.source=[1]", "^data.source.0: input should be a valid string, found 1$"),
    ],
)
def test_one_sentence_for_each_wrong_setting(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        make_config({}, [setting])
    assert "\n" not in str(caught.value)


def test_an_option_of_another_model_is_unknown() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'model.hidden': did you mean 'model.mode' or"):
        make_config({"model": {"name": "linear", "hidden": 3}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"training: [", "cannot be read as YAML"),
        (b"\xff\xfe\xff", "cannot be read as YAML"),
        (b"epochs: 3", "expected the sections data, model and training, each with its settings"),
        (b"- 3", "expected the sections data, model and training, each with its settings"),
        (b"data:\n", "expected the sections data, model and training, each with its settings"),
    ],
)
def test_wrong_files_are_refused_by_name(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"settings.yaml: {message}") as caught:
        read_config(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_and_an_empty_one_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing.yaml: cannot be read"):
        read_config(tmp_path / "missing.yaml")
    (tmp_path / "empty.yaml").touch()
    assert read_config(tmp_path / "empty.yaml") == {}


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text("data: !!python/object/apply:os.getcwd []")
    with pytest.raises(ConfigError, match="cannot be read as YAML"):
        read_config(path)
