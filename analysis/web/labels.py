"""Labels page: visible labels by category, each with a cover picture and a count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.models import Image, Label, LabelAlias, Viewer
from analysis.models.labels import KIND_TITLES, group_title
from analysis.search import label_groups, label_tree, visible_labels
from analysis.search.query import LabelTerm, Query
from analysis.search.sensitive import sensitive_ids
from analysis.search.visible_labels import LabelFrequencies, VisibleLabel
from analysis.web import links
from analysis.web import sensitive as web_sensitive
from analysis.web.http import Request, int_param, one_line

PREVIEW_SIZE, PAGE_SIZE = 8, 120
"""Labels of a group: on the overview, and per page of the group."""
MAX_FILTER_LENGTH = 100
MAX_ID = 2**31 - 1
GroupKey = tuple[str, str]
"""Kind and category; only labels have a category."""


class LabelEntry(NamedTuple):
    id: int
    name: str
    kind: str


@dataclass(frozen=True)
class LabelCover:
    name: str
    count: str
    url: str
    thumb: str
    is_blurred: bool
    placeholder: str = ""
    narrower_url: str = ""
    """The page of the labels below it; empty for none."""


@dataclass(frozen=True)
class LabelGroup:
    """Labels of a kind or category; `all_url` opens the full list."""

    number: str
    title: str
    covers: list[LabelCover]
    all_url: str


class PathLink(NamedTuple):
    """A broader label in the heading, linked to the labels below it."""

    name: str
    url: str


@dataclass(frozen=True)
class LabelPage:
    """The labels of a page, with its heading and the parameters of its URL."""

    rows: list[LabelEntry]
    title: str
    parameters: dict[str, str]
    path: tuple[PathLink, ...] = ()


@require_safe
def labels(request: Request) -> HttpResponse:
    """The overview, a group (`kind`, `category`), a tree level (`under`), or `q`.

    `q` is text to find in the labels' names.
    """
    viewer, is_blurring = permissions.viewer_of(request.user), not web_sensitive.shows_sensitive(request)
    # PostgreSQL stores no NUL and raises for one in a parameter.
    text = one_line(request.GET.get("q", ""))[:MAX_FILTER_LENGTH]
    kind, category = request.GET.get("kind", ""), request.GET.get("category", "").replace("\x00", " ")
    page: LabelPage | None = None
    if text:
        title = _("Labels matching “%(text)s”") % {"text": text}
        page = LabelPage(_named(text), title, {"q": text})
    elif "under" in request.GET:
        page = _tree_page(int_param(request.GET["under"], maximum=MAX_ID, minimum=0), viewer)
    elif kind in Label.Kind.values:
        page = LabelPage(_of_group(kind, category), group_title(kind, category), {"kind": kind, "category": category})
    if page is None:
        groups = overview(viewer=viewer, is_blurring=is_blurring)
        return render(request, "labels.html", {"groups": groups, "filter": text})
    after = int_param(request.GET.get("after", ""), maximum=MAX_ID, minimum=0)
    group, next_id = group_page(page.rows, title=page.title, viewer=viewer, after=after, is_blurring=is_blurring)
    more_url = links.with_parameters(reverse("labels"), **page.parameters, after=next_id) if next_id else ""
    context = {"groups": [group] if group.covers else [], "title": page.title, "more_url": more_url}
    return render(request, "labels.html", context | {"filter": text, "path": page.path})


def overview(*, viewer: Viewer, is_blurring: bool = True) -> list[LabelGroup]:
    """All groups, each with its most frequent labels."""
    frequencies = visible_labels.label_frequencies(viewer)
    groups: dict[GroupKey, list[LabelEntry]] = {}
    sizes: dict[GroupKey, int] = {}
    for row in label_groups.most_frequent(frequencies, maximum=PREVIEW_SIZE):
        key = (row.kind, row.category)
        groups.setdefault(key, []).append(LabelEntry(row.id, row.name, row.kind))
        sizes[key] = row.group_size
    # The sample decides which labels are shown; they are ordered by the counts shown with them.
    previews = {
        key: sorted(rows, key=lambda pair: -pair[1].count)
        for key, rows in _previews(groups, sizes, viewer=viewer, frequencies=frequencies).items()
    }
    covers = _covers([pair for rows in previews.values() for pair in rows], is_blurring=is_blurring)
    keys = sorted((key for key, rows in previews.items() if rows), key=_group_order)
    return [
        _group(number, key, [covers[row.id] for row, _label in previews[key]], sizes[key])
        for number, key in enumerate(keys)
    ]


def group_page(
    rows: Iterable[LabelEntry], *, title: str, viewer: Viewer, after: int, is_blurring: bool = True
) -> tuple[LabelGroup, str]:
    """One page of labels, most frequent first, and the id of its last one.

    The id is empty on the last page.
    """
    frequencies = visible_labels.label_frequencies(viewer)
    entries = [
        row for row in _by_frequency(rows, frequencies) if row.id in frequencies.numbers or not frequencies.is_exact
    ]
    positions = {row.id: position for position, row in enumerate(entries)}
    by_id = {row.id: row for row in entries}
    rest = [row.id for row in entries[positions.get(after, -1) + 1 :]]
    visible, checked = visible_labels.visible_labels(rest, viewer=viewer, among=frequencies, maximum=PAGE_SIZE)
    pairs = [(by_id[label.label_id], label) for label in visible]
    covers = _covers(pairs, is_blurring=is_blurring)
    among = frequencies.numbers if frequencies.is_exact else None
    for pk in label_tree.ids_with_descendants(list(covers), among=among):
        covers[pk] = replace(covers[pk], narrower_url=_tree_url(pk))
    group = LabelGroup("0", title, [covers[row.id] for row, _label in pairs], "")
    return group, str(rest[checked - 1]) if checked < len(rest) else ""


def _tree_page(label_id: int, viewer: Viewer) -> LabelPage:
    """The labels directly below a label; for id 0, the top ones.

    Raises Http404 for a label the viewer can't see.
    """
    root = PathLink(_("By hierarchy"), _tree_url(0))
    if not label_id:
        roots = _active_labels().filter(pk__in=label_tree.root_ids(), kind=Label.Kind.LABEL)
        return LabelPage(_entries(roots), root.name, {"under": "0"})
    path = _visible_path([*label_tree.path_to(label_id), label_id], viewer)
    if label_id not in path:
        raise Http404
    rows = _entries(_active_labels().filter(pk__in=label_tree.child_ids(label_id)))
    links_above = [PathLink(name, _tree_url(pk)) for pk, name in path.items() if pk != label_id]
    return LabelPage(rows, path[label_id], {"under": str(label_id)}, (root, *links_above))


def _visible_path(label_ids: list[int], viewer: Viewer) -> dict[int, str]:
    """Names by id of the labels on pictures that the viewer sees, in the given order."""
    names = dict(_active_labels().filter(pk__in=label_ids).values_list("pk", "name"))
    visible = visible_labels.label_visibility(viewer).visible(
        [pk for pk in label_ids if pk in names], maximum=len(label_ids)
    )
    return {pk: names[pk] for pk in visible}


def _tree_url(label_id: int) -> str:
    return links.with_parameters(reverse("labels"), under=str(label_id))


def _active_labels() -> QuerySet[Label]:
    return Label.objects.filter(is_hidden=False, merged_into=None)


def _entries(labels: QuerySet[Label]) -> list[LabelEntry]:
    return [LabelEntry(*row) for row in labels.values_list("pk", "name", "kind")]


def _of_group(kind: str, category: str) -> list[LabelEntry]:
    labels = _active_labels().filter(kind=kind)
    return _entries(labels.filter(category=category) if kind == Label.Kind.LABEL else labels)


def _named(text: str) -> list[LabelEntry]:
    """Labels with this text in their name, an alias, or a label merged into them."""
    aliases = LabelAlias.objects.filter(name__icontains=text).values("label")
    merged = Label.objects.filter(name__icontains=text).exclude(merged_into=None).values("merged_into")
    by_other_name = _active_labels().filter(Q(pk__in=aliases) | Q(pk__in=merged))
    return _entries(_active_labels().filter(name__icontains=text) | by_other_name)


def _by_frequency(rows: Iterable[LabelEntry], frequencies: LabelFrequencies) -> list[LabelEntry]:
    return sorted(rows, key=lambda row: (-frequencies.numbers.get(row.id, 0), row.name.lower(), row.id))


def _previews(
    groups: dict[GroupKey, list[LabelEntry]],
    sizes: dict[GroupKey, int],
    *,
    viewer: Viewer,
    frequencies: LabelFrequencies,
) -> dict[GroupKey, list[tuple[LabelEntry, VisibleLabel]]]:
    """The first visible labels of each group.

    One query looks up all of them; a group of which too few are visible takes another query.
    """
    ids = [row.id for rows in groups.values() for row in rows]
    visible = {row.label_id: row for row in visible_labels.visible_labels(ids, viewer=viewer, among=frequencies)[0]}
    previews = {}
    for key, rows in groups.items():
        previews[key] = [(row, visible[row.id]) for row in rows if row.id in visible]
        if len(previews[key]) < len(rows) < sizes[key]:
            previews[key] += _more_of_group(
                key, {row.id for row in rows}, PREVIEW_SIZE - len(previews[key]), viewer=viewer, frequencies=frequencies
            )
    return previews


def _more_of_group(
    key: GroupKey, looked_up: set[int], maximum: int, *, viewer: Viewer, frequencies: LabelFrequencies
) -> list[tuple[LabelEntry, VisibleLabel]]:
    """Further visible labels of a group, besides those that were looked up."""
    others = {row.id: row for row in _by_frequency(_of_group(*key), frequencies) if row.id not in looked_up}
    more, _checked = visible_labels.visible_labels(
        list(others)[:PAGE_SIZE], viewer=viewer, among=frequencies, maximum=maximum
    )
    return [(others[label.label_id], label) for label in more]


def _group_order(key: GroupKey) -> int:
    """Tags and celebrities first, then categories by their most frequent label."""
    return [Label.Kind.TAG, Label.Kind.CELEBRITY, Label.Kind.LABEL, *KIND_TITLES].index(Label.Kind(key[0]))


def _group(number: int, key: GroupKey, covers: list[LabelCover], size: int) -> LabelGroup:
    kind, category = key
    url = links.with_parameters(reverse("labels"), kind=kind, category=category)
    return LabelGroup(str(number), group_title(*key), covers, url if size > len(covers) else "")


def _covers(pairs: Sequence[tuple[LabelEntry, VisibleLabel]], *, is_blurring: bool) -> dict[int, LabelCover]:
    """Covers by label id, preferably not sensitive and not used for another label."""
    sensitive = sensitive_ids({image_id for _row, label in pairs for image_id in label.newest})
    image_ids: dict[int, int] = {}
    used: set[int] = set()
    for row, label in pairs:
        image_ids[row.id] = min(label.newest, key=lambda image_id: (image_id in sensitive, image_id in used))
        used.add(image_ids[row.id])
    images = Image.objects.only("pk", "renditions_id", "placeholder").in_bulk(used)
    blurred = sensitive if is_blurring else frozenset()
    return {
        row.id: _cover(row, label, images.get(image_ids[row.id]), is_blurred=image_ids[row.id] in blurred)
        for row, label in pairs
    }


def _cover(row: LabelEntry, label: VisibleLabel, image: Image | None, *, is_blurred: bool) -> LabelCover:
    kind = "" if row.kind == Label.Kind.LABEL else row.kind
    return LabelCover(
        name=row.name,
        count=f"{formatting.count(label.count)}{'+' if label.is_capped else ''}",
        url=links.library_url(Query((LabelTerm(row.name, kind),))),
        thumb=links.rendition_url(image, "thumb") if image else "",
        is_blurred=is_blurred,
        placeholder=links.data_uri(image.placeholder) if image else "",
    )
