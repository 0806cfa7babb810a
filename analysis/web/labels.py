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

from analysis import access
from analysis.models import Audience, Image, Label, LabelAlias
from analysis.search import met
from analysis.search.met import Frequencies, Met
from analysis.search.tree import Labeled, Query
from analysis.web import present, veil
from analysis.web.requests import Request, number_in

FIRST, MOST = 8, 120
"""Labels of a group on the first page, and on a page of its own."""
LONGEST = 100
UNSORTED = "Other"
KIND_TITLES: dict[str, str] = {
    Label.Kind.TAG: "Tags",
    Label.Kind.CELEBRITY: "Celebrities",
    Label.Kind.EMOTION: "Emotions",
    Label.Kind.FACE: "Faces",
    Label.Kind.COLOR: "Colors",
    Label.Kind.MODERATION: "Moderation",
}
"""Labels are grouped by their category, the other kinds by what they are."""


class Row(NamedTuple):
    id: int
    name: str
    kind: str
    category: str

    @property
    def group(self) -> tuple[str, str]:
        return (self.kind, self.category) if self.kind == Label.Kind.LABEL else (self.kind, "")


@dataclass(frozen=True)
class Cover:
    name: str
    count: str
    url: str
    thumb: str
    is_veiled: bool


@dataclass(frozen=True)
class Group:
    """`number` names it within the page; `all_url` leads to those that are not shown here."""

    number: str
    title: str
    covers: list[Cover]
    all_url: str


@require_safe
def labels(request: Request) -> HttpResponse:
    """All groups with their most frequent labels; one group (`kind`, `category`) or what a word finds (`q`) whole."""
    audience, veils = access.audience_of(request.user), not veil.shows(request)
    text = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:LONGEST]
    kind, category = request.GET.get("kind", ""), request.GET.get("category", "").replace("\x00", " ")
    if text or kind in Label.Kind.values:
        rows = _named(text) if text else _of_group(kind, category)
        title = f"Labels with “{text}”" if text else title_of(kind, category)
        after = number_in(request.GET.get("after", ""), most=2**31 - 1, least=0)
        group, more = whole(rows, title=title, audience=audience, after=after, veils=veils)
        asked = {"q": text} if text else {"kind": kind, "category": category}
        more_url = present.with_parameters(reverse("labels"), **asked, after=more) if more else ""
        context = {"groups": [group] if group.covers else [], "title": title, "more_url": more_url}
    else:
        context = {"groups": overview(audience=audience, veils=veils)}
    return render(request, "labels.html", context | {"sought": text})


def overview(*, audience: Audience, veils: bool = True) -> list[Group]:
    """Every group with the first of its labels: people's own words, then the categories by what is most frequent."""
    among = met.frequencies(audience)
    groups, sizes = _grouped(among)
    found = {
        key: sorted(few, key=lambda pair: -pair[1].count)  # steered by a sample, shown by what was counted
        for key, few in _first_of_each(groups, sizes, audience=audience, among=among).items()
    }
    covers = _covers([each for few in found.values() for each in few], veils=veils)
    order = sorted((key for key in found if found[key]), key=_place)
    return [
        _group(number, key, [covers[row.id] for row, _ in found[key]], sizes[key]) for number, key in enumerate(order)
    ]


def whole(rows: Iterable[Row], *, title: str, audience: Audience, after: int, veils: bool = True) -> tuple[Group, str]:
    """One page of these labels, most frequent first, and the id to go on after; empty when there are no more."""
    among = met.frequencies(audience)
    ordered = [row for row in _by_frequency(rows, among) if row.id in among.numbers or not among.is_exact]
    places = {row.id: place for place, row in enumerate(ordered)}
    by_id = {row.id: row for row in ordered}
    rest = [row.id for row in ordered[places.get(after, -1) + 1 :]]
    found, asked = met.met(rest, audience=audience, among=among, most=MOST)
    few = [(by_id[each.label_id], each) for each in found]
    covers = _covers(few, veils=veils)
    group = Group("0", title, [covers[row.id] for row, _ in few], "")
    return group, str(rest[asked - 1]) if asked < len(rest) else ""


def title_of(kind: str, category: str) -> str:
    return KIND_TITLES.get(kind) or category or UNSORTED


def _shown() -> QuerySet[Label]:
    return Label.objects.filter(is_hidden=False, merged_into=None)


