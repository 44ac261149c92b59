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

FDU_MTL_TRANSFER = MappingProxyType(
    {
        "sp": (16.3, 16.8, 14.3, 15.0, 13.8, 10.3, 13.5, 18.3, 11.8, 14.8, 12.0, 9.5, 11.8, 13.5, 13.3, 23.5),
        "ic": (14.5, 13.8, 14.0, 12.8, 13.5, 11.0, 11.0, 14.8, 10.8, 13.5, 11.5, 8.8, 11.0, 12.8, 13.3, 22.8),
    }
)
"""The same after a transfer to the task from a run on the other fifteen, whose shared layer is frozen."""

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


DEPENDENCY_MODELS = ("single", "shared", "cross-stitch", "mmoe", "mitten")
"""The models of ``DEPENDENCY_AUROC`` in the order of its columns, by our names (there: Single-Task ... Our)."""

DEPENDENCY_AUROC = MappingProxyType(
    {
        ("tox21", "sufficient"): (0.8063, 0.8171, 0.8204, 0.8049, 0.8333),
        ("tox21", "partial:10"): (0.7138, 0.7309, 0.7128, 0.7331, 0.7310),
        ("tox21", "all:10"): (0.7719, 0.7934, 0.7823, 0.7848, 0.8033),
        ("sider", "sufficient"): (0.6458, 0.6484, 0.6676, 0.6406, 0.6701),
        ("sider", "partial:10"): (0.5682, 0.5534, 0.5504, 0.5377, 0.5541),
        ("sider", "all:10"): (0.6277, 0.6290, 0.6285, 0.6261, 0.6363),
        ("dblp", "partial:1"): (0.8069, 0.8056, 0.5148, 0.7930, 0.8241),
        ("dblp", "all:10"): (0.8232, 0.8077, 0.5150, 0.8177, 0.8367),
        ("blogcatalog", "partial:5"): (0.5154, 0.6521, 0.5259, 0.6720, 0.6769),
        ("blogcatalog", "all:20"): (0.6100, 0.6667, 0.5272, 0.6850, 0.6861),
        ("tmdb", "sufficient"): (0.8172, 0.8272, 0.8543, 0.8198, 0.8484),
        ("tmdb", "partial:10"): (0.7324, 0.7293, 0.7234, 0.6590, 0.7404),
        ("tmdb", "all:10"): (0.8033, 0.8227, 0.8452, 0.7869, 0.8480),
    }
)
"""Test AUROC, dependency paper, Tables 1 (graphs) and 2 (TMDb), by data set and mask of the training labels.

Its "All 80 %" is ``sufficient`` (all labels of the 80 % that are training data), "All p %" is ``all:p``, and
"Partially p %" is ``partial:p`` (it does not say of how many tasks).
"""


def dependency_auroc(dataset: str, mask: str) -> dict[str, float]:
    """A row of Table 1 or 2 by model.

    Args:
        dataset: name of the data set in the catalogue, or ``dblp``.
        mask: as ``DEPENDENCY_AUROC`` writes it.

    Raises:
        KeyError: the tables have no such row.
    """
    return dict(zip(DEPENDENCY_MODELS, DEPENDENCY_AUROC[dataset, mask], strict=True))
