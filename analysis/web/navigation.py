"""Navigation: links to the main pages, shown on every page."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analysis.search.query import Query, StateTerm
from analysis.web import links
from analysis.web.template_permissions import May

FAVORITES = Query((StateTerm("favorite"),))


@dataclass(frozen=True)
class NavigationEntry:
    """A page by its URL name; `names` are the URL names of pages that belong to it."""

    name: str
    title: str | Promise
    icon: str
    names: tuple[str, ...] = ()
    right: str = ""
    """The attribute of May that it requires; empty if all signed-in users may open it."""


@dataclass(frozen=True)
class NavigationLink:
    title: str
    url: str
    icon: str
    is_current: bool


PICTURES = (
    NavigationEntry("library", _("Library"), "pictures"),
    NavigationEntry("favorites", _("Favorites"), "heart"),
    NavigationEntry(
        "collections", _("Collections"), "album", ("collection", "collection-order", "collection-settings")
    ),
    NavigationEntry("folders", _("Folders"), "folder", ("folder",)),
    NavigationEntry("labels", _("Labels"), "tag"),
    NavigationEntry("duplicates", _("Duplicates"), "copies", ("duplicates-exact", "duplicates-compare")),
    NavigationEntry("trash", _("Trash"), "trash", ("trash-delete",)),
)
MORE = (
    NavigationEntry("searches", _("Saved searches"), "bookmark"),
    NavigationEntry("shares", _("Shared links"), "link", ("share-new", "share-link")),
    NavigationEntry("alerts", _("Alerts"), "bell", ("alert", "alert-new", "alert-edit")),
    NavigationEntry("activity", _("Activity"), "clock", ("batch", "bulk-changes", "deliveries")),
    NavigationEntry("exports", _("Downloads"), "download", ("export",)),
    NavigationEntry("dashboard", _("Dashboard"), "chart"),
    NavigationEntry("buckets", _("Buckets"), "bucket", ("bucket", "bucket-add", "bucket-edit")),
    NavigationEntry("audit-log", _("Audit log"), "list", ("audit-entry",), right="view_audit_log"),
    NavigationEntry(
        "sinks", _("Sinks"), "send", ("sink-channels", "sink-add", "sink", "sink-edit", "sink-dry-run"), "manage_sinks"
    ),
    NavigationEntry("people", _("People"), "people", ("person", "invite"), right="view_people"),
    NavigationEntry("system", _("System"), "gear", right="view_system"),
    NavigationEntry("admin:index", _("Administration"), "shield", right="open_admin"),
)


def groups(request: HttpRequest, may: May) -> list[list[NavigationLink]]:
    """The links in two groups: pages of pictures, then all others.

    The library page folds the second group, to leave room for its filters.
    """
    return [[_link(request, page) for page in pages if _is_offered(page, may)] for pages in (PICTURES, MORE)]


def _is_offered(page: NavigationEntry, may: May) -> bool:
    return not page.right or bool(getattr(may, page.right))


def _link(request: HttpRequest, page: NavigationEntry) -> NavigationLink:
    if page.name == "favorites":
        return NavigationLink(
            str(page.title), links.library_url(FAVORITES), page.icon, _query(request) == FAVORITES.text
        )
    current = request.resolver_match.url_name if request.resolver_match else ""
    is_current = current in (page.name, *page.names) and not (page.name == "library" and _query(request))
    return NavigationLink(str(page.title), reverse(page.name), page.icon, is_current)


def _query(request: HttpRequest) -> str:
    """The search on the library page; empty on other pages."""
    is_library = request.resolver_match is not None and request.resolver_match.url_name == "library"
    return request.GET.get("q", "").strip() if is_library else ""
