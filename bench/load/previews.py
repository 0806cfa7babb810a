"""Previews for a generated library, which has thumbnails only."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from bench.dataset.thumbnails import thumbnails

LONG_SIDE, QUALITY = 1600, 82


def write(pictures: Path) -> None:
    """Store the previews that are missing."""
    for thumbnail in thumbnails():
        name = thumbnail.renditions_id.hex
        file = pictures / "renditions" / name[:2] / f"{name}-preview.jpeg"
        if not file.exists():
            file.write_bytes(_enlarged(thumbnail.thumb))


def _enlarged(thumb: bytes) -> bytes:
    with Image.open(io.BytesIO(thumb)) as small:
        scale = LONG_SIDE / max(small.size)
        size = (round(small.width * scale), round(small.height * scale))
        preview = small.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    output = io.BytesIO()
    preview.save(output, "JPEG", quality=QUALITY)
    return output.getvalue()
