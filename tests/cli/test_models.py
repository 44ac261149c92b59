"""``tasktalk models``: every model has a line, every setting a default, a range and a help text."""

import json

import pytest

from tasktalk.cli.models import describe
from tasktalk.models.settings import Settings
from tasktalk.training.config import Config, DataConfig, TrainingConfig, model_names
from tests.cli.conftest import Cli


def test_every_model_has_a_line_in_the_group_of_what_it_reads(cli: Cli) -> None:
    texts, everything, simple = (group.splitlines() for group in cli("models").out.strip().split("\n\n"))
    names = [[line.split()[0] for line in group[2:]] for group in (texts, everything, simple)]
    assert [name for group in names for name in group] == list(model_names())
    assert {"ic", "lstm"} <= set(names[0]) and {"mitten", "single"} <= set(names[1]) and "forest" in names[2]
    assert [group[0] for group in (texts, everything, simple)] == [
        "For texts and tagged sentences:",
        "For texts, tagged sentences, molecules and nodes of a graph:",
        "Without a network, for all but sentences:",
    ]
    assert all(len(line.split()) > 4 for group in (texts, everything, simple) for line in group[2:])


@pytest.mark.parametrize("settings", [DataConfig, TrainingConfig, *model_names().values()])
def test_every_setting_is_described(settings: type[Settings]) -> None:
    described = describe(settings)
    assert set(described) == set(settings.model_fields) - {"name"}
    for facts in described.values():
        assert len(facts["help"]) > 3 and facts["allowed"]


def test_settings_of_a_model(cli: Cli) -> None:
    rows = {line.split()[0]: line for line in cli("models", "ic").out.splitlines() if line.startswith("model.")}
    assert rows["model.hidden"].split()[1] == "100" and "(integer >= 1)" in rows["model.hidden"]
    assert "last, mean, max, attention" in rows["model.pooling"]
    assert rows["model.causal"].split()[1] == "false"


def test_a_model_overrides_the_help_and_range_of_its_base() -> None:
    settings = describe(model_names()["mt-cnn"])
    assert settings["pooling"] == {
        "default": "max",
        "allowed": "last, mean, max, attention, dot",
        "help": "max, as in that paper.",
    }
    assert settings["bidirectional"]["allowed"] == "false"


def test_all_settings_as_json_are_those_of_a_configuration(cli: Cli) -> None:
    found = json.loads(cli("models", "ic", "--all", "--json", "-").out)
    values = Config().model_dump(mode="json")
    values["model"].pop("name")
    expected = {f"{section}.{key}": value for section, part in values.items() for key, value in part.items()}
    assert {key: facts["default"] for key, facts in found["settings"].items()} == expected
    assert found["name"] == "ic" and found["summary"].startswith("IC-MTL")


def test_settings_of_graphs_and_of_simple_models_stand_there(cli: Cli) -> None:
    rows = {line.split()[0]: line for line in cli("models", "mitten", "--all").out.splitlines() if "." in line}
    assert rows["model.hidden"].split()[1] == "64"
    assert {"model.layers", "model.readout", "model.molecules", "model.nodes", "model.eta"} <= set(rows)
    assert rows["data.kinds"].endswith("(a kind for each task: binary, multiclass, regression)")
    assert rows["data.split"].split()[1] == "random" and rows["data.split"].endswith("(random, scaffold)")
    assert "model.trees" in cli("models", "forest").out


def test_list_as_json(cli: Cli) -> None:
    assert list(json.loads(cli("models", "--json", "-").out)) == list(model_names())