def _rows(labels: QuerySet[Label]) -> list[Row]:
    return [Row(*row) for row in labels.values_list("pk", "name", "kind", "category")]


def _of_group(kind: str, category: str) -> list[Row]:
    shown = _shown().filter(kind=kind)
    return _rows(shown.filter(category=category) if kind == Label.Kind.LABEL else shown)


def _named(text: str) -> list[Row]:
    """Labels with this text in their name or in another name of theirs."""
    aliases = LabelAlias.objects.filter(name__icontains=text).values("label")
    merged = Label.objects.filter(name__icontains=text).exclude(merged_into=None).values("merged_into")
    return _rows(_shown().filter(name__icontains=text) | _shown().filter(Q(pk__in=aliases) | Q(pk__in=merged)))


def _grouped(among: Frequencies) -> tuple[dict[tuple[str, str], list[Row]], dict[tuple[str, str], int]]:
    """The labels that were met by group, most frequent first; and how many may be in each group."""
    met_ones: list[Row] = []
    sizes: dict[tuple[str, str], int] = {}
    for row in _rows(_shown()):
        is_met = row.id in among.numbers
        if is_met:
            met_ones.append(row)
        if is_met or not among.is_exact:
            sizes[row.group] = sizes.get(row.group, 0) + 1
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in _by_frequency(met_ones, among):
        groups.setdefault(row.group, []).append(row)
    return groups, sizes


def _by_frequency(rows: Iterable[Row], among: Frequencies) -> list[Row]:
    return sorted(rows, key=lambda row: (-among.numbers.get(row.id, 0), row.name.lower(), row.id))


def _first_of_each(
    groups: dict[tuple[str, str], list[Row]],
    sizes: dict[tuple[str, str], int],
    *,
    audience: Audience,
    among: Frequencies,
) -> dict[tuple[str, str], list[tuple[Row, Met]]]:
    """All that were met at once; a group of which too few were is gone through by itself."""
    ids = [row.id for rows in groups.values() for row in rows[:FIRST]]
    found = {each.label_id: each for each in met.met(ids, audience=audience, among=among)[0]}
    first = {key: [(row, found[row.id]) for row in rows[:FIRST] if row.id in found] for key, rows in groups.items()}
    for key, size in sizes.items():
        known = len(groups.get(key, ()))
        if known < min(size, FIRST):
            others = {row.id: row for row in _by_frequency(_of_group(*key), among)[known:]}
            more, _ = met.met(list(others)[:MOST], audience=audience, among=among, most=FIRST - known)
            first.setdefault(key, []).extend((others[each.label_id], each) for each in more)
    return first


def _place(key: tuple[str, str]) -> int:
    """Tags and people first, then the categories as they came: by their most frequent label."""
    return [Label.Kind.TAG, Label.Kind.CELEBRITY, Label.Kind.LABEL, *KIND_TITLES].index(Label.Kind(key[0]))


def _group(number: int, key: tuple[str, str], covers: list[Cover], size: int) -> Group:
    kind, category = key
    url = present.with_parameters(reverse("labels"), kind=kind, category=category)
    return Group(str(number), title_of(*key), covers, url if size > len(covers) else "")


def _covers(found: Sequence[tuple[Row, Met]], *, veils: bool) -> dict[int, Cover]:
    """By label id; another picture for each as far as there are others, and one that is not sensitive before one is."""
    sensitive = veil.among_ids({each for _, label in found for each in label.newest})
    chosen: dict[int, int] = {}
    used: set[int] = set()
    for row, label in found:
        chosen[row.id] = min(label.newest, key=lambda each: (each in sensitive, each in used))
        used.add(chosen[row.id])
    images = Image.objects.only("pk", "renditions_id").in_bulk(used)
    veiled = sensitive if veils else frozenset()
    return {
        row.id: _cover(row, label, images.get(chosen[row.id]), is_veiled=chosen[row.id] in veiled)
        for row, label in found
    }


def _cover(row: Row, label: Met, image: Image | None, *, is_veiled: bool) -> Cover:
    kind = "" if row.kind == Label.Kind.LABEL else row.kind
    return Cover(
        name=row.name,
        count=f"{label.count:,}{'+' if label.is_capped else ''}",
        url=present.library_url(Query((Labeled(row.name, kind),))),
        thumb=present.rendition_url(image, "thumb") if image else "",
        is_veiled=is_veiled,
    )
