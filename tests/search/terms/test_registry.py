"""The list of all kinds of terms."""

import inspect
from collections import Counter

import pytest

from analysis.search.syntax.parser import parse
from analysis.search.terms import BY_FIELD, COMPARABLE, SUGGESTIONS, TERMS, And, Not, Or
from analysis.search.terms.base import Term
from analysis.search.terms.numbers import MEASURES
from tests.search.reference_search import EVALUATORS
from tests.search.strategies import SCALES


def kinds(of: type[Term] = Term) -> set[type[Term]]:
    """All classes of terms that can be made."""
    inner = {kind for subclass in of.__subclasses__() for kind in kinds(subclass)}
    return inner if inspect.isabstract(of) else {of, *inner}


def test_every_kind_of_term_is_listed():
    assert kinds() == set(TERMS)


def test_every_kind_of_term_is_compared_with_plain_python():
    """Add a new one also to tests/search/strategies.py and test_against_reference.py."""
    assert set(EVALUATORS) - {And, Not, Or} == set(TERMS)
    assert set(SCALES) == set(MEASURES)


def test_a_field_belongs_to_one_kind_of_term():
    assert [
        field for field, number in Counter(field for term in TERMS for field in term.fields).items() if number > 1
    ] == []


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in SUGGESTIONS for value in SUGGESTIONS[field]])
def test_suggested_values_are_accepted(field, value):
    (part,) = parse(f"{field}:{value}").parts
    assert parse(str(part)).parts == (part,)
    assert type(part) in TERMS


@pytest.mark.parametrize("field", sorted(set(BY_FIELD) - COMPARABLE))
def test_a_label_may_have_the_name_of_a_field(field):
    """Only fields that compare are read as such before a comparison."""
    assert parse(f"{field}>=90").text == f"{field}>=90"
    assert [term.name for term in parse(f"{field}>=90").labels] == [field]


@pytest.mark.parametrize("field", sorted(COMPARABLE))
def test_a_label_with_the_name_of_a_comparable_field_is_quoted(field):
    assert [term.name for term in parse(f'"{field}">=90').labels] == [field]
    assert parse(f'"{field}">=90').text == f'"{field}">=90'
