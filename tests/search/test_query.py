"""The canonical text of a query."""

import pytest
from hypothesis import given

from analysis.search.query import leaves
from analysis.search.syntax.parser import parse
from tests.search.strategies import PATIENT, queries


@PATIENT
@given(queries())
def test_parsing_the_text_of_a_query_returns_the_same_query(query):
    assert parse(query.text) == query


@PATIENT
@given(queries(max_leaves=4))
def test_parsing_the_text_of_a_leaf_returns_the_same_leaf(query):
    for part in query.parts:
        assert [parse(str(leaf)).parts for leaf in leaves(part)] == [(leaf,) for leaf in leaves(part)]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("dog sort:taken", "dog"),
        ("dog sort:newest", "dog sort:newest"),
        ("sort:name dog", "dog sort:name"),
        ("NOT dog", "-dog"),
        ("beach dog OR cat", "beach (dog OR cat)"),
        ("(dog OR cat)", "dog OR cat"),
        ("((dog cat) OR -bird)", "(dog cat) OR -bird"),
        ("(dog (cat OR bird)) OR fish", "(dog (cat OR bird)) OR fish"),
        ('"dog"', '"dog"'),
        ("\u201cdog\u201d", '"dog"'),
        ('"OR" "or" or', '"OR" "or" or'),
        ("dog>=90.50%", "dog>=90.5"),
        ('"width">=90 tag:width>=90', '"width">=90 tag:width>=90'),
        ("count(dog)>2 count(dog)<3 count(dog):2..4", "count(dog)>=3 count(dog)<=2 count(dog)=2..4"),
        ("face(age:20..)", "age>=20"),
        ("face(age:20 smile)", "face(smile age:20)"),
        ("size>5000000 size<1MiB size=1500000", "size>5MB size<1MiB size:1.5MB"),
        ("width:>4000", "width>=4001"),
        ("taken:2024-01-01..2024-12-31", "taken:2024"),
        ("taken:2024-02-01..2024-02-29 taken:2024-02..2024-05-03", "taken:2024-02 taken:2024-02..2024-05-03"),
        ("taken:0999-01-01..", "taken>=0999"),
        ('added:"last 1 days" added:last 2 week', "added:last-1-day added:last-2-weeks"),
        ('IS:"Favorite"', "is:favorite"),
    ],
)
def test_equal_queries_have_one_canonical_text(text, canonical):
    assert parse(text).text == canonical
