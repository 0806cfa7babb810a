"""URLs that a browser finds in imagelib's pages."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_THUMB = re.compile(r'<img class="thumb"\s+src="([^"]+)"')
_PICTURE = re.compile(r'<a href="(/images/[^"]+)">')
_NEXT = re.compile(r'hx-get="([^"]*after=[^"]*)"')
_FACET = re.compile(r'<a class="facet"[^>]*?href="([^"]+)"')
_TIMELINE = re.compile(r'<timeline-scrubber[^>]*data-url="([^"]+)"')
_PREVIEW = re.compile(r'<img class="preview"\s+src="([^"]+)"')
_NEIGHBOR = re.compile(r'<a class="neighbor-link next"\s+href="([^"]+)"')
_PRELOAD = re.compile(r'data-preload="([^"]+)"')
_ASSET = re.compile(r'(?:<link rel="stylesheet"\s+href|<script[^>]*\ssrc)="([^"]+)"')
_LINK = re.compile(r'href="(/\?[^"]+)"')
_FAILED = re.compile(r'id="search-error"[^>]*>\s*<p>')


@dataclass(frozen=True)
class Results:
    """A page of cards, or the next ones."""

    thumbs: list[str]
    pictures: list[str]
    facets: list[str]
    next_url: str
    timeline_url: str
    assets: list[str]
    failed: bool


def results_of(text: str) -> Results:
    return Results(
        thumbs=_all(_THUMB, text),
        pictures=_all(_PICTURE, text),
        facets=_all(_FACET, text),
        next_url=_first(_NEXT, text),
        timeline_url=_first(_TIMELINE, text),
        assets=_all(_ASSET, text),
        failed=bool(_FAILED.search(text)),
    )


@dataclass(frozen=True)
class Picture:
    """A picture's page; browsers load its preview and its neighbors' previews."""

    preview: str
    preloaded: list[str]
    next_url: str


def picture_of(text: str) -> Picture:
    return Picture(_first(_PREVIEW, text), _all(_PRELOAD, text), _first(_NEIGHBOR, text))


def searches_of(text: str) -> list[str]:
    """Links into the library, from a list of labels, folders or months."""
    return _all(_LINK, text)


def _all(pattern: re.Pattern[str], text: str) -> list[str]:
    return [_address(url) for url in dict.fromkeys(pattern.findall(text))]


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return _address(match[1]) if match else ""


def _address(url: str) -> str:
    """A URL as browsers request it: without the fragment (for image_fallback.js)."""
    return html.unescape(url).partition("#")[0]
