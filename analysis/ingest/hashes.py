"""Two fingerprints: one of the bytes, equal for equal files; one of the looks, close for pictures that look alike."""

import hashlib
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CHUNK_BYTES = 1024 * 1024
SIDE, KEPT = 32, 8

FINE = 16
FLAT = 1.0
"""Standard deviation of the gray levels, 0 to 255, below which a picture has no shapes to compare."""
FINE_LIMIT = 40
"""Fine bits in which pictures that look the same differ at most. Measured: versions of one picture and shots a moment
apart differ in at most 38 of 192, pages of text with the same layout in at least 54."""
COLOR_LIMIT = 48
"""Of 255, by which the mean of red, green or blue differs at most: more than recompression and a warmer tone."""
RATIO_LIMIT = 1.15

# The first rows of the discrete cosine transform (type II) of SIDE values.
_COSINES = np.cos(np.pi / SIDE * np.outer(np.arange(FINE), np.arange(SIDE) + 0.5))


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of the whole file in hexadecimal, read from its beginning a megabyte at a time."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def perceptual_hash(image: Image.Image) -> int | None:
    """64-bit pHash of an upright picture: which of the lowest frequencies, 8 by 8, lie above their median.

    None for a picture of one color, whose bits would be noise. Signed, as PostgreSQL's bigint is. Scaling and
    recompression change a few bits, see hamming.
    """
    gray = _gray(image)
    if gray.std() < FLAT:
        return None
    frequencies = _COSINES @ gray @ _COSINES.T
    # The very first is the mean brightness, which tells nothing of the shapes: the next one along takes its place.
    values = np.append(frequencies[:KEPT, :KEPT].ravel()[1:], frequencies[0, KEPT])
    return int.from_bytes(np.packbits(_above_median(values)).tobytes(), "big", signed=True)


def signature(image: Image.Image) -> bytes:
    """The finer frequencies in 192 bits, then the mean red, green and blue: 27 bytes.

    The perceptual hash alone takes pages of text for one another, whose margins are the same.
    """
    frequencies = _COSINES @ _gray(image) @ _COSINES.T
    frequencies[:KEPT, :KEPT] = np.nan
    values = frequencies[~np.isnan(frequencies)]
    color = np.asarray(image.convert("RGB").resize((1, 1), Image.Resampling.BOX)).ravel()
    return np.packbits(_above_median(values)).tobytes() + color.tobytes()


def look_alike(a: bytes, b: bytes) -> bool:
    """Whether two signatures can be of one picture; yes where one of them was never taken."""
    if not (a and b):
        return True
    fine = len(a) - 3
    if hamming(int.from_bytes(a[:fine], "big"), int.from_bytes(b[:fine], "big")) > FINE_LIMIT:
        return False
    return all(abs(one - other) <= COLOR_LIMIT for one, other in zip(a[fine:], b[fine:], strict=True))


def same_shape(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether two (width, height) differ in their ratio by no more than a narrow crop does."""
    ratio = a[0] * b[1] / (a[1] * b[0])
    return 1 / RATIO_LIMIT <= ratio <= RATIO_LIMIT


def _gray(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS), dtype=np.float64)


def _above_median(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    values = np.round(values, 3)  # else the bits of equal values would be the noise of their arithmetic
    return values > np.median(values)


def hamming(a: int, b: int) -> int:
    """In how many of 64 bits two perceptual hashes differ: up to about 8 for versions of one picture, 32 by chance.

    Of unsigned numbers as many bits as they have are compared.
    """
    return ((a ^ b) & (0xFFFF_FFFF_FFFF_FFFF if a < 0 or b < 0 else -1)).bit_count()
