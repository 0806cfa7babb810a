"""Reads the tensors of a PyTorch checkpoint without PyTorch.

A checkpoint is a pickle, and a pickle can call any function. This reader accepts only tensors of numbers.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[Any]]

# A file of the format PyTorch wrote until version 1.6 begins with five pickles: these two values, sizes of C types,
# tensors by name, keys of the storages. Then come the storages, of which the tensors are views.
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class InvalidWeights(ValueError):
    """The file does not contain the expected weights."""


class _Tensor(NamedTuple):
    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(path: Path) -> Weights:
    """Tensors by name. Raises InvalidWeights, and calls nothing that the file names."""
    stream = io.BytesIO(path.read_bytes())
    try:
        if (_Unpickler(stream).load(), _Unpickler(stream).load()) != (MAGIC, PROTOCOL):
            raise InvalidWeights(f"{path.name} does not begin like a checkpoint.")
        _Unpickler(stream).load()
        unpickler = _Unpickler(stream)
        tensors = unpickler.load()
        storages = {key: _read_storage(stream, unpickler.dtypes[key]) for key in _Unpickler(stream).load()}
        return {name: _array(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}
    except (
        pickle.UnpicklingError,
        EOFError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        raise InvalidWeights(f"{path.name} is not a checkpoint of plain tensors: {error}") from error


class _Unpickler(pickle.Unpickler):
    """Unpickles tensors; rejects any other class or function before it is called."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.dtypes: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a tensor")

    def persistent_load(self, pid: tuple[Any, ...]) -> str:
        kind, dtype, key = pid[:3]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"{kind!r} is not a storage")
        self.dtypes[key] = dtype
        return str(key)


def _tensor(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


def _read_storage(stream: io.BytesIO, dtype: np.dtype[Any]) -> NDArray[Any]:
    (length,) = struct.unpack("<q", stream.read(8))
    return np.frombuffer(stream.read(length * dtype.itemsize), dtype, length)


def _array(tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    # PyTorch's strides count elements, NumPy's bytes. NumPy checks that the view is inside its buffer.
    size = storage.itemsize
    strides = [stride * size for stride in tensor.strides]
    view: NDArray[Any] = np.ndarray(tensor.shape, storage.dtype, storage, tensor.offset * size, strides)
    return np.ascontiguousarray(view)
