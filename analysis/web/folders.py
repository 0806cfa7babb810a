"""Folders page: browse pictures by the folders they came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.contrib.auth import get_user_model
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.models import Bucket, Folder, Viewer
from analysis.search import folders as folder_search
from analysis.search.folders import FolderCount, FolderFacet
from analysis.search.query import Query
from analysis.search.terms import FolderTerm, Not
from analysis.web import links
from analysis.web.http import Request, int_param
from analysis.web.library.facet_links import FacetLink
from analysis.web.library.filter_chips import Link
from analysis.web.library.filter_list import filter_list

PAGE_SIZE = 500
MAX_ID = 2**63 - 1


@dataclass(frozen=True)
class FolderRow:
    name: str
    count: str
    url: str
    pictures_url: str


@dataclass(frozen=True)
class FolderGroup:
    """The top folders of one owner or bucket."""

    title: str
    rows: list[FolderRow]


@require_safe
def folders(request: Request) -> HttpResponse:
    """The top folders by owner and bucket."""
    viewer = permissions.viewer_of(request.user)
    rows = folder_search.top_folders(viewer)
    start = _start(request)
    return render(
        request,
        "folders.html",
        {"groups": _groups(rows[start : start + PAGE_SIZE], viewer), "more_url": _more_url(request, len(rows))},
    )


@require_safe
def folder(request: Request, folder_id: int) -> HttpResponse:
    """The folders in a folder; 404 if the viewer sees no picture in or below it."""
    viewer = permissions.viewer_of(request.user)
    folder = get_object_or_404(Folder, pk=folder_id)
    total = folder_search.count_of(folder, viewer)
    if not total:
        raise Http404
    rows = folder_search.subfolders(folder, viewer)
    start = _start(request)
    group = FolderGroup("", [_row(row) for row in rows[start : start + PAGE_SIZE]])
    *path, current = folder_search.path_to(folder)
    context = {
        "groups": [group] if group.rows else [],
        "more_url": _more_url(request, len(rows)),
        "title": current.name,
        "path": [(above.name, reverse("folder", args=[above.pk])) for above in path],
        "pictures": formatting.pictures(total),
        "pictures_url": _search_url(folder.path),
    }
    return render(request, "folders.html", context)


@require_safe
def folder_filter(request: Request) -> HttpResponse:
    """The most frequent folders in a result, as links that narrow it."""
    return filter_list(
        request, _filter_links, title=_("Folders"), sample=folder_search.SAMPLE, empty=lambda: _("No folders.")
    )


def _filter_links(query: Query, viewer: Viewer, link: Link) -> tuple[list[FacetLink], bool]:
    facets, is_sample = folder_search.folder_facets(query, viewer=viewer)
    return [_filter_link(query, facet, link) for facet in facets], is_sample


def _filter_link(query: Query, facet: FolderFacet, link: Link) -> FacetLink:
    term = FolderTerm(f"{facet.path}/", is_prefix=True)
    others = [part for part in query.parts if not folder_search.is_folder_term(part)]
    # In place of other folder terms, since a picture is in one folder only.
    narrowed = replace(query, parts=(*others, term))
    return FacetLink(
        name=facet.name,
        count=formatting.count(facet.images),
        url=link(narrowed),
        exclude_url=link(query.with_part(Not(term))),
        is_active=False,
    )


def _groups(rows: Iterable[FolderCount], viewer: Viewer) -> list[FolderGroup]:
    """The viewer's own folders first, then buckets and other owners by name."""
    by_source: dict[tuple[int | None, int | None], list[FolderRow]] = {}
    for row in rows:
        by_source.setdefault((row.owner_id, row.bucket_id), []).append(_row(row))
    buckets = Bucket.objects.in_bulk({bucket_id for _owner, bucket_id in by_source if bucket_id})
    owner_ids = {owner_id for owner_id, _bucket in by_source if owner_id} | {
        bucket.owner_id for bucket in buckets.values()
    }
    people = get_user_model()._default_manager.in_bulk(owner_ids)
    groups = []
    for (owner_id, bucket_id), group in by_source.items():
        bucket = buckets.get(bucket_id or 0)
        whose = bucket.owner_id if bucket else owner_id
        is_own = whose == viewer.user_id
        if bucket and is_own:
            title = str(bucket)
        elif is_own:
            title = _("Your uploads and imports")
        else:  # the names of other people's buckets are private
            person = people[whose or 0]
            title = _("From %(person)s") % {"person": person.get_full_name() or person.get_username()}
        groups.append((not is_own, bucket is not None, title.lower(), FolderGroup(title, group)))
    return [group for *_order, group in sorted(groups, key=lambda entry: entry[:3])]


def _row(row: FolderCount) -> FolderRow:
    return FolderRow(
        row.name,
        formatting.count(row.images),
        reverse("folder", args=[row.id]),
        _search_url(row.path),
    )


def _search_url(path: str) -> str:
    """URL of the pictures in and below a folder."""
    return links.library_url(Query((FolderTerm(f"{path}/", is_prefix=True),)))


def _start(request: Request) -> int:
    return int_param(request.GET.get("start", ""), minimum=0, maximum=MAX_ID)


def _more_url(request: Request, number: int) -> str:
    following = _start(request) + PAGE_SIZE
    return links.with_parameters(request.path, start=following) if following < number else ""
