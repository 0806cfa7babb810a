"""Rows of share links for the templates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting
from analysis.models import ShareLink
from analysis.permissions import collections as rights
from analysis.web.http import Request


@dataclass(frozen=True)
class LinkRow:
    """A link; `facts` describe its options, `state` is the reason if it does not work."""

    id: str
    name: str
    kind: str
    address: str
    state: str
    views: str
    facts: str


def link_row(request: Request, link: ShareLink, now: datetime) -> LinkRow:
    return LinkRow(
        id=str(link.pk),
        name=link_name(request, link),
        kind=_kind(link),
        address=request.build_absolute_uri(link.get_absolute_url()),
        state=_state(link, now),
        views=_views(link, now),
        facts=" · ".join(_facts(link)),
    )


def link_name(request: Request, link: ShareLink) -> str:
    """The name of what is shared, if the user may still see it."""
    return str(link) if rights.can_view_target(request.user, link) else _("Picture")


def _kind(link: ShareLink) -> str:
    if link.collection_id is not None:
        return _("Collection")
    return _("Saved search") if link.search_id is not None else _("Picture")


def _state(link: ShareLink, now: datetime) -> str:
    if link.revoked_at is not None:
        return _("Revoked")
    if not link.is_live(now):
        return _("Expired")
    if link.collection is not None and link.collection.deleted_at is not None:
        return _("Deleted")
    return ""


def _views(link: ShareLink, now: datetime) -> str:
    text = formatting.plural(ngettext("%(number)s view", "%(number)s views", link.views), link.views)
    if link.viewed_at is None:
        return text
    return _("%(views)s, the last %(ago)s") % {"views": text, "ago": formatting.ago(link.viewed_at, now=now)}


def _facts(link: ShareLink) -> list[str]:
    expires = _("Expires %(day)s") % {"day": formatting.day(link.expires_at)} if link.expires_at else ""
    facts = {
        expires: bool(expires),
        _("Password"): bool(link.password),
        _("Downloads"): link.allows_download,
        _("Metadata"): link.shows_metadata,
        _("Private pictures"): link.includes_private,
        _("Sensitive pictures"): link.includes_sensitive,
    }
    return [name for name, is_set in facts.items() if is_set]
