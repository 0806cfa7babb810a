"""Rows of the audit log as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis import formatting, permissions
from analysis.audit_log import descriptions
from analysis.audit_log.entries import IMAGE, ImageCount, image_counts
from analysis.models import AuditedImages, AuditEntry
from analysis.web import links
from analysis.web.http import Request

ORIGINALS = {
    "deleted": gettext_lazy("Deleted"),
    "queued": gettext_lazy("Being deleted from its bucket"),
    "kept": gettext_lazy("Kept in its bucket"),
}
"""What became of the original, by its value in a receipt (library/removal.py)."""


@dataclass(frozen=True)
class AuditRow:
    """An entry; `url` opens its object if that exists and the user may see it."""

    id: str
    ago: str
    exact: str
    actor: str
    source: str
    action: str
    kind: str
    name: str
    url: str
    label: str
    pictures: str
    pictures_url: str
    changes: list[str]
    scope: list[str]


@dataclass(frozen=True)
class ReceiptRow:
    """A picture that was deleted forever."""

    image_id: str
    filename: str
    owner: str
    size: str
    original: str
    sha256: str


def receipt_rows(step: AuditedImages) -> list[ReceiptRow]:
    """The deleted pictures of one step."""
    return [
        ReceiptRow(
            image_id=str(receipt["image_id"]),
            filename=receipt["filename"],
            owner=receipt["owner"],
            size=formatting.filesize(receipt["size"]),
            original=str(ORIGINALS.get(receipt["original"], receipt["original"])),
            sha256=receipt["sha256"],
        )
        for receipt in step.receipts or ()
    ]


def audit_rows(request: Request, entries: Sequence[AuditEntry]) -> list[AuditRow]:
    """Rows of these entries for staff, with searches, tokens and links."""
    ids = {entry.object_id for entry in entries if entry.object_type == IMAGE and entry.object_id is not None}
    # The log outlives pictures and rights, so not every entry can link to its picture.
    visible = set(permissions.viewable_images(request.user).filter(pk__in=ids).values_list("pk", flat=True))
    return _rows(entries, visible=visible, shows_object=True)


def image_audit_rows(entries: Sequence[AuditEntry]) -> list[AuditRow]:
    """Rows of one picture's entries for its owner, without links to the picture."""
    return _rows(entries, visible=set(), shows_object=False)


def _rows(entries: Sequence[AuditEntry], *, visible: set[int], shows_object: bool) -> list[AuditRow]:
    moment, counts = now(), image_counts([entry.pk for entry in entries])
    return [
        _row(entry, counts.get(entry.pk), moment=moment, visible=visible, shows_object=shows_object)
        for entry in entries
    ]


def _row(
    entry: AuditEntry, count: ImageCount | None, *, moment: datetime, visible: set[int], shows_object: bool
) -> AuditRow:
    is_visible = entry.object_type == IMAGE and entry.object_id in visible
    return AuditRow(
        id=str(entry.pk),
        ago=formatting.ago(entry.at, now=moment),
        exact=formatting.exact(entry.at),
        actor=actor(entry),
        source=entry.get_source_display(),
        action=descriptions.action_name(entry),
        kind=descriptions.type_name(entry.object_type) if entry.object_type and shows_object else "",
        name=entry.object_name if shows_object else "",
        url=links.image_url(entry.object_id) if is_visible and entry.object_id else "",
        label=entry.label_name,
        pictures=formatting.pictures(count.number) if count else "",
        pictures_url=reverse("audit-entry", args=[entry.pk]) if count and shows_object else "",
        changes=descriptions.changes(entry),
        scope=descriptions.scope(entry) if shows_object else [],
    )


def actor(entry: AuditEntry) -> str:
    """The user's name at the time, which also remains of a deleted account."""
    return entry.actor_name or (_("imagelib") if entry.actor_id is None else f"#{entry.actor_id}")
