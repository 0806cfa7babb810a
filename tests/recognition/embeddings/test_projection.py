"""The projection keeps cosines, and is the same everywhere."""

import hashlib

import numpy as np
import pytest

from analysis.recognition.embeddings.projection import reduce


def embeddings(number: int) -> np.ndarray:
    """Features as after ReLU: at least zero, most of them small."""
    return np.random.RandomState(0).gamma(0.3, 1, (number, 1280)).astype(np.float32)


def cosines(vectors: np.ndarray) -> np.ndarray:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


def test_vectors_have_256_numbers_and_length_1():
    vector = reduce(embeddings(1)[0] * 7)
    assert (vector.shape, vector.dtype) == ((256,), np.float32)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_cosines_are_kept():
    originals = embeddings(60)
    originals[1] = originals[0] * 0.8 + originals[2] * 0.2  # a near pair
    difference = cosines(np.array([reduce(row) for row in originals])) - cosines(originals)
    assert np.abs(difference).mean() < 0.06
    assert np.abs(difference).max() < 0.25


def test_projection_never_changes():
    """Vectors of a library are comparable only if each process has the same matrix."""
    columns = np.array([reduce(row) > 0 for row in np.eye(1280, dtype=np.float32)])
    digest = hashlib.sha256(np.packbits(columns).tobytes()).hexdigest()
    assert digest == "d2a04391a7f78a490dee3b6a059b85f0667863f6af585e655155be631d5688de"


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_embedding_without_direction_has_no_vector(value):
    with np.errstate(invalid="ignore"):
        assert reduce(np.full(1280, value, np.float32)) is None
