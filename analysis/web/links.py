"""URLs of pages, pictures and icons, since building them in templates is too slow."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from typing import Protocol
from urllib.parse import urlencode

from django.urls import get_script_prefix, reverse

from analysis.models import Image
from analysis.storage import blobs

SURE, LIKELY = 90, 70  # percent


class Query(Protocol):
    """A search with a text form."""

    @property
    def text(self) -> str: ...


def confidence_level(confidence: float) -> str:
    """The level of a confidence in percent: `sure`, `likely` or `unsure`."""
    if confidence >= SURE:
        return "sure"
    return "likely" if confidence >= LIKELY else "unsure"


def data_uri(placeholder: bytes | memoryview | None) -> str:
    """A WebP placeholder as a data URI; empty if there is none."""
    return f"data:image/webp;base64,{b64encode(placeholder).decode()}" if placeholder else ""


def rendition_url(image: Image, name: str) -> str:
    """The storage's own URL if it has one, with ours as its fragment; else ours.

    Browsers do not send fragments; image_fallback.js requests that URL if the storage fails. Ours contains the version
    of the rendition, so that browsers may cache it forever.
    """
    return _rendition_url(image, name, reverse("rendition", args=[image.pk, name]))


def public_rendition_url(image: Image, name: str) -> str:
    """The same URL for people who are not signed in, without the picture's id."""
    return _rendition_url(image, name, reverse("public-rendition", args=[image.public_id, name]))


def _rendition_url(image: Image, name: str, path: str) -> str:
    own_url = f"{path}?v={image.renditions_id.hex[:12]}"
    try:
        storage_url = blobs.public_url(blobs.rendition_key(image.renditions_id, name))
    except blobs.StorageError:  # no credentials: the request to our own URL will report it
        storage_url = None
    return f"{storage_url}#{own_url}" if storage_url else own_url


def library_url(query: Query, **parameters: str | int) -> str:
    return with_parameters(_cached_reverse("library", get_script_prefix()), q=query.text, **parameters)


# Unbounded, as there are only a handful of names and prefixes.
@cache  # a library page has about two hundred links to itself
def _cached_reverse(name: str, _script_prefix: str) -> str:
    # The script prefix is part of the cache key, since it may differ between requests.
    return reverse(name)


def image_url(image_id: int, query: Query | None = None, **parameters: str | int) -> str:
    return with_parameters(reverse("image", args=[image_id]), q=query.text if query is not None else "", **parameters)


def with_parameters(url: str, **parameters: str | int) -> str:
    """Append the non-empty parameters as a query string."""
    non_empty = {name: value for name, value in parameters.items() if value != ""}
    return f"{url}?{urlencode(non_empty)}" if non_empty else url
