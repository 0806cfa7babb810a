"""The query language as a table of strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.search.query import BadQuery, HasLabel, Query, parse


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("   ", ()),
        ("dog", (HasLabel("dog"),)),
        ("dog  cat", (HasLabel("dog"), HasLabel("cat"))),
        ("dog dog", (HasLabel("dog"),)),
        ('"black and white"', (HasLabel("black and white"),)),
        ('"black   and white"', (HasLabel("black and white"),)),
        ("-dog", (HasLabel("dog", is_excluded=True),)),
        ('-"black and white"', (HasLabel("black and white", is_excluded=True),)),
        ("dog>=90", (HasLabel("dog", 90),)),
        ("dog >= 90.5", (HasLabel("dog", 90.5),)),
        ("-dog>=90 cat", (HasLabel("dog", 90, is_excluded=True), HasLabel("cat"))),
        ("t-shirt", (HasLabel("t-shirt"),)),
        ("Straße", (HasLabel("Straße"),)),
        ("<", None),
        ("c++", (HasLabel("c++"),)),
        ("90", (HasLabel("90"),)),
    ],
)
def test_parse(text, terms):
    if terms is None:
        with pytest.raises(BadQuery):
            parse(text)
    else:
        assert parse(text) == Query(terms)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ('dog "black and', 5, "Nothing closes this quote."),
        ('"', 1, "Nothing closes this quote."),
        ('dog ""', 5, "There is nothing between these quotes."),
        ("dog>=", 6, "A percentage belongs after >=, as in dog>=90."),
        ("dog>=many", 6, "A percentage belongs after >=, as in dog>=90."),
        ("dog>=101", 6, "Confidence is a percentage, from 0 to 100, not 101."),
        ("dog>90", 4, "Confidence is asked for with >= after a label, as in dog>=90."),
        ("dog -", 6, "A label belongs after the minus, as in -dog."),
        ("--dog", 2, "A label belongs after the minus, as in -dog."),
        (
            "(dog",
            1,
            "Parentheses are not understood here; quote the label if they are part of its name.",
        ),
    ],
)
def test_a_bad_query_says_what_and_where(text, column, message):
    with pytest.raises(BadQuery) as caught:
        parse(text)
    assert (caught.value.column, str(caught.value)) == (column, message)


def test_length_and_number_of_terms_are_bounded():
    with pytest.raises(BadQuery, match="4,000 characters long; this one has 4,001"):
        parse("a" * 4_001)
    with pytest.raises(BadQuery, match="can have 200 terms; this one has 201"):
        parse(" ".join(f"w{number}" for number in range(201)))


names = st.text(min_size=1, max_size=30).map(lambda text: " ".join(text.replace('"', "").replace("\0", "").split()))
terms = st.builds(
    HasLabel, names.filter(bool), st.integers(0, 1000).map(lambda tenths: tenths / 10), is_excluded=st.booleans()
)


@given(st.lists(terms, max_size=8).map(lambda several: Query(tuple(dict.fromkeys(several)))))
def test_the_text_of_a_query_reads_back_as_the_same_query(query):
    assert parse(query.text) == query


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_a_bad_query(text):
    try:
        query = parse(text)
    except BadQuery as error:
        query, place = None, error.column
    if query is None:
        assert 1 <= place <= len(text) + 1
    else:
        assert parse(query.text) == query


def test_with_and_without_a_term():
    query = parse("dog -cat")
    assert query.with_term(HasLabel("Dog", 90)).text == "-cat Dog>=90"
    assert query.without(HasLabel("cat", is_excluded=True)).text == "dog"
