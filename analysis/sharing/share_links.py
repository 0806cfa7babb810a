"""Share links: create, change, revoke, count views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.curation.errors import ActionRefused
from analysis.models import Collection, Image, SavedSearch, ShareLink

MAX_LINKS = 1_000
"""Links of one person."""
KEPT = timedelta(days=30)
"""Ended links stay in the list for this time."""
Target = Image | Collection | SavedSearch


@dataclass(frozen=True)
class LinkOptions:
    """The choices of a form; `password` is None where it stays as it is."""

    password: str | None = None
    expires_at: datetime | None = None
    allows_download: bool = False
    shows_metadata: bool = False
    includes_private: bool = False
    includes_sensitive: bool = False


def create(owner: AbstractBaseUser, target: Target, options: LinkOptions) -> ShareLink:
    """A new link. Raises ActionRefused over MAX_LINKS.

    The caller checks that the owner may share the target.
    """
    if ShareLink.objects.filter(owner_id=owner.pk).count() >= MAX_LINKS:
        raise ActionRefused(
            _("You have %(limit)s links, which is the limit. Revoke some first.")
            % {"limit": formatting.count(MAX_LINKS)}
        )
    link = ShareLink(
        owner_id=owner.pk,
        image=target if isinstance(target, Image) else None,
        collection=target if isinstance(target, Collection) else None,
        search=target if isinstance(target, SavedSearch) else None,
    )
    _apply(link, options)
    link.save()
    return link


def change(link: ShareLink, options: LinkOptions) -> None:
    """New choices for a link, whose address stays."""
    _apply(link, options)
    link.save()


def revoke(link: ShareLink) -> None:
    ShareLink.objects.filter(pk=link.pk).update(revoked_at=Now())


def restore(link: ShareLink) -> None:
    """Undo of `revoke`."""
    ShareLink.objects.filter(pk=link.pk).update(revoked_at=None)


def is_password_of(link: ShareLink, text: str) -> bool:
    return check_password(text, link.password)


def count_view(link: ShareLink) -> None:
    ShareLink.objects.filter(pk=link.pk).update(views=F("views") + 1, viewed_at=Now())


def delete_expired() -> None:
    """Delete links that ended a while ago."""
    ended = Now() - KEPT
    ShareLink.objects.filter(Q(revoked_at__lte=ended) | Q(expires_at__lte=ended)).delete()


def _apply(link: ShareLink, options: LinkOptions) -> None:
    if options.password is not None:
        link.password = make_password(options.password) if options.password else ""
    link.expires_at = options.expires_at
    link.allows_download, link.shows_metadata = options.allows_download, options.shows_metadata
    link.includes_private, link.includes_sensitive = options.includes_private, options.includes_sensitive
