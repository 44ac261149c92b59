"""Dropout that treats all encoders alike."""

from jaxtyping import Float
from torch import Tensor, nn


def shared_mask(
    dropout: nn.Dropout, rows: int, like: Float[Tensor, "_ hidden"]
) -> Float[Tensor, "{rows} hidden"] | None:
    """What the features of every row are multiplied by; None where nothing is dropped.

    There is one mask for all encoders: the same features are dropped for each of them, so that encoders that start
    alike stay comparable. And drawing a mask for each would take as long as all products of a layer.

    Args:
        dropout: says what share is dropped, and whether it is now.
        rows: how many rows.
        like: gives the number of features, the type and the device.
    """
    return dropout(like.new_ones(rows, like.shape[1])) if dropout.training and dropout.p else None
