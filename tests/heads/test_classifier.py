import pytest
import torch
from torch.nn import functional

from tasktalk.core.task import Task
from tasktalk.heads.classifier import Classifier, classification_loss, regression_loss, task_loss

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


def test_the_loss_of_a_regression_in_loops() -> None:
    torch.manual_seed(0)
    predictions = torch.randn(4, 1, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([1.0, NAN, -2.0, 7.0], dtype=torch.float64)
    found = regression_loss(predictions, labels, mean=3.0, std=2.0)
    total = torch.zeros((), dtype=torch.float64)
    for i in (0, 2, 3):
        total = total + (predictions[i, 0] - (labels[i] - 3.0) / 2.0) ** 2 / 2
    expected = total / 3
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    (gradient,) = torch.autograd.grad(found, predictions)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, predictions)[0], atol=1e-12, rtol=0)
    assert gradient[1] == 0


@pytest.mark.parametrize("batch", [3, 0])
def test_without_labels_the_loss_of_a_regression_is_zero_and_still_attached(batch: int) -> None:
    predictions = torch.randn(batch, 1, requires_grad=True)
    loss = regression_loss(predictions, torch.full((batch,), NAN), 1.0, 2.0)
    assert loss.item() == 0
    loss.backward()
    assert predictions.grad is not None and (predictions.grad == 0).all()


def test_the_loss_suits_the_kind_of_the_task() -> None:
    torch.manual_seed(0)
    labels = torch.tensor([1.0, 0.0, NAN])
    one, two = torch.randn(3, 1), torch.randn(3, 2)
    age = Task("age", "regression", mean=5.0, std=3.0)
    torch.testing.assert_close(task_loss(age, one, labels), regression_loss(one, labels, 5.0, 3.0))
    toxic = Task("toxic", "binary", ("no", "yes"))
    torch.testing.assert_close(task_loss(toxic, two, labels), classification_loss(two, labels))
