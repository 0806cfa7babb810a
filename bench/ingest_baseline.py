"""Baseline of ingest: makes the same two renditions on all cores, nothing else.

python -m bench.ingest_baseline FOLDER OUT: no validation, hash, metadata or database. tests/test_bench.py
checks that the bytes are the same.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from io import BytesIO
from multiprocessing import Pool
from pathlib import Path

from PIL import Image


def renditions(path: Path) -> tuple[bytes, bytes]:
    """Thumb and preview, byte for byte those of analysis.ingest.thumbnails."""
    with Image.open(path) as picture:
        size = fitted(picture.size, 1600)
        picture.draft(None, size)
        preview = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2)
    thumb = preview.resize(fitted(size, 400), Image.Resampling.BICUBIC, reducing_gap=2)
    return encoded(thumb, "WEBP", quality=78, method=2), encoded(preview, "JPEG", quality=82)


def fitted(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    scale = min(1.0, long_side / max(size))
    return round(size[0] * scale), round(size[1] * scale)


def encoded(image: Image.Image, file_format: str, **options: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def write(path: Path, *, out: Path) -> None:
    thumb, preview = renditions(path)
    (out / f"{path.stem}-thumb.webp").write_bytes(thumb)
    (out / f"{path.stem}-preview.jpg").write_bytes(preview)


def main(folder: Path, out: Path) -> None:
    with Pool(len(os.sched_getaffinity(0))) as pool:
        for _ in pool.imap_unordered(partial(write, out=out), sorted(folder.rglob("*.jpg"))):
            pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
