"""The labels page: every label one can meet, as a cover and a count, by category; each leads to its search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analysis import permissions
from analysis.models import Image, Label, LabelAlias, Viewer
from analysis.models.labels import KIND_TITLES, group_title
from analysis.search import visible_labels
from analysis.search.query import LabelTerm, Query
from analysis.search.visible_labels import LabelFrequencies, VisibleLabel
from analysis.web import links
from analysis.web import sensitive as web_sensitive
from analysis.web.http import Request, int_param

FIRST, MOST = 8, 120
"""Labels of a group on the first page, and on a page of its own."""
LONGEST = 100


class LabelEntry(NamedTuple):
    id: int
    name: str
    kind: str
    category: str

    @property
    def group(self) -> tuple[str, str]:
        return (self.kind, self.category) if self.kind == Label.Kind.LABEL else (self.kind, "")


@dataclass(frozen=True)
class LabelCover:
    name: str
    count: str
    url: str
    thumb: str
    is_blurred: bool


@dataclass(frozen=True)
class Group:
    """`number` names it within the page; `all_url` leads to those that are not shown here."""

    number: str
    title: str
    covers: list[LabelCover]
    all_url: str


@require_safe
def labels(request: Request) -> HttpResponse:
    """All groups with their most frequent labels; one group (`kind`, `category`) or what a word finds (`q`) whole."""
    viewer, veils = permissions.viewer_of(request.user), not web_sensitive.shows_sensitive(request)
    text = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:LONGEST]
    kind, category = request.GET.get("kind", ""), request.GET.get("category", "").replace("\x00", " ")
    if text or kind in Label.Kind.values:
        rows = _named(text) if text else _of_group(kind, category)
        title = f"Labels with “{text}”" if text else group_title(kind, category)
        after = int_param(request.GET.get("after", ""), maximum=2**31 - 1, minimum=0)
        group, more = whole(rows, title=title, viewer=viewer, after=after, veils=veils)
        asked = {"q": text} if text else {"kind": kind, "category": category}
        more_url = links.with_parameters(reverse("labels"), **asked, after=more) if more else ""
        context = {"groups": [group] if group.covers else [], "title": title, "more_url": more_url}
    else:
        context = {"groups": overview(viewer=viewer, veils=veils)}
    return render(request, "labels.html", context | {"sought": text})


def overview(*, viewer: Viewer, veils: bool = True) -> list[Group]:
    """Every group with the first of its labels: people's own words, then the categories by what is most frequent."""
    among = visible_labels.label_frequencies(viewer)
    groups, sizes = _grouped(among)
    found = {
        key: sorted(few, key=lambda pair: -pair[1].count)  # steered by a sample, shown by what was counted
        for key, few in _first_of_each(groups, sizes, viewer=viewer, among=among).items()
    }
    covers = _covers([each for few in found.values() for each in few], veils=veils)
    order = sorted((key for key in found if found[key]), key=_place)
    return [
        _group(number, key, [covers[row.id] for row, _ in found[key]], sizes[key]) for number, key in enumerate(order)
    ]


def whole(
    rows: Iterable[LabelEntry], *, title: str, viewer: Viewer, after: int, veils: bool = True
) -> tuple[Group, str]:
    """One page of these labels, most frequent first, and the id to go on after; empty when there are no more."""
    among = visible_labels.label_frequencies(viewer)
    ordered = [row for row in _by_frequency(rows, among) if row.id in among.numbers or not among.is_exact]
    places = {row.id: place for place, row in enumerate(ordered)}
    by_id = {row.id: row for row in ordered}
    rest = [row.id for row in ordered[places.get(after, -1) + 1 :]]
    found, asked = visible_labels.visible_labels(rest, viewer=viewer, among=among, maximum=MOST)
    few = [(by_id[each.label_id], each) for each in found]
    covers = _covers(few, veils=veils)
    group = Group("0", title, [covers[row.id] for row, _ in few], "")
    return group, str(rest[asked - 1]) if asked < len(rest) else ""


def _shown() -> QuerySet[Label]:
    return Label.objects.filter(is_hidden=False, merged_into=None)


def _rows(labels: QuerySet[Label]) -> list[LabelEntry]:
    return [LabelEntry(*row) for row in labels.values_list("pk", "name", "kind", "category")]


def _of_group(kind: str, category: str) -> list[LabelEntry]:
    shown = _shown().filter(kind=kind)
    return _rows(shown.filter(category=category) if kind == Label.Kind.LABEL else shown)


