"""Values as pages show them. Templates get ready strings: formatting there costs more than searching."""

from __future__ import annotations

import math
from base64 import b64encode
from datetime import datetime
from functools import cache
from typing import Protocol
from urllib.parse import urlencode

from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils import timezone

from analysis.models import Image
from analysis.search.results import COUNT_CAP
from analysis.storage import blobs

THIN_SPACE = "\u202f"
SURE, LIKELY = 90, 70


class Query(Protocol):
    """A search that can be written into an address."""

    @property
    def text(self) -> str: ...


def percent(value: float) -> str:
    """Rounded down, so that what reads 90 % is found by `>=90`."""
    return f"{math.floor(value)}{THIN_SPACE}%"


def confidence_level(confidence: float) -> str:
    """One of the three steps of confidence."""
    if confidence >= SURE:
        return "sure"
    return "likely" if confidence >= LIKELY else "unsure"


def capped_count(number: int, *, cap: int = COUNT_CAP) -> str:
    return f"{cap:,}+" if number > cap else f"{number:,}"


def pictures(number: int) -> str:
    return "1 picture" if number == 1 else f"{capped_count(number)} pictures"


def size(value: int) -> str:
    """Bytes as people say them."""
    if value < 1_000:
        return f"{value} bytes" if value != 1 else "1 byte"
    amount, unit = value / 1_000, "kB"
    if amount >= 999.5:
        amount, unit = amount / 1_000, "MB"
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:,.0f} {unit}"


def ago(moment: datetime, *, now: datetime) -> str:
    """How long ago, while that says more than the date does."""
    seconds = (now - moment).total_seconds()
    if seconds < 60:
        return "just now"
    for unit, length, maximum in (("minute", 60, 60), ("hour", 3_600, 24), ("day", 86_400, 8)):
        number = int(seconds // length)
        if number < maximum:
            return f"1 {unit} ago" if number == 1 else f"{number} {unit}s ago"
    return day(moment)


def day(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.day} {local:%B %Y}"


def exact(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{day(moment)}, {local:%H:%M:%S %Z}"


def data_uri(placeholder: bytes | memoryview | None) -> str:
    """A placeholder as an address; empty where a picture has none."""
    return f"data:image/webp;base64,{b64encode(placeholder).decode()}" if placeholder else ""


def rendition_url(image: Image, name: str) -> str:
    """From the storage itself where it may be, with ours behind the #, which browsers keep to themselves: where to ask
    if the storage does not give it (image_fallback.js). Ours names the version, so that browsers may keep it for ever.
    """
    ours = f"{reverse('rendition', args=[image.pk, name])}?v={image.renditions_id.hex[:12]}"
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
