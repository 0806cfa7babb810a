"""A bound on what the terms of a search cost together, by kind of term: a label is found by an index, a text is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.utils.translation import gettext as _

from analysis.search.query import (
    CategoryTerm,
    FaceTerm,
    FieldTerm,
    LabelTerm,
    Leaf,
    ModelTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
)
from analysis.search.syntax.ranges import InvalidQuery

MOST_COST = 400
"""As much as 100 texts or 50 names; 200 labels, the most terms there can be, are half of it."""


def check_costs(leaves: Iterable[Leaf]) -> None:
    """Raises BadQuery where the terms cost more together than a search may; names the kind that costs most."""
    costs: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for leaf in leaves:
        cost, example = cost_of(leaf)
        costs[example] += cost
        numbers[example] += 1
    if costs.total() <= MOST_COST:
        return
    example = costs.most_common(1)[0][0]
    sentence = _("This search would take too long: it has %(number)s terms such as %(example)s. Use fewer of them.")
    raise InvalidQuery(sentence % {"number": numbers[example], "example": example}, column=1)


def cost_of(leaf: Leaf) -> tuple[int, str]:
    """A term's share of MOST_COST, and what such terms are called."""
    match leaf:
        case LabelTerm(is_prefix=True):
            return 8, "dog*"
        case StateTerm("duplicate"):
            return 40, "is:duplicate"
        case FieldTerm(field) if field not in {"owner", "format"}:
            return 8, f"{field}:"
    return _COSTS.get(type(leaf), (2, "width: or taken:"))


_COSTS: dict[type, tuple[int, str]] = {
    LabelTerm: (1, "dog"),
    CategoryTerm: (4, "category:"),
    SimilarTerm: (8, "like:"),
    TextTerm: (4, "text:"),
    FaceTerm: (4, "face(…)"),
    StateTerm: (4, "is:"),
    SourceTerm: (4, "by:"),
    ModelTerm: (4, "model:"),
}
