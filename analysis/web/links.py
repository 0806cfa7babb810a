"""Values as pages show them. Templates get ready strings: formatting there costs more than searching."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from typing import Protocol
from urllib.parse import urlencode

from django.templatetags.static import static
from django.urls import get_script_prefix, reverse

from analysis.models import Image
from analysis.storage import blobs

SURE, LIKELY = 90, 70


class Query(Protocol):
    """A search that can be written into an address."""

    @property
    def text(self) -> str: ...


def confidence_level(confidence: float) -> str:
    """One of the three steps of confidence."""
    if confidence >= SURE:
        return "sure"
    return "likely" if confidence >= LIKELY else "unsure"


def data_uri(placeholder: bytes | memoryview | None) -> str:
    """A placeholder as an address; empty where a picture has none."""
    return f"data:image/webp;base64,{b64encode(placeholder).decode()}" if placeholder else ""


def rendition_url(image: Image, name: str) -> str:
    """From the storage itself where it may be, with ours behind the #, which browsers keep to themselves: where to ask
    if the storage does not give it (image_fallback.js). Ours names the version, so that browsers may keep it for ever.
    """
    return _rendition_url(image, name, reverse("rendition", args=[image.pk, name]))


def public_rendition_url(image: Image, name: str) -> str:
    """The same for people who are not signed in: the picture's number is not in it."""
    return _rendition_url(image, name, reverse("public-rendition", args=[image.public_id, name]))


def _rendition_url(image: Image, name: str, address: str) -> str:
    ours = f"{address}?v={image.renditions_id.hex[:12]}"
    try:
        direct = blobs.public_url(blobs.rendition_key(image.renditions_id, name))
    except blobs.StorageError:  # no credentials: whoever asks us is told
        direct = None
    return f"{direct}#{ours}" if direct else ours


def library_url(query: Query, **parameters: str | int) -> str:
    return with_parameters(_address("library", get_script_prefix()), q=query.text, **parameters)


@cache  # a page of the library has two hundred links to itself
def _address(name: str, _prefix: str) -> str:
    """`_prefix`: below which the site is served; of another, addresses are others."""
    return reverse(name)


def image_url(image_id: int, query: Query | None = None, **parameters: str | int) -> str:
    return with_parameters(reverse("image", args=[image_id]), q=query.text if query is not None else "", **parameters)


def with_parameters(address: str, **parameters: str | int) -> str:
    """The address with those parameters that say something."""
    said = {name: value for name, value in parameters.items() if value != ""}
    return f"{address}?{urlencode(said)}" if said else address


def icon_url(name: str) -> str:
    return f"{static('analysis/icons.svg')}#{name}"
