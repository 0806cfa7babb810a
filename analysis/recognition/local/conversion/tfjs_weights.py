"""Reads the weights of a TensorFlow.js model, but not its graph."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.recognition.local.conversion.torch_weights import InvalidWeights, Weights

DTYPES = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4")}


def read(files: Mapping[str, bytes]) -> Weights:
    """Read the tensors by name from a model.json and the files it lists.

    Raises InvalidWeights.
    """
    weights: Weights = {}
    try:
        for group in json.loads(files["model.json"])["weightsManifest"]:
            data = b"".join(files[name] for name in group["paths"])
            offset = 0
            for entry in group["weights"]:
                array = _array(entry, data, offset)
                offset += array.nbytes
                weights[entry["name"]] = array
    except (LookupError, TypeError, ValueError) as error:
        raise InvalidWeights(f"The model's files cannot be read: {error}") from error
    return weights


def _array(entry: dict[str, Any], data: bytes, offset: int) -> NDArray[Any]:
    if "quantization" in entry:
        raise InvalidWeights(f"{entry['name']} is quantized.")
    shape = entry["shape"]
    return np.frombuffer(data, DTYPES[entry["dtype"]], math.prod(shape), offset).reshape(shape)
