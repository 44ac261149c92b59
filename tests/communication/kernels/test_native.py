import pytest
import torch

from tasktalk.communication.kernels.build import library
from tasktalk.communication.kernels.native import filled, packed, rows_contiguous, strides
from tests.communication.kernels.arguments import draw


def lanes() -> int:
    code = library(torch.float64)
    assert code is not None
    return int(code.vector_width())


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("vectors", [1, 2, 3, 4, 5])
def test_matrices_are_packed_in_panels_of_two_vectors_of_columns(vectors: int, transposed: bool) -> None:
    columns = vectors * lanes() - 1
    matrices = [draw(columns, 3).t() * (n + 1) if transposed else draw(3, columns) * (n + 1) for n in range(2)]
    found = packed(*matrices)
    assert found.shape == (2, 3, vectors * lanes())
    for matrix, numbers in zip(matrices, found, strict=True):
        whole = torch.nn.functional.pad(matrix, (0, 1))
        expected = [panel.flatten() for panel in whole.split(2 * lanes(), dim=1)]
        assert torch.equal(numbers.flatten(), torch.cat(expected))


def test_columns_are_filled_up_to_whole_vectors() -> None:
    x = draw(2, lanes() + 1)
    assert torch.equal(filled(x), torch.nn.functional.pad(x, (0, lanes() - 1)))
    assert filled(x[:, 1:]).shape == (2, lanes())


def test_rows_are_copied_only_if_they_have_to_be() -> None:
    x = draw(4, 6)
    assert rows_contiguous(x[:, :3]).data_ptr() == x.data_ptr()
    assert rows_contiguous(x.t()).is_contiguous()


def test_what_stands_for_all_has_no_stride() -> None:
    assert strides("x", draw(1, 5, 7), "cell", "sentence") == {"x_cell": 0, "x_sentence": 7}
