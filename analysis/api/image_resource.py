"""The image resource: its fields, and the choice by `fields` and `expand`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Schema

from analysis.api.errors import ApiError
from analysis.api.image_labels import LabelOut, labels_of
from analysis.formatting import taken_iso
from analysis.models import Image, Rating

VISIBILITIES = {"private": 0, "shared": 1, "public": 2}
VISIBILITY_NAMES = {number: name for name, number in VISIBILITIES.items()}
EXPANSIONS = ("labels", "boxes")


class Camera(Schema):
    make: str
    model: str
    lens: str
    exposure: str
    aperture: str
    iso: int | None
    focal_length: str


class Location(Schema):
    """Degrees; north and east are positive."""

    latitude: float
    longitude: float


class ImageUrls(Schema):
    """`page` is for people; the others return files to clients that send the token."""

    page: str
    thumb: str
    preview: str
    original: str


class ImageOut(Schema):
    """A picture. The fields depend on `fields` and `expand`; `id` is always there.

    Width, height and boxes are those of the file; `thumb` and `preview` are turned clockwise by `quarter_turns`.
    """

    id: int
    filename: str | None = None
    title: str | None = None
    description: str | None = None
    owner: str | None = None
    is_own: bool | None = None
    visibility: str | None = None
    width: int | None = None
    height: int | None = None
    quarter_turns: int | None = None
    size: int | None = None
    format: str | None = None
    sha256: str | None = None
    taken_at: str | None = None
    added_at: datetime | None = None
    trashed_at: datetime | None = None
    camera: Camera | None = None
    location: Location | None = None
    place: str | None = None
    creator: str | None = None
    copyright: str | None = None
    is_favorite: bool | None = None
    rating: int | None = None
    urls: ImageUrls | None = None
    labels: list[LabelOut] | None = None


FIELDS = frozenset(ImageOut.model_fields) - {"labels"}


@dataclass(frozen=True)
class Selection:
    """Which fields of images a request wants."""

    fields: frozenset[str]
    has_labels: bool
    has_boxes: bool


def selection_of(fields: str, expand: str) -> Selection:
    """Parse `fields` and `expand`, separated by commas. Raises ApiError."""
    chosen = _names(fields, "fields", FIELDS) or FIELDS
    expansions = _names(expand, "expand", frozenset(EXPANSIONS))
    return Selection(chosen | {"id"}, has_labels=bool(expansions), has_boxes="boxes" in expansions)


def resources(images: Sequence[Image], request: HttpRequest, selection: Selection) -> list[dict[str, Any]]:
    """The images as JSON values, in a constant number of queries."""
    ids = [image.pk for image in images]
    labels = labels_of(ids, with_boxes=selection.has_boxes) if selection.has_labels else {}
    ratings = _ratings(ids, request.user) if selection.fields & {"is_favorite", "rating"} else {}
    found = []
    for image in images:
        values = _values(image, request, ratings.get(image.pk))
        resource = {name: value for name, value in values.items() if name in selection.fields}
        if selection.has_labels:
            resource["labels"] = [label.model_dump() for label in labels[image.pk]]
        found.append(resource)
    return found


def resource(image: Image, request: HttpRequest, selection: Selection) -> dict[str, Any]:
    return resources([image], request, selection)[0]


def _values(image: Image, request: HttpRequest, rating: Rating | None) -> dict[str, Any]:
    has_location = image.latitude is not None and image.longitude is not None
    return {
        "id": image.pk,
        "filename": image.filename,
        "title": image.title,
        "description": image.description,
        "owner": image.owner.get_username(),
        "is_own": image.owner_id == request.user.pk,
        "visibility": VISIBILITY_NAMES[image.visibility],
        "width": image.width,
        "height": image.height,
        "quarter_turns": image.quarter_turns,
        "size": image.size,
        "format": image.format,
        "sha256": image.sha256,
        "taken_at": taken_iso(image.taken_at, image.taken_offset),
        "added_at": image.added_at,
        "trashed_at": image.trashed_at,
        "camera": {
            "make": image.camera_make,
            "model": image.camera_model,
            "lens": image.lens,
            "exposure": image.exposure,
            "aperture": image.aperture,
            "iso": image.iso,
            "focal_length": image.focal_length,
        },
        "location": {"latitude": image.latitude, "longitude": image.longitude} if has_location else None,
        "place": image.place,
        "creator": image.creator,
        "copyright": image.copyright,
        "is_favorite": bool(rating and rating.is_favorite),
        "rating": rating.rating if rating else None,
        "urls": _urls(image, request),
    }


def _urls(image: Image, request: HttpRequest) -> dict[str, str]:
    # Not the storage's own signed URLs: they end after some hours, and programs store what they read.
    files = {
        name: request.build_absolute_uri(reverse("api-v1:image-file", args=[image.pk, name]))
        for name in ("thumb", "preview", "original")
    }
    return {"page": request.build_absolute_uri(image.get_absolute_url()), **files}


def _ratings(image_ids: Sequence[int], user: AbstractBaseUser | AnonymousUser) -> dict[int, Rating]:
    return {rating.image_id: rating for rating in Rating.objects.filter(image_id__in=image_ids, person_id=user.pk)}


def _names(text: str, parameter: str, known: frozenset[str]) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := sorted(names - known):
        message = _("Unknown: %(names)s. Possible are: %(known)s.")
        values = {"names": ", ".join(unknown)[:200], "known": ", ".join(sorted(known))}
        raise ApiError(422, message % values, field=parameter)
    return names
