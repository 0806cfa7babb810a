"""Examination of one file.

Format, metadata, hashes and renditions, with one decode.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from analysis.ingest.decode import Reserve, decode, no_reservation, open_source
from analysis.ingest.exif import ImageMetadata
from analysis.ingest.hashes import perceptual_hash, sha256_of, signature
from analysis.ingest.orientation import turned
from analysis.ingest.thumbnails import PREVIEW_BOUNDS, THUMB, Rendition, fit_within, placeholder, preview_of, thumb_of
from analysis.ingest.validation import DEFAULT_LIMITS, InvalidImage, Limits, clean_name
from analysis.messages import gettext_noop

CHANGED = "changed"
STILL_WRITTEN = gettext_noop("the file changed while it was read; import it again when it is complete")


@dataclass(frozen=True)
class Examined:
    """An accepted image.

    `size` is in bytes, width and height are upright pixels, `sha256` is hexadecimal.

    `phash` is a signed 64-bit integer, and None for an image of one color.
    """

    filename: str
    format: str
    media_type: str
    extension: str
    size: int
    sha256: str
    width: int
    height: int
    metadata: ImageMetadata
    phash: int | None
    signature: bytes
    placeholder: bytes
    renditions: tuple[Rendition, ...]
    turns: int = 0
    """Quarter turns of the placeholder and the renditions; everything else is as in the file."""


def examine(
    source: Path | IO[bytes],
    *,
    name: str,
    limits: Limits = DEFAULT_LIMITS,
    turns: int = 0,
    reserve: Reserve = no_reservation,
) -> Examined:
    """Verify, measure and render an image with one decode. Raises InvalidImage.

    Renditions are turned clockwise by `turns` quarters.

    This decodes in the calling process; use `decoding_service.examine` for untrusted files. A file as source must be
    seekable and stays open; its own read errors pass through.
    """
    with open_source(source, name=name) as file:
        before = _state(source, file)
        decoded = decode(file, name=name, limits=limits, bounds=PREVIEW_BOUNDS, reserve=reserve)
        sha256 = sha256_of(file)
        if _state(source, file) != before:
            raise InvalidImage(CHANGED, clean_name(name), STILL_WRITTEN)
    small = fit_within(decoded.image, THUMB)
    upright = turned(decoded.image, turns)
    return Examined(
        filename=clean_name(name),
        format=decoded.format.name,
        media_type=decoded.format.media_type,
        extension=decoded.format.extension,
        size=decoded.size,
        sha256=sha256,
        width=decoded.width,
        height=decoded.height,
        metadata=decoded.metadata,
        phash=perceptual_hash(small),
        signature=signature(small),
        placeholder=placeholder(turned(small, turns)),
        renditions=(thumb_of(upright), preview_of(upright)),
        turns=turns,
    )


def _state(source: Path | IO[bytes], file: IO[bytes]) -> tuple[int, ...]:
    """Values that change when a file on disk is written to; empty for other sources."""
    if not isinstance(source, Path):
        return ()
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
