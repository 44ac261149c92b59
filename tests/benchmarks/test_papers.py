import pytest

from tasktalk.benchmarks.papers import FDU_MTL_ERROR, FDU_MTL_TASKS, fdu_mtl_error

PRINTED_AVERAGES = {"single": 18.0, "mt-cnn": 15.5, "fs": 15.3, "sp": 13.9, "dc": 12.5, "ic": 12.7}


@pytest.mark.parametrize("model", FDU_MTL_ERROR)
def test_columns_give_the_averages_that_the_paper_prints(model: str) -> None:
    column = fdu_mtl_error(model)
    assert len(column) == len(FDU_MTL_TASKS) == 16
    assert sum(column.values()) / 16 == pytest.approx(PRINTED_AVERAGES[model], abs=0.0501)
