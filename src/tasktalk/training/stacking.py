"""How much a network and a linear model that was fitted before count beside each other, decided on development data."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize

from tasktalk.data.batches import Batchable, rows_of
from tasktalk.heads.wide import WideLogits
from tasktalk.training.predictor import NetworkPredictor

_SMALLEST = np.finfo(np.float64).tiny


def stack_on_dev(predictor: NetworkPredictor, wide: WideLogits, dev: Batchable) -> None:
    """Set the two numbers of ``wide.mix`` to those with the least negative log-likelihood on the development data.

    Two numbers for all tasks together (stacked generalisation, Wolpert 1992): with equal weights, whichever of the two
    models is surer of itself would decide, and both are too sure.
    """
    tasks = range(dev.labels.shape[1])

    def answers(mix: tuple[float, float]) -> list[np.ndarray]:
        wide.mix.copy_(torch.tensor(mix))
        return [np.log(np.maximum(answer, _SMALLEST)) for answer in predictor.answers(dev, tasks)]

    deep, linear = answers((1.0, 0.0)), answers((0.0, 1.0))
    labels = [dev.labels[rows_of(dev, k), k] for k in tasks]
    wide.mix.copy_(torch.tensor(best_mix(deep, linear, labels)))


def best_mix(
    deep: Sequence[Float[np.ndarray, "_ _"]],
    linear: Sequence[Float[np.ndarray, "_ _"]],
    labels: Sequence[Float[np.ndarray, " _"]],
) -> tuple[float, float]:
    """The two factors, not below zero, of two models' logits with the least mean negative log-likelihood.

    Args:
        deep: log-probabilities of every task by the first model.
        linear: log-probabilities of every task by the second.
        labels: class indices, NaN where missing; without any the factors are one.
    """
    known = [~np.isnan(y) for y in labels]
    if not sum(int(k.sum()) for k in known):
        return 1.0, 1.0
    parts = [
        (a[k], b[k], y[k].astype(np.int64)) for a, b, y, k in zip(deep, linear, labels, known, strict=True) if k.any()
    ]

    def loss(mix: Float[np.ndarray, " 2"]) -> float:
        total = 0.0
        for a, b, y in parts:
            z = mix[0] * a + mix[1] * b
            total += float(np.logaddexp.reduce(z, axis=1).sum() - z[np.arange(len(y)), y].sum())
        return total / sum(len(y) for _, _, y in parts)

    found = minimize(loss, x0=np.ones(2), bounds=[(0.0, 10.0)] * 2, method="L-BFGS-B")
    return float(found.x[0]), float(found.x[1])
