"""A cut edge against the loops of the oracles without that source, in states, weights and gradients."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from tasktalk.communication.cut import cut
from tasktalk.communication.kernels.choice import KERNELS, using
from tests.papers import test_cross_stitch, test_dc_mtl, test_ic_mtl, test_mitten, test_mmoe
from tests.papers.notation import Answer, Case, assert_same, block_answer, make_case
from tests.papers.oracle_message_passing import Equations, senders
from tests.papers.transfers import Told, oracle_answer, transfer_answer
from tests.papers.transfers import make_case as make_transfer_case

RECEIVERS = [((0,), 1), ((2,), 1), ((0, 2), 1), ((0, 1, 2), 1), ((2, 0), 2), ((2, 0, 1), 3)]
RECEIVER, SOURCE = 2, 1


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every implementation of the recurrences can leave a source out."""
    with using(request.param):
        yield


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(("receivers", "groups"), RECEIVERS)
def test_dc_mtl_without_a_sender(receivers: tuple[int, ...], groups: int) -> None:
    block = test_dc_mtl.make_block()
    case = make_case(receivers, groups, test_dc_mtl.WORD_FEATURES, test_dc_mtl.HIDDEN)
    left = Equations(senders=lambda k, K: [i for i in senders(k, K) if (k, i) != (RECEIVER, SOURCE)])
    with cut(block, RECEIVER, SOURCE):
        assert_same(block_answer(block, case), test_dc_mtl.oracle(block, case, left, train_senders=True))


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(("receivers", "groups"), RECEIVERS)
def test_ic_mtl_without_messages(receivers: tuple[int, ...], groups: int) -> None:
    block = test_ic_mtl.make_block()
    case = make_case(receivers, groups, test_ic_mtl.WORD_FEATURES, test_ic_mtl.HIDDEN)
    with cut(block, RECEIVER, 0):
        found = block_answer(block, case).outputs["states"]
    alone = Equations(eq10=lambda s, o_t, c_t, g_t, r_t: o_t * torch.tanh(c_t))
    expected = [test_ic_mtl.oracle(block, case, eq).outputs["states"] for eq in (Equations(), alone)]
    _assert_rows(found, expected, case)


@pytest.mark.usefixtures("kernel")
def test_dc_mtl_with_nobody_left_reads_alone() -> None:
    block = test_dc_mtl.make_block()
    case = make_case((2, 0), 2, test_dc_mtl.WORD_FEATURES, test_dc_mtl.HIDDEN)
    with cut(block, RECEIVER, 0), cut(block, RECEIVER, 1), cut(block, RECEIVER, 3):
        found = block_answer(block, case).outputs["states"]
    alone = Equations(eq10=lambda s, o_t, c_t, g_t, r_t: o_t * torch.tanh(c_t))
    expected = [test_dc_mtl.oracle(block, case, eq, True).outputs["states"] for eq in (Equations(), alone)]
    _assert_rows(found, expected, case)


def _assert_rows(found: Tensor, expected: list[Tensor], case: Case) -> None:
    """The first answer for all receivers but one, the second for that."""
    for row, receiver in enumerate(case.receivers):
        torch.testing.assert_close(found[row], expected[receiver == RECEIVER][row], rtol=0, atol=1e-9)


@pytest.mark.parametrize("settings", test_mitten.SETTINGS, ids=str)
@pytest.mark.parametrize(("receivers", "groups"), RECEIVERS)
def test_mitten_without_a_source(receivers: tuple[int, ...], groups: int, settings: dict[str, Any]) -> None:
    transfer = test_mitten.make_transfer(**settings)
    case = make_transfer_case(test_mitten.k, receivers, groups, test_mitten.d)
    with cut(transfer, RECEIVER, SOURCE):
        found = transfer_answer(transfer, case)
    expected = _mitten_without(transfer, case, settings)
    assert_same(Answer(_of_weights(found.outputs), found.gradients), expected)


def _of_weights(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: outputs[name] for name in ("mixed", "weights")}


def _mitten_without(transfer: Any, case: Any, settings: dict[str, Any]) -> Answer:
    """D~ is that of all sources; the softmax of Eq. 4 is over those that are left."""

    def weigh_of(j: int) -> Any:
        who = [i for i in range(test_mitten.k) if settings["include_self"] or i != j]

        def weigh(x: list[Tensor]) -> list[Tensor]:
            kept = [n for n, i in enumerate(who) if (j, i) != (RECEIVER, SOURCE)]
            w = dict(zip(kept, test_mitten.softmax([x[n] for n in kept]), strict=True))
            return [w.get(n, torch.zeros(())) for n in range(len(who))]

        return weigh

    def tell(p: Any, E: list[Tensor], x: Tensor, j: int) -> Any:
        equations = test_mitten.Equations()._replace(weigh=weigh_of(j))
        told = test_mitten.position(equations, p, E, j, **settings)
        return told._replace(record={"weights": told.record["weights"]})

    return oracle_answer(transfer, case, tell)


@pytest.mark.parametrize(("receivers", "groups"), RECEIVERS)
def test_cross_stitch_without_a_source(receivers: tuple[int, ...], groups: int) -> None:
    transfer = test_cross_stitch.make_transfer()
    case = make_transfer_case(test_cross_stitch.k, receivers, groups, test_cross_stitch.d)

    def combine(alpha: Tensor, x: list[Tensor], i: int) -> Tensor:
        others = [j for j in range(test_cross_stitch.k) if (i, j) != (RECEIVER, SOURCE)]
        return sum((alpha[i, j] * x[j] for j in others), torch.zeros_like(x[i]))

    with cut(transfer, RECEIVER, SOURCE):
        found = transfer_answer(transfer, case)
    expected = test_cross_stitch.oracle(transfer, case, combine)
    for row, receiver in enumerate(receivers):
        if receiver == RECEIVER:
            assert found.outputs["stitch"][row, SOURCE] == 0
            expected.outputs["stitch"][row, SOURCE] = 0
    assert_same(found, expected)


@pytest.mark.parametrize(("receivers", "groups"), RECEIVERS)
def test_mmoe_without_an_expert(receivers: tuple[int, ...], groups: int) -> None:
    transfer = test_mmoe.make_transfer()
    case = make_transfer_case(test_mmoe.EXPERTS, receivers, groups, test_mmoe.d, test_mmoe.INPUT_FEATURES)

    def tell(p: Any, f: list[Tensor], x: Tensor, t: int) -> Told:
        kept = [i for i in range(test_mmoe.EXPERTS) if (t, i) != (RECEIVER, SOURCE)]
        e = {i: torch.exp(test_mmoe._logit(x, p["weight"][t], p["bias"][t], i)) for i in kept}
        g = [e[i] / sum(e.values()) if i in e else torch.zeros(()) for i in range(test_mmoe.EXPERTS)]
        return Told(test_mmoe.Equations().mix(g, f), {"weights": torch.stack(g)})

    with cut(transfer, RECEIVER, SOURCE):
        assert_same(transfer_answer(transfer, case), oracle_answer(transfer, case, tell))
