"""Documents about pictures, the content of messages (docs/deliveries.md)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from analysis.delivery.image_details import image_details
from analysis.exports.image_rows import LabelRow, effective_labels
from analysis.models import Image

VERSION = 1
"""Version of the documents, increased by changes that could break a receiver."""


def site_url(path: str) -> str | None:
    """A path of this installation as a URL; None without SITE_URL."""
    return settings.SITE_URL.rstrip("/") + path if settings.SITE_URL else None


def search_url(query: str) -> str | None:
    """The address of a search in the library."""
    return site_url(f"{reverse('library')}?{urlencode({'q': query})}")


def image_documents(image_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """A document for each existing picture, with its labels and people's verdicts."""
    images = Image.objects.filter(pk__in=image_ids).select_related("bucket", "owner")
    labels = effective_labels(image_ids)
    return {image.pk: _image(image, labels.get(image.pk, [])) for image in images}


def full_image_documents(image_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """The same with all results, and the version of the picture's S3 object."""
    documents = image_documents(image_ids)
    details = image_details(documents)
    # A picture may be deleted between the queries.
    return {pk: document | details[pk] for pk, document in documents.items() if pk in details}


def for_reader(image: dict[str, Any], username: str) -> dict[str, Any]:
    """The document as this user may read it: bucket and key only of own pictures."""
    # The names of other people's buckets are private, also on the pages.
    return image if image["owner"] == username else image | {"bucket": None, "key": None}


def image_message(image: dict[str, Any]) -> dict[str, Any]:
    """The message of a sink about one picture."""
    return {"version": VERSION, "event": "image", "image": image}


def search_document(*, name: str, query: str) -> dict[str, Any]:
    """The saved search of an alert."""
    return {"name": name, "query": query, "url": search_url(query)}


def matches_message(search: dict[str, Any], *, images: Sequence[dict[str, Any]], count: int) -> dict[str, Any]:
    """The message of an alert about new matches.

    `count`: of all matches. `images`: the first ones.
    """
    return {"version": VERSION, "event": "matches", "search": search, "count": count, "images": list(images)}


def test_message(search: dict[str, Any]) -> dict[str, Any]:
    """The message of a test button."""
    return {"version": VERSION, "event": "test", "search": search, "count": 0, "images": []}


def _image(image: Image, labels: Sequence[LabelRow]) -> dict[str, Any]:
    return {
        "id": image.pk,
        "file_name": image.filename,
        "url": site_url(image.get_absolute_url()),
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "size": image.size,
        "sha256": image.sha256,
        "owner": image.owner.get_username(),
        "bucket": image.bucket.name if image.bucket else None,
        "key": image.key if image.bucket else None,
        "added_at": image.added_at.isoformat(),
        # Without a time zone, as in most cameras' files.
        "taken_at": image.taken_at.replace(tzinfo=None).isoformat() if image.taken_at else None,
        "labels": [_label(label) for label in labels],
    }


def _label(label: LabelRow) -> dict[str, Any]:
    return {
        "name": label.name,
        "kind": label.kind,
        "category": label.category,
        "confidence": round(label.confidence, 2),
        "instances": label.instances,
        "verdict": label.verdict,
    }
