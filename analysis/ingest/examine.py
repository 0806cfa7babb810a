"""The whole examination of one file: what it is, what it shows, and the pictures made from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from analysis.ingest.decode import Reserve, at_once, decode, opened
from analysis.ingest.exif import ImageMetadata
from analysis.ingest.hashes import perceptual_hash, sha256_of
from analysis.ingest.render import PREVIEW_BOUNDS, THUMB, Rendition, fit_within, placeholder, preview_of, thumb_of
from analysis.ingest.validation import DEFAULT_LIMITS, Limits, clean_name


@dataclass(frozen=True)
class Examined:
    """A picture that was accepted. Sizes are bytes and upright pixels, sha256 is hexadecimal, phash a signed 64-bit."""

    filename: str
    format: str
    media_type: str
    extension: str
    size: int
    sha256: str
    width: int
    height: int
    metadata: ImageMetadata
    phash: int
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
        decoded = decode(file, name=name, limits=limits, bounds=PREVIEW_BOUNDS, reserve=reserve)
        sha256 = sha256_of(file)
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
        placeholder=placeholder(small),
        renditions=(thumb_of(decoded.image), preview_of(decoded.image)),
    )
