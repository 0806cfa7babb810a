"""Estimates of decoding memory from a file's header."""

from __future__ import annotations

from PIL import ImageFile

from analysis.ingest.file_types import Format

# Bytes per pixel, measured at 20 megapixels and rounded up: the decoder's copies, the image, and its conversion by
# strips.
BYTES_A_PIXEL = {"png": 5, "webp": 20, "gif": 8, "tiff": 6, "bmp": 5, "heic": 10, "avif": 10, "jpeg": 5}
STRIP_BYTES, STRIP_PIXELS = 40, 4_000_000


def estimated_bytes(picture: ImageFile.ImageFile, kind: Format, *, file_bytes: int, coefficient_bytes: int = 0) -> int:
    """Bytes needed to decode an image that was opened and drafted.

    `coefficient_bytes`: of a JPEG with several scans.
    """
    pixels = picture.width * picture.height
    # Wide rows make strips of more pixels than usual; see normalize.downscale.
    strips = STRIP_BYTES * min(pixels, max(STRIP_PIXELS, 16 * picture.width))
    return BYTES_A_PIXEL[kind.name] * pixels + strips + file_bytes + coefficient_bytes
