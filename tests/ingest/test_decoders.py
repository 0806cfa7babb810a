"""Decoders with damaged files: each file is accepted or refused."""

import random
import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from analysis.ingest import decoding_service
from analysis.ingest.validation import InvalidImage, Limits
from tests import pictures

LIMITS = Limits(max_pixels=4_000_000, max_memory=400 * 1024**2, seconds=5)
CASES = 24
EXTREMES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"\xff\xda")
CODES = {
    *("broken", "truncated", "unsupported", "too-complex", "too-many-pixels", "too-slow"),
    *("not-an-image", "raw", "video", "empty", "archive", "document", "svg"),
}


def small_files() -> dict[str, bytes]:
    """Each format in its kinds: what a decoder's different paths are fed."""
    size = (48, 36)
    picture = pictures.quadrants(*size)
    alpha = picture.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(size))
    deep = Image.fromarray(np.arange(48 * 36, dtype=np.uint16).reshape(36, 48) * 37)
    exif = pictures.full_exif()
    encoded = pictures.encoded
    return {
        "jpeg": encoded(picture, "jpeg", exif=exif),
        "jpeg progressive": encoded(picture, "jpeg", progressive=True),
        "jpeg restart": encoded(picture.convert("CMYK"), "jpeg", restart_marker_blocks=2),
        "png": encoded(picture, "png", exif=exif),
        "png alpha": encoded(alpha, "png"),
        "png palette": encoded(picture.quantize(8), "png", transparency=0),
        "png deep": encoded(deep, "png"),
        "webp": encoded(picture, "webp", exif=exif),
        "webp lossless": encoded(alpha, "webp", lossless=True),
        "gif": encoded(picture, "gif", comment="a comment"),
        "tiff": encoded(picture, "tiff", exif=exif),
        "tiff big": encoded(picture, "tiff", big_tiff=True),
        "tiff lzw": encoded(picture, "tiff", compression="tiff_lzw"),
        "tiff jpeg": encoded(picture, "tiff", compression="jpeg"),
        "tiff deflate": encoded(deep, "tiff", compression="tiff_adobe_deflate"),
        "tiff float": encoded(deep.convert("F"), "tiff"),
        "tiff bits": encoded(picture.convert("1"), "tiff", compression="group4"),
        "bmp": encoded(picture, "bmp"),
        "bmp palette": encoded(picture.quantize(8), "bmp"),
        "heic": encoded(picture, "heic", exif=exif),
        "avif": encoded(picture, "avif"),
    }


def changed(content: bytes, chance: random.Random) -> bytes:
    """Damage a file: flip bits, replace, remove or repeat pieces, cut the end."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 6))):
        zone = chance.choice((64, 256, len(made)))
        at = chance.randrange(max(1, min(zone, len(made))))
        match chance.randrange(6):
            case 0:
                made[at : at + 1] = bytes([(made[at] if at < len(made) else 0) ^ 1 << chance.randrange(8)])
            case 1:
                made[at : at + 4] = chance.choice(EXTREMES)
            case 2:
                made[at : at + 4] = chance.randbytes(4)
            case 3:
                del made[at : at + chance.choice((1, 2, 40))]
            case 4:
                made[at:at] = chance.randbytes(chance.choice((1, 2, 40)))
            case _:
                made[at:at] = made[at : at + 200] * chance.choice((1, 30))
    return bytes(made[: chance.randrange(len(made) + 1)] if chance.random() < 0.1 else made)


@pytest.mark.parametrize("kind", small_files())
def test_a_changed_file_is_accepted_or_refused(kind, tmp_path):
    """No file crashes a process, takes long, or raises another error."""
    content, chance = small_files()[kind], random.Random(kind)
    decoding_service.examine(BytesIO(content), name=kind, limits=LIMITS)
    path = tmp_path / "file"
    refusals = []
    for number in range(CASES):
        case = changed(content, chance)
        path.write_bytes(case)
        start = time.monotonic()
        try:
            decoding_service.examine(path if number % 2 else BytesIO(case), name=kind, limits=LIMITS)
        except InvalidImage as refusal:
            refusals.append(refusal)
        assert time.monotonic() - start < 2 * LIMITS.seconds
    assert refusals
    assert {refusal.code for refusal in refusals} <= CODES
    assert all(str(refusal).startswith(f"{kind}: ") for refusal in refusals)
