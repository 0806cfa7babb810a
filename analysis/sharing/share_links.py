"""Share links: create, change, revoke, count views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis import audit_log, formatting
from analysis.curation.errors import ActionRefused
from analysis.models import AuditEntry, Collection, Image, SavedSearch, ShareLink

MAX_LINKS = 1_000
"""Links of one user."""
RETENTION = timedelta(days=30)
"""Time for which ended links stay in the list."""
Target = Image | Collection | SavedSearch


@dataclass(frozen=True)
class LinkOptions:
    """The choices of a form; `password` is None if it is not changed."""

    password: str | None = None
    expires_at: datetime | None = None
    allows_download: bool = False
    shows_metadata: bool = False
    includes_private: bool = False
    includes_sensitive: bool = False


def free_collection_name(owner: AbstractBaseUser, *, name: str) -> str:
    """The name, with a number if the owner already has a collection of this name."""
    own = Collection.objects.filter(owner_id=owner.pk, deleted_at=None, name__istartswith=name)
    taken = {taken.casefold() for taken in own.values_list("name", flat=True)}
    names = [name, *(f"{name} ({number})" for number in range(2, len(taken) + 2))]
    return next(free for free in names if free.casefold() not in taken)


def create(owner: AbstractBaseUser, target: Target, options: LinkOptions) -> ShareLink:
    """Create a link. Raises ActionRefused above MAX_LINKS.

    The caller checks that the owner may share the target.
    """
    if ShareLink.objects.filter(owner_id=owner.pk).count() >= MAX_LINKS:
        raise ActionRefused(
            _("You've reached the limit of %(limit)s links. Revoke one first.") % {"limit": formatting.count(MAX_LINKS)}
        )
    link = ShareLink(
        owner_id=owner.pk,
        image=target if isinstance(target, Image) else None,
        collection=target if isinstance(target, Collection) else None,
        search=target if isinstance(target, SavedSearch) else None,
    )
    _apply(link, options)
    with transaction.atomic():
        link.save()
        _record(AuditEntry.Action.ADD, link)
    return link


def change(link: ShareLink, options: LinkOptions) -> None:
    """Change a link's options; its address stays."""
    _apply(link, options)
    with transaction.atomic():
        link.save()
        _record(AuditEntry.Action.CHANGE, link)


@transaction.atomic
def revoke(link: ShareLink, *, by_id: int | None) -> None:
    if ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=Now()):
        _record(AuditEntry.Action.REVOKE, link, by_id=by_id)


@transaction.atomic
def restore(link: ShareLink) -> None:
    """Undo of `revoke`."""
    if ShareLink.objects.filter(pk=link.pk).exclude(revoked_at=None).update(revoked_at=None):
        _record(AuditEntry.Action.UNDO, link, details={"action": AuditEntry.Action.REVOKE.value})


def is_password_of(link: ShareLink, text: str) -> bool:
    return check_password(text, link.password)


def count_view(link: ShareLink) -> None:
    ShareLink.objects.filter(pk=link.pk).update(views=F("views") + 1, viewed_at=Now())


def delete_expired() -> None:
    """Delete links that ended a while ago."""
    ended = Now() - RETENTION
    ShareLink.objects.filter(Q(revoked_at__lte=ended) | Q(expires_at__lte=ended)).delete()


def _record(
    action: AuditEntry.Action, link: ShareLink, *, by_id: int | None = None, details: dict[str, Any] | None = None
) -> None:
    """An entry of the audit log, also on the page of a shared picture.

    By the link's owner unless `by_id` is given.
    """
    entry = audit_log.record(action, link, by_id=by_id or link.owner_id, details=details)
    if link.image_id is not None:
        audit_log.record_images(entry.pk, [link.image_id])


def _apply(link: ShareLink, options: LinkOptions) -> None:
    if options.password is not None:
        link.password = make_password(options.password) if options.password else ""
    link.expires_at = options.expires_at
    link.allows_download, link.shows_metadata = options.allows_download, options.shows_metadata
    link.includes_private, link.includes_sensitive = options.includes_private, options.includes_sensitive
