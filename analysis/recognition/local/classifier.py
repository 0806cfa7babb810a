"""Classifies whole pictures with EfficientNet-Lite0, and embeds them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.recognition.local import picture_views, sessions
from analysis.recognition.local.prepared_models import CLASSIFIER, has_classifier, prepare_classifier

CLASSES = 1000
EMBEDDING_SIZE = 1280
SIZE = (224, 224)
MEAN, SCALE = 127.0, 128.0


class Classification(NamedTuple):
    """A picture's probabilities and embedding, each the mean of two views.

    The views are the center crop and the whole picture, squeezed to a square: the model was trained on crops, and the
    whole picture shows what the crop cuts off.
    """

    probabilities: NDArray[np.float32]
    """(1000,), in the order of ImageNet's classes; sums to 1."""
    embedding: NDArray[np.float32]
    """(1280,), the pooled features before the last layer; at least 0 and not normalized."""


def is_available() -> bool:
    """True if the model's file is here or can be made from an installed package."""
    return has_classifier()


def classify(picture: NDArray[np.uint8]) -> Classification:
    """Classify an RGB picture, height x width x 3, of any size.

    Always by EfficientNet-Lite0, whatever LOCAL_CLASSIFIER names, so that all embeddings of a library are comparable.
    Raises ModelUnavailable, OutOfMemory.
    """
    views = np.stack([picture_views.center(picture, SIZE), picture_views.resize(picture, SIZE)])
    images = (views.astype(np.float32).transpose(0, 3, 1, 2) - MEAN) / SCALE
    session = sessions.session(CLASSIFIER.name, CLASSIFIER.version, _locate)
    outputs = sessions.run(CLASSIFIER.name, session, ["probabilities", "embedding"], {"images": images})
    return Classification(*(output.mean(axis=0, dtype=np.float32) for output in outputs))


def _locate() -> Path:
    prepare_classifier()
    return CLASSIFIER.verified_path()
