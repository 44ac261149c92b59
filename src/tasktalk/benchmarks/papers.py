"""Tables of the papers as data, so that ours can stand beside them."""

from types import MappingProxyType

FDU_MTL_ERROR = MappingProxyType(
    {
        "single": (19.2, 21.4, 19.9, 20.1, 15.7, 14.6, 17.8, 23.0, 16.3, 17.0, 15.9, 10.5, 14.7, 17.3, 17.3, 26.9),
        "mt-cnn": (15.5, 16.8, 16.0, 16.8, 16.3, 14.0, 12.8, 16.3, 10.8, 18.5, 12.3, 12.3, 13.5, 16.0, 13.8, 25.5),
        "fs": (17.5, 14.3, 16.5, 14.0, 15.5, 13.5, 12.0, 18.8, 15.5, 16.3, 12.0, 7.5, 13.8, 14.5, 17.5, 25.3),
        "sp": (16.0, 13.2, 14.5, 13.8, 13.0, 10.8, 11.8, 17.5, 12.0, 15.5, 11.8, 7.8, 12.8, 14.3, 14.5, 23.3),
        "dc": (13.3, 11.5, 13.5, 12.3, 13.0, 10.5, 10.5, 14.8, 11.0, 13.0, 10.8, 8.0, 10.3, 12.3, 13.0, 21.5),
        "ic": (13.8, 11.5, 12.0, 11.8, 12.5, 11.0, 10.5, 14.3, 10.8, 14.0, 11.3, 7.8, 12.8, 13.3, 13.5, 22.0),
    }
)
"""Test error in percent, message-passing paper, Table 1; ``single`` is its mean of LSTM, BiLSTM and stacked LSTM."""

FDU_MTL_TASKS = (
    "books",
    "electronics",
    "dvd",
    "kitchen_housewares",
    "apparel",
    "camera_photo",
    "health_personal_care",
    "music",
    "toys_games",
    "video",
    "baby",
    "magazines",
    "software",
    "sports_outdoors",
    "imdb",
    "MR",
)
"""The tasks of ``FDU_MTL_ERROR`` in the order of that table, by the names of the files."""


def fdu_mtl_error(model: str) -> dict[str, float]:
    """A column of Table 1 by task.

    Raises:
        KeyError: the table has no such column.
    """
    return dict(zip(FDU_MTL_TASKS, FDU_MTL_ERROR[model], strict=True))
