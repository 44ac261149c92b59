"""Calls of the recurrences in C: structures, strides, and weights in the order in which products read them."""

import ctypes

import torch
from torch import Tensor
from torch.nn.functional import pad

from tasktalk.communication.kernels.build import library


def structure(name: str, sizes: str, pointers: str) -> type[ctypes.Structure]:
    """The structure that has these members, in this order, in C."""
    members = [(size, ctypes.c_long) for size in sizes.split()]
    return type(name, (ctypes.Structure,), {"_fields_": [*members, *((p, ctypes.c_void_p) for p in pointers.split())]})


_PACKING = structure("packing", "count depth columns threads row column", "matrices packed")


def run(function: str, members: type[ctypes.Structure], sizes: dict[str, int], tensors: dict[str, Tensor]) -> None:
    """Call a function of the library with a structure whose members are sizes and tensors; others are 0.

    Raises:
        MemoryError: it had none.
    """
    pointers = {name: x.data_ptr() for name, x in tensors.items()}
    given = members(threads=torch.get_num_threads(), **sizes, **pointers)
    if getattr(_code(next(iter(tensors.values()))), function)(ctypes.byref(given)):
        raise MemoryError(f"{function}: there is no memory for the rows of a product")


def packed(*weights: Tensor) -> Tensor:
    """Matrices of one size and with the same strides, as the products in C read them."""
    depth, columns = weights[0].shape
    row, column = weights[0].stride()
    lanes = _code(weights[0]).vector_width()
    out = weights[0].new_empty(len(weights), depth, -(-columns // lanes) * lanes)
    sizes = {"count": len(weights), "depth": depth, "columns": columns, "row": row, "column": column}
    addresses = (ctypes.c_void_p * len(weights))(*(weight.data_ptr() for weight in weights))
    run("pack", _PACKING, sizes | {"matrices": ctypes.addressof(addresses)}, {"packed": out})
    return out


def filled(x: Tensor) -> Tensor:
    """Columns filled up with zeros to whole vectors."""
    return pad(x, (0, -x.shape[-1] % _code(x).vector_width()))


def rows_contiguous(x: Tensor) -> Tensor:
    """The tensor, or a copy whose rows lie in one piece each."""
    return x if x.stride(-1) == 1 else x.contiguous()


def strides(name: str, x: Tensor, *axes: str) -> dict[str, int]:
    """Strides of the leading axes; 0 where one element stands for all."""
    return {f"{name}_{axis}": 0 if x.shape[i] == 1 else x.stride(i) for i, axis in enumerate(axes)}


def _code(like: Tensor) -> ctypes.CDLL:
    code = library(like.dtype)
    if code is None:
        raise RuntimeError(f"no compiled recurrences for {like.dtype}; choice.choose says so beforehand")
    return code
