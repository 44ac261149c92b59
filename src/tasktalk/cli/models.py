"""``tasktalk models``: which models there are, and what can be set."""

import inspect
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasktalk.cli.options import Json, example

if TYPE_CHECKING:
    from tasktalk.models.settings import Settings

EPILOG = example("tasktalk models", "tasktalk models ic", "tasktalk models ic --all --json settings.json")
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Show the settings of this model.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also the settings of data and training.")] = False,
    json: Json = "",
) -> None:
    """List the models, or the settings of one with their defaults."""
    from tasktalk.core.errors import ConfigError, nearest
    from tasktalk.training.config import model_names

    models = model_names()
    if name and name not in models:
        raise ConfigError(f"unknown model {name!r}: {nearest(name, models)}")
    if name:
        _show_settings(name, models[name], everything, json)
    else:
        _show_models(models, json)


def _show_models(models: "dict[str, type[Settings]]", json: str) -> None:
    from tasktalk.cli.show import emit_json, say, table

    summaries = {model: _summary(option) for model, option in models.items()}
    if json:
        emit_json(summaries, json)
        return
    groups: dict[str, list[tuple[str, str]]] = {}
    for model, option in models.items():
        groups.setdefault(_group(option), []).append((model, summaries[model]))
    for number, (title, rows) in enumerate(groups.items()):
        say(("\n" if number else "") + title)
        table(("model", "what it is"), rows)


def _group(model: "type[Settings]") -> str:
    from tasktalk.models.settings import TextOptions
    from tasktalk.models.transfer_options import TransferOptions

    if issubclass(model, TransferOptions):
        return "For texts, tagged sentences, molecules and nodes of a graph:"
    return (
        "For texts and tagged sentences:"
        if issubclass(model, TextOptions)
        else "Without a network, for all but sentences:"
    )


def _show_settings(name: str, model: "type[Settings]", everything: bool, json: str) -> None:
    from tasktalk.cli.show import emit_json, say, table
    from tasktalk.training.config import DataConfig, TrainingConfig

    sections: dict[str, type[Settings]] = {"model": model}
    if everything:
        sections |= {"data": DataConfig, "training": TrainingConfig}
    settings = {f"{group}.{key}": facts for group, part in sections.items() for key, facts in describe(part).items()}
    if json:
        emit_json({"name": name, "summary": _summary(model), "settings": settings}, json)
        return
    say(f"{name}: {_summary(model)}\n")
    rows = [
        (key, _shown(facts["default"]), f"{facts['help'].removesuffix('.')} ({facts['allowed']})")
        for key, facts in settings.items()
    ]
    table(("setting", "default", "what it does"), rows)


def describe(settings: "type[Settings]") -> dict[str, dict[str, Any]]:
    """Default, allowed values and help of every setting of a group; the help stands in the docstrings."""
    texts: dict[str, str] = {}
    for part in reversed(settings.__mro__):
        _, _, attributes = inspect.cleandoc(part.__doc__ or "").partition("Attributes:\n")
        texts |= {key: " ".join(text.replace("``", "").split()) for key, text in _ATTRIBUTE.findall(attributes)}
    properties = settings.model_json_schema()["properties"]
    return {
        key: {"default": facts["default"], "allowed": _allowed(facts), "help": texts[key]}
        for key, facts in properties.items()
        if key != "name"
    }


def _summary(settings: "type[Settings]") -> str:
    return inspect.cleandoc(settings.__doc__ or "").partition("\n")[0]


def _allowed(facts: dict[str, Any]) -> str:
    choices = facts.get("enum", [facts["const"]] if "const" in facts else None)
    if choices is not None:
        return ", ".join(_shown(choice) for choice in choices)
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {facts[key]:g}" for key, sign in signs.items() if key in facts]
    if isinstance(facts.get("additionalProperties"), dict):
        return "a kind for each task: " + _allowed(facts["additionalProperties"])
    names = {"array": "list", "string": "text", "boolean": "true, false", "object": "a value by each name"}
    return " ".join([names.get(facts["type"], facts["type"]), ", ".join(limits)]).strip()


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value in ("", [], {}) else str(value)
