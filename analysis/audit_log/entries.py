"""Reads the audit log: filters, entries of a picture, pictures of an entry."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Q, QuerySet

from analysis.models import AuditedImages, AuditEntry

IMAGE = "image"
CHUNK = 1_000
PRIVATE_ACTIONS = (AuditEntry.Action.FAVORITE, AuditEntry.Action.UNFAVORITE, AuditEntry.Action.RATE)
"""Private actions, which only their users see on a picture."""


@dataclass(frozen=True)
class EntryFilter:
    """Filters of a list of entries; empty values are ignored."""

    user: str = ""
    action: str = ""
    object_type: str = ""
    object_id: int | None = None
    name: str = ""
    since: datetime | None = None
    until: datetime | None = None


class ImageCount(NamedTuple):
    """The pictures of an entry, with the id of one of them."""

    number: int
    first_id: int


def entries(chosen: EntryFilter) -> QuerySet[AuditEntry]:
    """The entries, newest first."""
    rows = AuditEntry.objects.filter(_objects(chosen)).order_by("-pk")
    if chosen.user:
        rows = rows.filter(actor_name__iexact=chosen.user)
    if chosen.action:
        rows = rows.filter(action=chosen.action)
    if chosen.name:
        rows = rows.filter(Q(object_name__icontains=chosen.name) | Q(label_name__icontains=chosen.name))
    if chosen.since:
        rows = rows.filter(at__gte=chosen.since)
    return rows.filter(at__lt=chosen.until) if chosen.until else rows


def _objects(chosen: EntryFilter) -> Q:
    object_type, object_id = chosen.object_type, chosen.object_id
    if object_id is None:
        # Entries of actions on many pictures have no object.
        many = Q(object_type="") if object_type == IMAGE else Q()
        return Q(object_type=object_type) | many if object_type else Q()
    own = Q(object_id=object_id) & (Q(object_type=object_type) if object_type else Q())
    if object_type == IMAGE:
        return own | Q(pk__in=_entry_ids_with(object_id))
    return own | Q(label_id=object_id) if object_type == "label" else own


def entries_of_image(image_id: int, *, viewer_id: int) -> QuerySet[AuditEntry]:
    """Entries about one picture, alone or among others, newest first.

    Favorites and ratings are included only if they are the viewer's own.
    """
    rows = entries(EntryFilter(object_type=IMAGE, object_id=image_id))
    return rows.exclude(Q(action__in=PRIVATE_ACTIONS) & ~Q(actor_id=viewer_id))


def image_counts(entry_ids: Collection[int]) -> dict[int, ImageCount]:
    """The number of pictures by entry, without entries about a single object."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT entry_id, sum(number), min(image_ids[1]) FROM analysis_auditedimages
               WHERE entry_id = ANY(%s) GROUP BY entry_id""",
            [list(entry_ids)],
        )
        return {entry_id: ImageCount(int(number), first_id) for entry_id, number, first_id in cursor.fetchall()}


def image_steps(entry_id: int) -> QuerySet[AuditedImages]:
    """The pictures of an entry in the steps in which they were changed."""
    return AuditedImages.objects.filter(entry_id=entry_id).order_by("pk")


def object_types() -> list[str]:
    """The types in use, read by index, since DISTINCT would read all entries."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE types AS (
                (SELECT object_type FROM analysis_auditentry ORDER BY object_type LIMIT 1)
                UNION ALL
                SELECT (SELECT object_type FROM analysis_auditentry following
                        WHERE following.object_type > types.object_type ORDER BY object_type LIMIT 1)
                FROM types WHERE types.object_type IS NOT NULL)
            SELECT object_type FROM types WHERE object_type <> ''
            """
        )
        return [object_type for (object_type,) in cursor.fetchall()]


def in_chunks(chosen: EntryFilter) -> Iterator[list[AuditEntry]]:
    """All entries, in lists that each fit into memory."""
    rows, before = entries(chosen), None
    while chunk := list((rows.filter(pk__lt=before) if before else rows)[:CHUNK]):
        yield chunk
        before = chunk[-1].pk


def _entry_ids_with(image_id: int) -> list[int]:
    # A separate statement: with a subquery inside OR, the planner would read all entries instead of the index.
    rows = AuditedImages.objects.filter(image_ids__contains=[image_id])
    return list(rows.order_by("-pk").values_list("entry_id", flat=True)[:CHUNK])
