"""Everything that can be set, with its defaults: what ``config.yaml`` holds and ``--set`` changes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import AfterValidator, Field, ValidationError

from tasktalk.core.errors import ConfigError, nearest
from tasktalk.data.batches import Schedule
from tasktalk.data.request import Request, SplitKind
from tasktalk.models.options import IndirectOptions, Options
from tasktalk.models.settings import Settings, Share, Size
from tasktalk.training.selection import Criterion


def _below_overflow(value: float) -> float:
    if not value <= 1e37:  # Adam's divisions overflow above it
        raise ValueError("input should be less than or equal to 1e37")
    return value


StepSize = Annotated[float, Field(gt=0), AfterValidator(_below_overflow)]
NotNegative = Annotated[float, Field(ge=0)]
Weight = Annotated[float, Field(gt=0), AfterValidator(_below_overflow)]


class DataConfig(Settings):
    """Where the examples come from, what they are, and which labels may be used.

    Attributes:
        source: a name in the catalogue, a folder, table files (each a path or NAME=PATH), a .mat file, or corpora of
            tagged sentences (each NAME=PATH:column=N or a name in the catalogue).
        tasks: names of the tasks to use; empty for all.
        tokenizer: name of the tokeniser; empty for the source's usual one.
        text: tables only: name of the text column.
        label: tables only: name of the label column, where every file is a task.
        labels: tables only: names of the label columns, one per task.
        kinds: kind of a task (binary, multiclass, regression) by its name, where it is not to be inferred.
        smiles: tables of molecules: name of the column of SMILES.
        edges: node graphs: path of the edge list; the source is then the table of labels.
        features: node graphs: path of a table of features.
        node: node graphs: name of the column that names the node.
        split: how examples are dealt where the data has no parts: at random, or molecules by their scaffold.
        dev: share of the examples that becomes development data where there is none.
        test: share of the examples that becomes test data where there is none.
        mask: which training labels may be used: sufficient (all), all:10 (10 % of every task's), partial:10 (10 % of
            half of the tasks', drawn at random), partial:10:0.3 (of 30 % of the tasks) or few:10 (ten labels of every
            task).
        case: sentences: look words up in lower case (``fold``), or as they are (``keep``); the letters that a model
            reads beside them keep their case.
        max_words: longer texts are cut after so many words; sentences never are.
        min_count: words of the training texts that are rarer are unknown.
        vectors: files of pretrained word vectors, put side by side.
    """

    source: list[str] = []
    tasks: list[str] = []
    tokenizer: str = ""
    text: str = "text"
    label: str = ""
    labels: list[str] = []
    kinds: dict[str, Literal["binary", "multiclass", "regression"]] = {}
    smiles: str = ""
    edges: str = ""
    features: str = ""
    node: str = "node"
    split: SplitKind = "random"
    dev: Share = 0.1
    test: Share = 0.2
    mask: str = "sufficient"
    case: Literal["fold", "keep"] = "fold"
    max_words: Size = 200
    min_count: Size = 1
    vectors: list[str] = []

    def request(self) -> Request:
        """The same for a loader.

        The split depends on the data only, never on the seed of the training: runs that differ in their seed are tested
        on the same examples.
        """
        return Request(
            tasks=tuple(self.tasks) or None,
            tokenizer=self.tokenizer or None,
            text=self.text,
            label=self.label or None,
            labels=tuple(self.labels) or None,
            kinds=self.kinds,
            smiles=self.smiles,
            edges=self.edges,
            features=self.features,
            node=self.node,
            split=self.split,
            dev=self.dev,
            test=self.test,
        )


class TrainingConfig(Settings):
    """How a network is trained.

    Attributes:
        epochs: passes over about as many examples as there are.
        batch_size: examples per task and batch; of nodes, if it is not given, a tenth of them.
        evaluation_batch_size: examples per batch where nothing is learned.
        schedule: ``alternate``, one task per batch (Algorithm 1), or ``joint``, all tasks in every batch (Eq. 14).
        sampling_power: a task is drawn in proportion to (its examples) ** power; 0 is uniform.
        optimizer: ``adamw``, with row-wise updates of the word vectors, or ``adadelta`` (the message-passing paper's).
        learning_rate: step size at the beginning.
        decay: how the step size falls until the last epoch: not at all (``none``), or to zero along half a ``cosine``.
        weight_decay: l2 regularisation (decoupled for ``adamw``); word vectors have none with ``adamw``.
        weights: lambda_k of Eq. 14, the weight of a task's loss by its name; 1 for the others.
        clip: largest norm of the gradient, with ``adamw`` apart from that of word vectors; 0 for no limit.
        patience: stop after so many epochs without a better development score; 0 never stops early.
        selection: keep the weights that are best for the ``mean`` development score, or ``per-task``.
        criterion: which score: ``error``, ``auroc``, ``f1`` or ``loss``; ``auto`` is the F1 of spans (of other tags the
            accuracy), the error where tasks have inputs of their own, the AUROC where all tasks are binary and read the
            same inputs, else the loss.
        checkpoint_seconds: how often a checkpoint is written for ``--resume``, besides the end of every epoch.
        tracker: where scalars go, a name that accelerate knows, or ``none``.
        device: ``auto`` or ``cpu``.
        precision: ``no`` (float32), ``bf16`` or, on GPUs, ``fp16``.
        seed: of everything that draws.
        beside: names of the models that ``tasktalk train`` trains beside this one, to compare.
    """

    epochs: Size = 10
    batch_size: Size = 16
    evaluation_batch_size: Size = 64
    schedule: Schedule = "alternate"
    sampling_power: NotNegative = 0.0
    optimizer: Literal["adamw", "adadelta"] = "adamw"
    learning_rate: StepSize = 1e-3
    decay: Literal["none", "cosine"] = "none"
    weight_decay: NotNegative = 0.0
    weights: dict[str, Weight] = {}
    clip: NotNegative = 1.0
    patience: Annotated[int, Field(ge=0)] = 3
    selection: Literal["mean", "per-task"] = "mean"
    criterion: Criterion = "auto"
    checkpoint_seconds: NotNegative = 120.0
    tracker: str = "tensorboard"
    device: Literal["auto", "cpu"] = "auto"
    precision: Literal["no", "bf16", "fp16"] = "no"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    beside: list[str] = []


class Config(Settings):
    """A whole run."""

    data: DataConfig = DataConfig()
    model: Annotated[Options, Field(discriminator="name")] = IndirectOptions()
    training: TrainingConfig = TrainingConfig()

    def to_yaml(self) -> str:
        """Every setting, defaults written out; the model's name comes first."""
        values = self.model_dump(mode="json")
        values["model"] = {"name": values["model"].pop("name"), **values["model"]}
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def model_names() -> dict[str, type[Settings]]:
    """The settings class of every model, by the name that ``--model`` takes."""
    return {option.model_fields["name"].default: option for option in get_args(Options)}


def is_import_path(name: object) -> bool:
    """Whether a model is named by the import path of a block, ``module:Name``."""
    return isinstance(name, str) and ":" in name


def make_config(values: Mapping[str, Any] | None = None, settings: Sequence[str] = ()) -> Config:
    """A configuration from nested values and ``section.key=value`` settings, later ones first.

    A model ``module:Name`` is the model ``own`` with that path.

    Raises:
        ConfigError: a key, model or value that is not allowed; the message names the nearest or what is allowed.
    """
    merged: dict[str, Any] = {section: dict(part) for section, part in (values or {}).items()}
    for setting in settings:
        path, equals, text = setting.partition("=")
        section, dot, key = path.partition(".")
        if not equals or not dot:
            raise ConfigError(f"expected section.key=value, for example training.epochs=5, found {setting!r}")
        merged.setdefault(section, {})[key] = parse_value(text)
    model = merged["model"] = _gathered(merged.get("model", {}))
    name = model.setdefault("name", Config().model.name)
    if is_import_path(name):
        model |= {"name": "own", "path": name}
        name = "own"
    if not isinstance(name, str) or name not in model_names():
        raise ConfigError(f"unknown model {name!r}: {nearest(str(name), model_names())}")
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_sentence(error, merged)) from error


