import pytest

from tasktalk.benchmarks.papers import (
    DEPENDENCY_AUROC,
    FDU_MTL_ERROR,
    FDU_MTL_TASKS,
    FDU_MTL_TRANSFER,
    dependency_auroc,
    fdu_mtl_error,
)
from tasktalk.data.masks import parse_mask

PRINTED_AVERAGES = {"single": 18.0, "mt-cnn": 15.5, "fs": 15.3, "sp": 13.9, "dc": 12.5, "ic": 12.7}


@pytest.mark.parametrize("model", FDU_MTL_ERROR)
def test_columns_give_the_averages_that_the_paper_prints(model: str) -> None:
    column = fdu_mtl_error(model)
    assert len(column) == len(FDU_MTL_TASKS) == 16
    assert sum(column.values()) / 16 == pytest.approx(PRINTED_AVERAGES[model], abs=0.0501)


@pytest.mark.parametrize(("model", "printed"), [("sp", 14.3), ("ic", 13.1)])
def test_transfers_give_the_averages_that_the_paper_prints(model: str, printed: float) -> None:
    assert sum(FDU_MTL_TRANSFER[model]) / 16 == pytest.approx(printed, abs=0.0501)
    assert len(FDU_MTL_TRANSFER[model]) == 16


PRINTED_IN_BOLD = {
    ("tox21", "sufficient"): "mitten",
    ("tox21", "partial:10"): "mmoe",
    ("tox21", "all:10"): "mitten",
    ("sider", "sufficient"): "mitten",
    ("sider", "partial:10"): "single",
    ("sider", "all:10"): "mitten",
    ("dblp", "partial:1"): "mitten",
    ("dblp", "all:10"): "mitten",
    ("blogcatalog", "partial:5"): "mitten",
    ("blogcatalog", "all:20"): "mitten",
    ("tmdb", "sufficient"): "cross-stitch",
    ("tmdb", "partial:10"): "mitten",
    ("tmdb", "all:10"): "mitten",
}


@pytest.mark.parametrize(("dataset", "mask"), DEPENDENCY_AUROC)
def test_rows_of_the_dependency_paper_have_their_best_where_it_prints_bold(dataset: str, mask: str) -> None:
    row = dependency_auroc(dataset, mask)
    assert list(row) == ["single", "shared", "cross-stitch", "mmoe", "mitten"]
    assert max(row, key=lambda model: row[model]) == PRINTED_IN_BOLD[dataset, mask]
    assert parse_mask(mask).text == mask


def test_every_row_is_there_and_a_lookup_is_by_data_set_mask_and_model() -> None:
    assert DEPENDENCY_AUROC.keys() == PRINTED_IN_BOLD.keys()
    assert dependency_auroc("tox21", "all:10")["shared"] == 0.7934
    assert dependency_auroc("tmdb", "partial:10")["mmoe"] == 0.6590
    with pytest.raises(KeyError):
        dependency_auroc("tox21", "all:20")
