"""Reduction of the classifier's embedding to 256 numbers.

Measurements: docs/decisions/0019-image-embeddings.md.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

from analysis.models.embeddings import DIMENSIONS

# Must not change: vectors of two projections cannot be compared, so all stored ones would have to be computed again.
SEED = b"imagelib: projection of image embeddings, 1"


def reduce(embedding: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Project an embedding to a unit vector with nearly the same cosines.

    None for an embedding of zeros.
    """
    vector = embedding.astype(np.float32) @ _signs(len(embedding))
    length = float(np.linalg.norm(vector))
    # The cosine with a zero vector is NaN, and pgvector rejects vectors that contain NaN or infinity.
    return vector / np.float32(length) if length > 0 and np.isfinite(length) else None


@cache
def _signs(size: int) -> NDArray[np.float32]:
    """A random matrix of +1 and -1, the same on every machine."""
    # From a hash, since NumPy's generators may give other numbers in its next version.
    digest = hashlib.shake_256(SEED).digest(size * DIMENSIONS // 8)
    bits = np.unpackbits(np.frombuffer(digest, np.uint8)).reshape(size, DIMENSIONS)
    return bits.astype(np.float32) * 2 - 1
