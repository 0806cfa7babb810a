"""Reads the weights of a TensorFlow.js model; its graph is built anew."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from analysis.recognition.local.conversion.torch_weights import InvalidWeights, Weights

DTYPES = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4")}


def read(model: Path) -> Weights:
    """Tensors by name, of a model.json and the files it lists beside it. Raises InvalidWeights."""
    weights: Weights = {}
    try:
        for group in json.loads(model.read_text())["weightsManifest"]:
            data = b"".join((model.parent / Path(name).name).read_bytes() for name in group["paths"])
            offset = 0
            for entry in group["weights"]:
                array = _array(entry, data, offset)
                offset += array.nbytes
                weights[entry["name"]] = array
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise InvalidWeights(f"{model.name} and the files beside it cannot be read: {error}") from error
    return weights


def _array(entry: dict[str, Any], data: bytes, offset: int) -> np.ndarray[Any, Any]:
    if "quantization" in entry:
        raise InvalidWeights(f"{entry['name']} is quantized.")
    shape = entry["shape"]
    return np.frombuffer(data, DTYPES[entry["dtype"]], math.prod(shape), offset).reshape(shape)
