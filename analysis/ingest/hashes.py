"""SHA-256 of files, and perceptual hashes that are close for similar images."""

import hashlib
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CHUNK_BYTES = 1024 * 1024
SIDE, COARSE = 32, 8

FINE = 16
FLAT = 1.0
"""Standard deviation of gray levels (0 to 255) below which an image has no shapes to compare."""
FINE_LIMIT = 40
"""Most fine bits that differ between similar images. Measured: versions of one image and shots a moment apart differ in
at most 38 of 192, pages of text with the same layout in at least 54."""
COLOR_LIMIT = 48
"""Largest difference of mean red, green or blue, of 255: more than recompression and a warmer tone."""
RATIO_LIMIT = 1.15

# The first rows of the discrete cosine transform (type II) of SIDE values.
_COSINES = np.cos(np.pi / SIDE * np.outer(np.arange(FINE), np.arange(SIDE) + 0.5))


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of a file in hexadecimal, read from its beginning a megabyte at a time."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def perceptual_hash(image: Image.Image) -> int | None:
    """64-bit pHash of an upright image.

    The 8 by 8 lowest frequencies compared with their median.

    None for an image of one color. Signed, as PostgreSQL's bigint. Scaling and recompression change a few bits, see
    `hamming`.
    """
    gray = _gray(image)
    # The bits of an image without shapes would be noise, and match other noise.
    if gray.std() < FLAT:
        return None
    frequencies = _COSINES @ gray @ _COSINES.T
    # The first coefficient is the mean brightness, which says nothing about shapes. The next one in its row replaces
    # it.
    values = np.append(frequencies[:COARSE, :COARSE].ravel()[1:], frequencies[0, COARSE])
    return int.from_bytes(np.packbits(_above_median(values)).tobytes(), "big", signed=True)


def signature(image: Image.Image) -> bytes:
    """27 bytes: finer frequencies in 192 bits, then mean red, green and blue.

    The perceptual hash alone matches different pages of text that have the same margins.
    """
    frequencies = _COSINES @ _gray(image) @ _COSINES.T
    # These are in the perceptual hash, which is compared first.
    frequencies[:COARSE, :COARSE] = np.nan
    values = frequencies[~np.isnan(frequencies)]
    color = np.asarray(image.convert("RGB").resize((1, 1), Image.Resampling.BOX)).ravel()
    return np.packbits(_above_median(values)).tobytes() + color.tobytes()


def look_alike(a: bytes, b: bytes) -> bool:
    """True if two signatures can be of the same image, or one of them is missing."""
    if not (a and b):
        return True
    fine = len(a) - 3
    if hamming(int.from_bytes(a[:fine], "big"), int.from_bytes(b[:fine], "big")) > FINE_LIMIT:
        return False
    return all(abs(mean_a - mean_b) <= COLOR_LIMIT for mean_a, mean_b in zip(a[fine:], b[fine:], strict=True))


def same_shape(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """True if two (width, height) have nearly the same aspect ratio."""
    ratio = a[0] * b[1] / (a[1] * b[0])
    return 1 / RATIO_LIMIT <= ratio <= RATIO_LIMIT


def _gray(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS), dtype=np.float64)


def _above_median(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    values = np.round(values, 3)  # since equal values would differ by rounding errors
    return values > np.median(values)


def hamming(a: int, b: int) -> int:
    """Number of bits that differ.

    Up to about 8 of 64 for versions of one image, about 32 by chance.

    Negative numbers are compared as 64 bits, others with all the bits they have.
    """
    return ((a ^ b) & (0xFFFF_FFFF_FFFF_FFFF if a < 0 or b < 0 else -1)).bit_count()
