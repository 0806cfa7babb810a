"""Two fingerprints: one of the bytes, equal for equal files; one of the looks, close for pictures that look alike."""

import hashlib
from typing import IO

import numpy as np
from PIL import Image

CHUNK_BYTES = 1024 * 1024
SIDE, KEPT = 32, 8

# The first rows of the discrete cosine transform (type II) of SIDE values.
_COSINES = np.cos(np.pi / SIDE * np.outer(np.arange(KEPT + 1), np.arange(SIDE) + 0.5))


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of the whole file in hexadecimal, read from its beginning a megabyte at a time."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def perceptual_hash(image: Image.Image) -> int:
    """64-bit pHash of an upright picture: which of the lowest frequencies, 8 by 8, lie above their median.

    Signed, as PostgreSQL's bigint is. Scaling and recompression change a few bits, see hamming.
    """
    gray = image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    frequencies = _COSINES @ np.asarray(gray, dtype=np.float64) @ _COSINES.T
    # The very first is the mean brightness, which tells nothing of the shapes: the next one along takes its place.
    values = np.append(frequencies[:KEPT, :KEPT].ravel()[1:], frequencies[0, KEPT])
    values = np.round(values, 3)  # else a flat picture's bits would be the noise of its arithmetic
    bits = values > np.median(values)
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


def hamming(a: int, b: int) -> int:
    """In how many of 64 bits two perceptual hashes differ: up to about 8 for versions of one picture, 32 by chance."""
    return ((a ^ b) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()
