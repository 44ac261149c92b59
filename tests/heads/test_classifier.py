import pytest
import torch
from torch.nn import functional

from tasktalk.heads.classifier import Classifier, classification_loss

NAN = float("nan")


def test_every_receiver_has_a_layer_and_as_many_outputs_as_its_task() -> None:
    torch.manual_seed(0)
    head, pooled = Classifier(4, [2, 3, 5]), torch.randn(2, 6, 4)
    first, second = head(pooled, (2, 0))
    assert first.shape == (6, 5)
    torch.testing.assert_close(second, pooled[1] @ head.get_parameter("layers.0.weight").t())
    assert all(not head.get_parameter(f"layers.{k}.bias").count_nonzero() for k in range(3))


def test_only_the_receivers_layers_get_gradient() -> None:
    head = Classifier(4, [2, 3, 5])
    sum(x.sum() for x in head(torch.ones(2, 6, 4), (2, 0))).backward()
    assert [layer.weight.grad is None for layer in head.layers] == [False, True, False]


def test_loss_is_cross_entropy_where_all_labels_exist() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(5, 3), torch.tensor([0.0, 2.0, 1.0, 1.0, 0.0])
    expected = functional.cross_entropy(logits, labels.long())
    torch.testing.assert_close(classification_loss(logits, labels), expected)


def test_missing_labels_count_for_nothing() -> None:
    torch.manual_seed(0)
    logits = torch.randn(4, 3, requires_grad=True)
    loss = classification_loss(logits, torch.tensor([NAN, 2.0, NAN, 0.0]))
    known = functional.cross_entropy(logits[[1, 3]], torch.tensor([2, 0]))
    torch.testing.assert_close(loss, known)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert (gradient[[0, 2]] == 0).all()
    torch.testing.assert_close(gradient, torch.autograd.grad(known, logits)[0])


@pytest.mark.parametrize("batch", [3, 0])
def test_without_labels_the_loss_is_zero_and_still_attached(batch: int) -> None:
    logits = torch.randn(batch, 3, requires_grad=True)
    loss = classification_loss(logits, torch.full((batch,), NAN))
    assert loss.item() == 0
    loss.backward()
    assert logits.grad is not None and (logits.grad == 0).all()
