"""The whole examination of one file: what it is, what it shows, and the pictures made from it."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from analysis.ingest.decode import Reserve, at_once, decode, opened
from analysis.ingest.exif import ImageMetadata
from analysis.ingest.hashes import perceptual_hash, sha256_of, signature
from analysis.ingest.render import PREVIEW_BOUNDS, THUMB, Rendition, fit_within, placeholder, preview_of, thumb_of
from analysis.ingest.validation import DEFAULT_LIMITS, InvalidImage, Limits, clean_name
from analysis.ingest.xmp import sidecar_description

CHANGED = "changed"
STILL_WRITTEN = "it was written to while it was read; import it again when it is complete"


@dataclass(frozen=True)
class Examined:
    """A picture that was accepted. Sizes are bytes and upright pixels, sha256 is hexadecimal, phash a signed 64-bit.

    Without a phash it is of one color.
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


def examine(
    source: Path | IO[bytes], *, name: str, limits: Limits = DEFAULT_LIMITS, reserve: Reserve = at_once
) -> Examined:
    """Verifies, measures and renders a picture with one decode; raises Rejected.

    In this process: whoever has a file of unknown origin calls `service.examine`, which does it in another.

    A source that is a file must be seekable and is left open; its own read errors pass through.
    """
    with opened(source, name=name) as file:
        before = _state(source, file)
        decoded = decode(file, name=name, limits=limits, bounds=PREVIEW_BOUNDS, reserve=reserve)
        sha256 = sha256_of(file)
        if _state(source, file) != before:
            raise InvalidImage(CHANGED, clean_name(name), STILL_WRITTEN)
    small = fit_within(decoded.image, THUMB)
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
        placeholder=placeholder(small),
        renditions=(thumb_of(decoded.image), preview_of(decoded.image)),
    )


def with_sidecar(examined: Examined, path: Path) -> Examined:
    """With what the sidecar beside the picture says, which counts more than the file itself."""
    described = sidecar_description(path).or_else(examined.metadata.described)
    return replace(examined, metadata=replace(examined.metadata, described=described))


def _state(source: Path | IO[bytes], file: IO[bytes]) -> tuple[int, ...]:
    """What differs once a file on disk is written to; other sources are the caller's own."""
    if not isinstance(source, Path):
        return ()
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
