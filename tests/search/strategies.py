"""Hypothesis strategies for queries in normal form, as `parse` returns them."""

from __future__ import annotations

from datetime import date

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from analysis.search.query import SORTS, Query
from analysis.search.terms import (
    And,
    BoxTerm,
    BucketTerm,
    CameraTerm,
    CategoryTerm,
    CollectionTerm,
    CountTerm,
    DateTerm,
    DayTerm,
    FaceTerm,
    FolderTerm,
    FormatTerm,
    HasTerm,
    IdTerm,
    KeyTerm,
    LabelTerm,
    LensTerm,
    ModelTerm,
    NameTerm,
    NearDuplicateTerm,
    NearTerm,
    OrientationTerm,
    OwnerTerm,
    PlaceTerm,
    RangeTerm,
    RelativeDateTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
    all_of,
    any_of,
    negation,
)
from analysis.search.terms.ids import joined

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Without a deadline, since the time of one example depends on the machine."""

WORDS = ("dog", "Cat", "black and white", "OR", "NOT", "AND", "size", "face", "sort:name", "-", "*", '5" screen', "..")
UNUSUAL = st.text(min_size=1, max_size=12).map(lambda text: " ".join(text.replace("\0", "").split())).filter(bool)


TEXT_TERMS = (CollectionTerm, PlaceTerm, NameTerm, OwnerTerm, BucketTerm, FormatTerm, CameraTerm, LensTerm)


def names():
    return st.one_of(st.sampled_from(WORDS), UNUSUAL)


def percents():
    return st.integers(0, 10_000).map(lambda hundredths: hundredths / 100)


def ranges(values):
    """Pairs with both ends or one of them."""
    ordered = st.tuples(values, values).map(sorted).map(tuple)
    return st.one_of(ordered, st.tuples(values, st.none()), st.tuples(st.none(), values))


def days():
    """Any days, and often the first or last of a month or year."""
    months = st.tuples(st.integers(1990, 2030), st.integers(1, 12))
    firsts = months.map(lambda month: date(*month, 1))
    lasts = firsts.map(lambda day: date.fromordinal(day.toordinal() - 1))
    return st.one_of(st.dates(), firsts, lasts)


SCALES = {
    "size": st.integers(0, 10**15),
    **dict.fromkeys(("width", "height"), st.integers(0, 1_000_000)),
    "iso": st.integers(1, 10_000_000),
    "exposure": st.floats(1e-9, 1e9) | st.integers(1, 8000).map(lambda part: 1 / part),
    **dict.fromkeys(("aperture", "focal"), st.floats(1e-9, 1e9)),
    "rating": st.integers(1, 5),
    **dict.fromkeys(("quality", "brightness", "sharpness", "contrast"), percents()),
}
"""Values by field of RangeTerm."""


def measures():
    return st.sampled_from(sorted(SCALES)).flatmap(
        lambda field: ranges(SCALES[field]).map(lambda bounds: RangeTerm(field, *bounds))
    )


def faces():
    traits = st.lists(names(), max_size=3, unique=True).map(tuple)
    ages = st.one_of(st.just((None, None)), ranges(st.integers(0, 150)))
    contents = st.tuples(traits, ages).filter(lambda face: face[0] or face[1] != (None, None))
    return contents.map(lambda face: FaceTerm(face[0], *face[1]))


def counts():
    numbers = st.integers(0, 20)
    bounds = st.one_of(st.tuples(numbers, st.none()), st.tuples(numbers, numbers).map(sorted))
    return st.builds(lambda name, bounds: CountTerm(name, *bounds), names(), bounds)


def id_ranges():
    numbers = st.integers(0, 10**18 - 1)
    return numbers.map(lambda number: (number, number)) | st.tuples(numbers, numbers).map(sorted).map(tuple)


def degrees(limit: int):
    """Coordinates to the millimeter."""
    return st.integers(-limit * 10**8, limit * 10**8).map(lambda number: number / 10**8)


def leaves():
    dates = st.sampled_from(["taken", "added"])
    return st.one_of(
        st.builds(
            LabelTerm, names(), st.sampled_from(["", "", *LabelTerm.KINDS]), percents() | st.just(0.0), st.booleans()
        ),
        st.builds(CategoryTerm, names()),
        counts(),
        faces(),
        st.builds(TextTerm, names()),
        *(st.builds(kind, names(), st.booleans()) for kind in (FolderTerm, KeyTerm)),
        st.dates().map(lambda day: DayTerm(day.month, day.day)) | st.just(DayTerm()),
        st.builds(NearTerm, degrees(90), degrees(180), st.integers(1, 20_100 * 10**6).map(lambda mm: mm / 10**6)),
        st.builds(
            lambda latitudes, west, east: BoxTerm(min(latitudes), west, max(latitudes), east),
            *(st.tuples(degrees(90), degrees(90)), degrees(180), degrees(180)),
        ),
        *(st.builds(kind, names()) for kind in TEXT_TERMS),
        measures(),
        st.builds(lambda field, bounds: DateTerm(field, *bounds), dates, ranges(days())),
        st.builds(RelativeDateTerm, dates, st.integers(1, 100), st.sampled_from(["day", "week", "month", "year"])),
        st.builds(RelativeDateTerm, dates, st.just(1), st.sampled_from(RelativeDateTerm.NAMED_DAYS)),
        st.builds(OrientationTerm, st.sampled_from(OrientationTerm.SHAPES)),
        st.builds(StateTerm, st.sampled_from(StateTerm.STATES)),
        st.builds(HasTerm, st.sampled_from(HasTerm.FEATURES)),
        st.builds(SourceTerm, st.sampled_from(SourceTerm.SOURCES)),
        st.builds(ModelTerm, names()),
        st.lists(id_ranges(), min_size=1, max_size=4).map(lambda ranges: IdTerm(joined(ranges))),
        st.builds(NearDuplicateTerm, st.integers(0, 10**18 - 1)),
        st.builds(SimilarTerm, (st.integers(0, 10**18 - 1) | st.uuids()).map(str)),
    )


def parts(of=None, *, max_leaves: int = 12):
    """Nodes built from the leaves `of`."""

    def extend(inner):
        children = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(inner.map(negation), children.map(all_of), children.map(any_of))

    return st.recursive(leaves() if of is None else of, extend, max_leaves=max_leaves)


def queries(of=None, *, max_leaves: int = 12):
    return st.builds(query_of, st.lists(parts(of, max_leaves=max_leaves), max_size=4), st.sampled_from(SORTS))


def query_of(nodes, sort="taken") -> Query:
    """The conjunction of the nodes in normal form."""
    root = all_of(nodes)
    return Query(root.parts if isinstance(root, And) else (root,), sort)
