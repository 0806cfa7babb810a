"""Limits the cost of a search, by kind of term."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.utils.translation import gettext as _

from analysis import formatting
from analysis.search.errors import InvalidQuery
from analysis.search.terms import Term

MAX_COST = 400
"""Corresponds to 100 texts or 50 names; the maximum of 200 labels is half of it."""


def check_cost(terms: Iterable[Term]) -> None:
    """Raises InvalidQuery if all terms together cost too much."""
    costs: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for term in terms:
        cost, example = term.cost
        costs[example] += cost
        numbers[example] += 1
    if costs.total() <= MAX_COST:
        return
    # The most expensive kind is the one to reduce.
    example = costs.most_common(1)[0][0]
    message = _("This search would take too long: it has %(number)s terms such as %(example)s. Use fewer of them.")
    raise InvalidQuery(message % {"number": formatting.count(numbers[example]), "example": example}, column=1)
