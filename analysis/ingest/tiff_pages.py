"""Chooses the page of a TIFF, and rejects TIFFs that Pillow misreads."""

from __future__ import annotations

from typing import Any

from PIL import ExifTags, TiffImagePlugin

from analysis.ingest.file_types import RAW
from analysis.ingest.validation import InvalidImage, Limits, check_pixels, clean_name
from analysis.messages import gettext_noop

Base = ExifTags.Base
MAX_PAGES = 32
REDUCED_COPY, MASK = 1, 4  # bits of NewSubfileType
COLOR_FILTER_ARRAY, LINEAR_RAW = 32803, 34892
# Each color in a plane of its own (TIFF 6.0, PlanarConfiguration).
PLANAR = 2


def check_tiff(picture: TiffImagePlugin.TiffImageFile, *, name: str, limits: Limits) -> None:
    """Seek the page with the full image.

    Many cameras' raw files are TIFFs whose first page is a thumbnail. Raises InvalidImage for a TIFF that cannot be
    displayed.
    """
    if Base.SubIFDs in picture.tag_v2 and picture.tag_v2.get(Base.NewSubfileType) == REDUCED_COPY:
        raise InvalidImage(RAW.code, clean_name(name), RAW.template)
    _go_to_full_page(picture)
    tags = picture.tag_v2
    is_raw = tags.get(Base.PhotometricInterpretation) in {COLOR_FILTER_ARRAY, LINEAR_RAW}
    if is_raw or Base.DNGVersion in tags:
        raise InvalidImage(RAW.code, clean_name(name), RAW.template)
    check_pixels(*picture.size, name=name, limits=limits)
    check_pixels(int(tags.get(Base.TileWidth, 1)), int(tags.get(Base.TileLength, 1)), name=name, limits=limits)
    if tags.get(Base.PlanarConfiguration) == PLANAR and int(tags.get(Base.SamplesPerPixel, 1)) > 1:
        _check_planes(tags, name=name)


def _go_to_full_page(picture: TiffImagePlugin.TiffImageFile) -> None:
    for page in range(1, MAX_PAGES):
        if not int(picture.tag_v2.get(Base.NewSubfileType, 0)) & (REDUCED_COPY | MASK):
            return
        try:
            picture.seek(page)
        except EOFError:
            break
    picture.seek(0)


def _check_planes(tags: Any, *, name: str) -> None:
    # Pillow reads planes of more than 8 bits as if each byte were a sample.
    if max(tags.get(Base.BitsPerSample, (8,))) > 8:
        template = gettext_noop(
            "a TIFF of more than 8 bits with its colors in separate planes is not supported; save it as a PNG"
        )
        raise InvalidImage("unsupported", clean_name(name), template)
