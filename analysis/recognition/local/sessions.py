"""Runs ONNX models in this process, one at a time."""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.messages import gettext_noop
from analysis.recognition.local.model_files import ModelUnavailable

if TYPE_CHECKING:
    import onnxruntime  # takes a third of a second to import

Array = NDArray[Any]
# Identifies a file's content without reading it.
Version = tuple[Any, ...]

lock = (
    threading.RLock()
)  # one model at a time: two at once would only compete for the same cores, with twice the memory

_sessions: dict[tuple[int, str], tuple[Version, onnxruntime.InferenceSession]] = {}


# An error's code, the path of the model, and the place in onnxruntime's source.
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed:)?(/\S+:\d+ .*?\) (?=[A-Z]))?")


class OutOfMemory(Exception):
    """There was not enough memory for a model."""


def session(name: str, version: Callable[[], Version], locate: Callable[[], Path]) -> onnxruntime.InferenceSession:
    """The session of this process for a model.

    Created at the first use, and again when the version changes. A forked child creates its own, since ONNX Runtime's
    sessions do not survive a fork.
    Raises ModelUnavailable for a file that onnxruntime cannot run.
    """
    key = os.getpid(), name
    with lock:
        current = _sessions.get(key)
        if current is not None and current[0] == version():
            return current[1]
        created = create(name, locate())
        _sessions[key] = version(), created
        return created


def create(name: str, path: Path) -> onnxruntime.InferenceSession:
    """A new session with one thread.

    Raises ModelUnavailable, OutOfMemory.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # With the arena (the default) a session reuses the memory of one picture, since all have the input's size.
    # Without it, malloc's heap grows by 50 to 80 MB with the first pictures. Memory patterns cost 7 MB and save no
    # time.
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # errors are raised anyway
    with _errors(name):
        created = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    give_back_memory()
    return created


def give_back_memory() -> None:
    """Return free memory to the system, which takes 4 ms.

    It frees 30 MB after loading a model and 40 MB after some pictures, since glibc keeps freed arrays for reuse.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # glibc
        library.malloc_trim(0)


def run(
    name: str, session: onnxruntime.InferenceSession, outputs: Sequence[str], inputs: Mapping[str, Array]
) -> list[Array]:
    """The outputs in this order.

    Raises ModelUnavailable if the inputs do not fit, OutOfMemory.
    """
    with lock, _errors(name):
        return [np.asarray(output) for output in session.run(list(outputs), dict(inputs))]


@contextmanager
def _errors(name: str) -> Iterator[None]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    try:
        yield
    except MemoryError as error:
        raise OutOfMemory from error
    except (
        *(state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NoModel),
        *(state.NotImplemented, state.RuntimeException, state.EPFail, RuntimeError, ValueError),
    ) as error:
        text = _text(error)
        if "allocate memory" in text or "bad_alloc" in text:
            raise OutOfMemory from error
        raise ModelUnavailable(_sentence(text), name=name, error=text) from error


def _sentence(error: str) -> str:
    if "Unsupported model IR version" in error or "opset version" in error:
        return gettext_noop("The model %(name)s is too new for the installed onnxruntime: %(error)s")
    if "Got invalid dimensions" in error or "Invalid rank" in error or "Unexpected input data type" in error:
        return gettext_noop("The model %(name)s takes pictures of another shape than its description says: %(error)s")
    return gettext_noop("onnxruntime cannot run the model %(name)s: %(error)s")


def _text(error: BaseException) -> str:
    """The first line of an error, without the parts for developers."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(_PREFIX, "", lines[0])