def _gathered(model: Mapping[str, Any]) -> dict[str, Any]:
    """Values of ``options.key`` as one value of ``options``, over what stands there."""
    own = {key.partition(".")[2]: value for key, value in model.items() if key.startswith("options.")}
    rest = {key: value for key, value in model.items() if not key.startswith("options.")}
    before = rest.get("options", {})
    return {**rest, "options": {**before, **own}} if own and isinstance(before, Mapping) else rest


def read_config(path: Path) -> dict[str, Any]:
    """The values of a YAML file.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or does not hold sections of settings.
    """
    try:
        values = _parse(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: cannot be read as YAML ({reason})") from error
    if not isinstance(values, dict) or not all(isinstance(part, dict) for part in values.values()):
        raise ConfigError(f"{path}: expected the sections data, model and training, each with its settings")
    return values


class _Yaml(yaml.SafeLoader):
    """YAML 1.2's booleans, true and false: in YAML 1.1 the words off and no, which some settings take, are others."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Yaml.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


def _parse(text: str) -> Any:
    return _Yaml(text).get_single_data()


def parse_value(text: str) -> object:
    """A value on the command line; nothing after the equals sign is an empty text."""
    try:
        return _parse(text) if text.strip() else ""
    except yaml.YAMLError:
        return text


def _sentence(error: ValidationError, values: Mapping[str, Any]) -> str:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    section = place[0]
    if section == "model" and len(place) > 1:  # pydantic puts the model's name between
        place.pop(1)
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        return f"unknown setting {key!r}: {nearest(key, _known_keys(section, values))}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}, found {first['input']!r}"


def _known_keys(section: str, values: Mapping[str, Any]) -> list[str]:
    parts: dict[str, type[Settings]] = {
        "data": DataConfig,
        "model": model_names()[values["model"]["name"]],
        "training": TrainingConfig,
    }
    if section not in parts:
        return list(parts)
    return [f"{section}.{key}" for key in parts[section].model_fields]