def _named(text: str) -> list[LabelEntry]:
    """Labels with this text in their name or in another name of theirs."""
    aliases = LabelAlias.objects.filter(name__icontains=text).values("label")
    merged = Label.objects.filter(name__icontains=text).exclude(merged_into=None).values("merged_into")
    return _rows(_shown().filter(name__icontains=text) | _shown().filter(Q(pk__in=aliases) | Q(pk__in=merged)))


def _grouped(among: LabelFrequencies) -> tuple[dict[tuple[str, str], list[LabelEntry]], dict[tuple[str, str], int]]:
    """The labels that were met by group, most frequent first; and how many may be in each group."""
    met_ones: list[LabelEntry] = []
    sizes: dict[tuple[str, str], int] = {}
    for row in _rows(_shown()):
        is_met = row.id in among.numbers
        if is_met:
            met_ones.append(row)
        if is_met or not among.is_exact:
            sizes[row.group] = sizes.get(row.group, 0) + 1
    groups: dict[tuple[str, str], list[LabelEntry]] = {}
    for row in _by_frequency(met_ones, among):
        groups.setdefault(row.group, []).append(row)
    return groups, sizes


def _by_frequency(rows: Iterable[LabelEntry], among: LabelFrequencies) -> list[LabelEntry]:
    return sorted(rows, key=lambda row: (-among.numbers.get(row.id, 0), row.name.lower(), row.id))


def _first_of_each(
    groups: dict[tuple[str, str], list[LabelEntry]],
    sizes: dict[tuple[str, str], int],
    *,
    viewer: Viewer,
    among: LabelFrequencies,
) -> dict[tuple[str, str], list[tuple[LabelEntry, VisibleLabel]]]:
    """All that were met at once; a group of which too few were is gone through by itself."""
    ids = [row.id for rows in groups.values() for row in rows[:FIRST]]
    found = {each.label_id: each for each in visible_labels.visible_labels(ids, viewer=viewer, among=among)[0]}
    first = {key: [(row, found[row.id]) for row in rows[:FIRST] if row.id in found] for key, rows in groups.items()}
    for key, size in sizes.items():
        known = len(groups.get(key, ()))
        if known < min(size, FIRST):
            others = {row.id: row for row in _by_frequency(_of_group(*key), among)[known:]}
            more, _ = visible_labels.visible_labels(
                list(others)[:MOST], viewer=viewer, among=among, maximum=FIRST - known
            )
            first.setdefault(key, []).extend((others[each.label_id], each) for each in more)
    return first


def _place(key: tuple[str, str]) -> int:
    """Tags and people first, then the categories as they came: by their most frequent label."""
    return [Label.Kind.TAG, Label.Kind.CELEBRITY, Label.Kind.LABEL, *KIND_TITLES].index(Label.Kind(key[0]))


def _group(number: int, key: tuple[str, str], covers: list[LabelCover], size: int) -> Group:
    kind, category = key
    url = links.with_parameters(reverse("labels"), kind=kind, category=category)
    return Group(str(number), group_title(*key), covers, url if size > len(covers) else "")


def _covers(found: Sequence[tuple[LabelEntry, VisibleLabel]], *, veils: bool) -> dict[int, LabelCover]:
    """By label id; another picture for each as far as there are others, and one that is not sensitive before one is."""
    sensitive = web_sensitive.sensitive_ids({each for _, label in found for each in label.newest})
    chosen: dict[int, int] = {}
    used: set[int] = set()
    for row, label in found:
        chosen[row.id] = min(label.newest, key=lambda each: (each in sensitive, each in used))
        used.add(chosen[row.id])
    images = Image.objects.only("pk", "renditions_id").in_bulk(used)
    veiled = sensitive if veils else frozenset()
    return {
        row.id: _cover(row, label, images.get(chosen[row.id]), is_blurred=chosen[row.id] in veiled)
        for row, label in found
    }


def _cover(row: LabelEntry, label: VisibleLabel, image: Image | None, *, is_blurred: bool) -> LabelCover:
    kind = "" if row.kind == Label.Kind.LABEL else row.kind
    return LabelCover(
        name=row.name,
        count=f"{label.count:,}{'+' if label.is_capped else ''}",
        url=links.library_url(Query((LabelTerm(row.name, kind),))),
        thumb=links.rendition_url(image, "thumb") if image else "",
        is_blurred=is_blurred,
    )
