import builtins
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from tasktalk.analysis import molecules as module
from tasktalk.analysis.molecules import Drawn, molecules_part
from tasktalk.analysis.overview import choose
from tasktalk.core.errors import TasktalkError
from tasktalk.data.atoms import molecule_graph, parse
from tasktalk.data.dataset import Examples, Molecules
from tasktalk.data.take import take
from tasktalk.training.run import Run
from tasktalk.training.train import train
from tests.training.toy import config, graph_config, molecules, toy


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    models: dict[str, dict[str, Any]] = {"mitten": {}, "mmoe": {"experts": 5}, "cross-stitch": {}, "shared": {}}
    return {
        name: train(molecules(), graph_config(name, hidden=4, training__epochs=1, **settings), folder / name)
        for name, settings in models.items()
    }


def given(*smiles: str) -> Examples:
    graphs = [molecule_graph(parse(one)) for one in smiles]
    return Examples(Molecules(list(smiles), list(smiles), graphs), np.full((len(smiles), 3), np.nan), None)


@pytest.mark.parametrize("model", ["mitten", "mmoe"])
def test_every_atom_stands_with_the_source_it_listened_to_most(runs: dict[str, Run], model: str) -> None:
    test, run = molecules().splits["test"], runs[model]
    part = molecules_part(run, test, most=4)
    assert part is not None and [check.passed is None for check in part.checks] == [False, False]
    (picture,) = part.pictures
    chosen = take(test, choose(test, 4, 0))
    shown: set[Any] = {row[1] for row in picture.rows}
    assert sorted(shown) == sorted(run.shown(chosen))
    tasks = [task.name for task in run.tasks]
    sources = tasks if model == "mitten" else [f"expert {n}" for n in range(1, 6)]
    for number in range(4):
        weights = run.hear(take(chosen, np.array([number]))).record["weights"].double().numpy()
        for k, task in enumerate(tasks):
            rows = [row for row in picture.rows if (row[0], row[2]) == (number + 1, task)]
            assert [row[4] for row in rows] == run.positions(take(chosen, np.array([number])))[0]
            for atom, row in enumerate(rows):
                others = [s for s in range(len(sources)) if model == "mmoe" or s != k]
                best = max(others, key=lambda s: weights[k, atom, s])
                assert weights[k, atom, sources.index(str(row[5]))] == pytest.approx(weights[k, atom, best], abs=1e-6)
                assert float(str(row[6])) == pytest.approx(weights[k, atom, best], abs=1e-5)
                assert row[7] == ("" if model == "mmoe" else pytest.approx(weights[k, atom, k], abs=1e-5))


def test_the_page_has_one_drawing_a_molecule_and_circles_for_each_task(runs: dict[str, Run]) -> None:
    part = molecules_part(runs["mitten"], given("CCO", "c1ccccc1N"))
    assert part is not None
    html = str(part.pictures[0].interactive)
    assert html.count('data-switch="molecules"') == 1 and html.count('data-switch="molecules-2"') == 1
    assert html.count("<circle") - 3 == 3 * (3 + 7)  # less the legend
    assert html.count('<div data-group="molecules-1"') == 3
    assert len(re.findall(r'<div data-group="molecules-1" data-panel="\d" hidden', html)) == 2
    for svg in re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL):
        ElementTree.fromstring(svg)  # noqa: S314  # our own
    assert "class='atom" not in html and "rdkit" not in html
    part.pictures[0].figure.savefig("/dev/null", format="png")


def test_smiles_and_names_are_escaped() -> None:
    one = Drawn(1, "C<b>", 'task "<i>', ["C"], np.array([1]), np.array([0.5]), np.array([0.1]))
    card = module._card(one, [(1.0, 2.0)], ["a", "<u>&"], 0.3, 0.6)
    assert "<b>" not in card and "<i>" not in card and "<u>" not in card
    assert "C 1: &lt;u&gt;&amp; 0.50" in card and "<u>" not in module._legend(["<u>"])


def test_strange_molecules(runs: dict[str, Run]) -> None:
    part = molecules_part(runs["mitten"], given("[Na+].[Cl-]", "C" * 90, "[H][H]", "[2H]C([*])=O", "C[C@H](N)O"))
    assert part is not None and len({row[1] for row in part.pictures[0].rows}) == 5


def test_many_circles_are_left_out(runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CIRCLES", 20)
    part = molecules_part(runs["mitten"], given("CCCCCCCC", "CC"))
    assert part is not None and {row[:3:2] for row in part.pictures[0].rows} == {(1, "nitrogen"), (1, "ring")}


def test_what_has_no_atoms_that_listen_is_left_out(runs: dict[str, Run], tmp_path: Path) -> None:
    test = molecules().splits["test"]
    assert molecules_part(runs["cross-stitch"], test) is None
    assert molecules_part(runs["shared"], test) is None
    assert molecules_part(runs["mitten"], take(test, np.zeros(0, dtype=np.int64))) is None
    text = train(toy(), config("mitten", hidden=4, training__epochs=1), tmp_path / "run")
    assert molecules_part(text, toy().splits["test"]) is None


def test_without_rdkit_the_usual_sentence(runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    real, examples = builtins.__import__, given("CCO")

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "rdkit":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TasktalkError, match="molecules need RDKit: pip install"):
        molecules_part(runs["mitten"], examples)


def drawn(strongest: list[int], share: float, task: str = "a", own: bool = True) -> Drawn:
    n = len(strongest)
    return Drawn(1, "C", task, ["C"] * n, np.array(strongest), np.full(n, share), np.zeros(n) if own else None)


def test_checks_fail_where_all_atoms_are_alike() -> None:
    habit, even = module._checks([drawn([1] * 20, 0.26), drawn([2] * 19 + [3], 0.26, "b")], 4)
    assert habit.passed is False and habit.sentence.startswith("98% of the atoms")
    assert even.passed is False and "0.260 on average; all alike would have 0.250" in even.sentence
    assert [check.passed for check in module._checks([drawn([1, 2, 3, 1] * 5, 0.5)], 4)] == [True, True]
    (few,) = module._checks([drawn([1, 2, 3, 1], 0.5)], 4)
    assert (few.passed, few.sentence) == (None, "4 atoms are too few: at least 20 are needed.")
    assert [check.passed for check in module._checks([drawn([1, 1] * 10, 0.5)], 2)] == [None]
