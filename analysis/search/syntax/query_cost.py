"""A limit to the cost of a search, by kind of term."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.utils.translation import gettext as _

from analysis import formatting
from analysis.search.nodes import (
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
from analysis.search.syntax.errors import InvalidQuery

MAX_COST = 400
"""100 texts or 50 names; the maximum of 200 labels is half of it."""


def check_cost(leaves: Iterable[Leaf]) -> None:
    """Raises InvalidQuery if all terms together cost too much."""
    costs: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for leaf in leaves:
        cost, example = cost_of(leaf)
        costs[example] += cost
        numbers[example] += 1
    if costs.total() <= MAX_COST:
        return
    # The most expensive kind is the one to reduce.
    example = costs.most_common(1)[0][0]
    message = _("This search would take too long: it has %(number)s terms such as %(example)s. Use fewer of them.")
    raise InvalidQuery(message % {"number": formatting.count(numbers[example]), "example": example}, column=1)


def cost_of(leaf: Leaf) -> tuple[int, str]:
    """A term's share of MAX_COST, and an example of its kind."""
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
