"""What a search tries, and what is refused."""

import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.training.config import Config, make_config
from tasktalk.training.search_space import Range, Values, assign, paper_grid, parse_search, points, value_at

CONFIG = make_config({"model": {"name": "ic", "dropout": 0.1}})


def test_lists_and_ranges_have_the_type_of_the_setting() -> None:
    given = ["model.hidden=50, 100", "training.learning_rate=1e-4..1e-2:log", "model.embedding_features=16..256:log"]
    assert parse_search([*given, "training.weight_decay=0,1e-5", "training.epochs=2..4:int"], CONFIG) == [
        Values("model.hidden", (50, 100)),
        Range("training.learning_rate", 1e-4, 1e-2, log=True, whole=False),
        Range("model.embedding_features", 16, 256, log=True, whole=True),
        Values("training.weight_decay", (0.0, 1e-5)),
        Range("training.epochs", 2, 4, log=False, whole=True),
    ]
    assert parse_search(["model.pooling=max,last", "model.causal=true,false"], CONFIG) == [
        Values("model.pooling", ("max", "last")),
        Values("model.causal", (True, False)),
    ]


def test_weights_by_the_name_of_a_task() -> None:
    weighted = make_config({"training": {"weights": {"a": 2.0}}})
    assert parse_search(["training.weights.my.task=1,0.5"], weighted) == [
        Values("training.weights.my.task", (1.0, 0.5))
    ]
    found = assign(weighted, {"training.weights.my.task": 0.5, "training.weights.b": 3})
    assert found.training.weights == {"a": 2.0, "my.task": 0.5, "b": 3.0}
    assert value_at(found, "training.weights.b") == 3.0
    assert weighted.training.weights == {"a": 2.0}


def test_models_may_be_searched_with_settings_that_all_of_them_have() -> None:
    space = parse_search(["model.hidden=4,8", "model.name=ic,dc"], CONFIG)
    assert [dimension.key for dimension in space] == ["model.hidden", "model.name"]
    found = assign(CONFIG, {"model.hidden": 4, "model.name": "dc"})
    assert (found.model.name, value_at(found, "model.hidden"), value_at(found, "model.dropout")) == ("dc", 4, 0.1)
    with pytest.raises(ConfigError, match="unknown setting 'model.causal'"):
        parse_search(["model.name=ic,dc", "model.causal=true,false"], CONFIG)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("model.hiden=1,2", "unknown setting 'model.hiden': did you mean 'model.hidden'"),
        ("modle.hidden=1,2", "unknown setting 'modle': did you mean 'model'?"),
        ("model.hidden.x=1,2", "unknown setting 'model.hidden.x': did you mean 'model.hidden'"),
        ("model.hidden=0,16", "model.hidden: input should be greater than or equal to 1, found 0"),
        ("model.hidden=0..16", "model.hidden: input should be greater than or equal to 1, found 0"),
        ("model.hidden=1.5..16", "model.hidden: input should be a valid integer.*found 1.5"),
        ("training.weight_decay=0.5..2:int", "expected two whole numbers, the lower one first, found 0.5..2:int"),
        ("model.hidden=16..4", "expected two whole numbers, the lower one first, found 16..4"),
        ("model.pooling=max,min", "model.pooling: input should be .*, found 'min'"),
        ("model.name=ic,id", "unknown model 'id'"),
        ("model.pooling=1..2", "model.pooling: input should be"),
        ("model.causal=0..1", "its values are no numbers, list them: model.causal=A,B,C"),
        ("training.learning_rate=a..b", "expected numbers, LOW..HIGH, found a..b"),
        ("training.learning_rate=1e-4..1e-2:logg", "expected :log or :int after the range, found :logg"),
        ("training.weight_decay=0..1:log", "a logarithm needs numbers above 0"),
        ("model.hidden=8", "expected two values or more, each once, found 8"),
        ("model.hidden=8,8", "expected two values or more, each once, found 8,8"),
        ("data.vectors=[a],[b]", "data.vectors cannot be searched: its values are no single numbers or words"),
        ("data.dev=0.1,0.2", "data.dev cannot be searched: trials that are judged differently"),
        ("training.criterion=loss,error", "training.criterion cannot be searched"),
        ("hidden=1,2", "expected --search SECTION.KEY=VALUES, for example .* found 'hidden=1,2'"),
        ("model.hidden", "expected --search SECTION.KEY=VALUES"),
    ],
)
def test_what_is_wrong_is_one_sentence(given: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        parse_search([given], CONFIG)
    assert "\n" not in str(error.value)


def test_a_setting_twice() -> None:
    with pytest.raises(ConfigError, match="model.hidden is given twice"):
        parse_search(["model.hidden=1,2", "model.hidden=3,4"], CONFIG)


def test_the_grid_of_the_paper() -> None:
    texts = [Task("a", "binary", ("x", "y")), Task("b", "binary", ("x", "y"))]
    hidden, l2 = paper_grid(CONFIG, texts)
    assert (str(hidden), str(l2)) == ("100, 200, 300", "0.0, 5e-05, 1e-05")
    assert len(points([hidden, l2])) == 9
    tags = [Task(name, "tagging", ("O", "B-x")) for name in ("pos", "chunk")]
    assert [dimension.key for dimension in paper_grid(CONFIG, tags)][2:] == [
        "training.weights.pos",
        "training.weights.chunk",
    ]
    assert len(points(paper_grid(CONFIG, tags))) == 81
    assert len(paper_grid(CONFIG, tags[:1])) == 2
    with pytest.raises(ConfigError, match="the paper's grid has no setting of linear; .* --search"):
        paper_grid(make_config({"model": {"name": "linear"}}), texts)


def test_points_of_a_grid() -> None:
    space = parse_search(["model.hidden=1,2", "model.causal=true,false"], Config())
    assert points(space)[1:3] == [
        {"model.hidden": 1, "model.causal": False},
        {"model.hidden": 2, "model.causal": True},
    ]
    with pytest.raises(ConfigError, match="a grid needs values, and model.hidden has the range 1..2:int"):
        points(parse_search(["model.hidden=1..2"], Config()))
