import pytest
import torch
from torch import Tensor, nn

from tasktalk.core.batch import SparseRows
from tasktalk.heads.wide import WideLogits

FEATURES = 6
OUTPUTS, GROUPS = (2, 2, 3), (0, 0, 1)


def sparse(dense: Tensor) -> SparseRows:
    """Rows of (rows, features) in the form of an embedding bag."""
    counts = (dense != 0).sum(dim=1)
    return SparseRows(dense.nonzero()[:, 1], counts.cumsum(0) - counts, dense[dense != 0])


def make_dense(groups: int, batch: int) -> Tensor:
    """Features of which two thirds are zero; one example has none at all."""
    torch.manual_seed(0)
    dense = torch.randn(groups, batch, FEATURES) * (torch.rand(groups, batch, FEATURES) < 0.4)
    dense[0, 1] = 0
    return dense


def make_wide(trainable: bool = True) -> WideLogits:
    wide = WideLogits(FEATURES, OUTPUTS, GROUPS, trainable)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in wide.parameters():
            parameter.normal_()
    return wide


def by_hand(wide: WideLogits, x: Tensor, task: int) -> Tensor:
    weights = wide.shared[GROUPS[task]] + wide.own[task]
    logits: Tensor = x @ weights + wide.bias[task]
    return logits


@pytest.mark.parametrize(("groups", "receivers"), [(1, (1,)), (1, (2, 0, 1)), (3, (2, 0, 1)), (2, (0, 2))])
def test_equals_the_dense_product(groups: int, receivers: tuple[int, ...]) -> None:
    wide, dense = make_wide(), make_dense(groups, batch=4)
    logits = wide(sparse(dense.flatten(0, 1)), (groups, 4), receivers)
    assert len(logits) == len(receivers)
    for i, (found, task) in enumerate(zip(logits, receivers, strict=True)):
        torch.testing.assert_close(found, by_hand(wide, dense[i if groups > 1 else 0], task))


def test_gradients_equal_those_of_the_dense_product_and_are_sparse() -> None:
    wide, dense = make_wide(), make_dense(3, batch=4)
    logits = wide(sparse(dense.flatten(0, 1)), (3, 4), (2, 0, 1))
    torch.stack([x.square().sum() for x in logits]).sum().backward()
    found = {name: p.grad for name, p in wide.named_parameters()}
    wide.zero_grad()
    torch.stack([by_hand(wide, dense[i], task).square().sum() for i, task in enumerate((2, 0, 1))]).sum().backward()
    for name, parameter in wide.named_parameters():
        gradient = found[name]
        assert gradient is not None and gradient.is_sparse == (not name.startswith("bias"))
        torch.testing.assert_close(gradient.to_dense(), parameter.grad)
    assert {id(p) for p in wide.sparse_tables()} == {id(p) for p in [*wide.shared, *wide.own]}


def test_starts_with_nothing_to_say() -> None:
    logits = WideLogits(FEATURES, OUTPUTS, GROUPS, True)(sparse(make_dense(1, 4)[0]), (1, 4), (0, 2))
    assert [x.shape for x in logits] == [(4, 2), (4, 3)]
    assert all((x == 0).all() for x in logits)


def test_kept_weights_get_no_gradient() -> None:
    wide = make_wide(trainable=False)
    logits = wide(sparse(make_dense(1, 4)[0]), (1, 4), (0,))
    assert not any(p.requires_grad for p in wide.parameters())
    assert not logits[0].requires_grad
    torch.testing.assert_close(logits[0], by_hand(wide, make_dense(1, 4)[0], 0))


def test_tasks_of_a_group_share_weights() -> None:
    wide = WideLogits(FEATURES, OUTPUTS, GROUPS, True)
    with torch.no_grad():
        nn.init.ones_(wide.shared[0])
    first, second, third = wide(sparse(make_dense(1, 4)[0]), (1, 4), (0, 1, 2))
    assert torch.equal(first, second) and first.abs().max() > 0
    assert (third == 0).all()
