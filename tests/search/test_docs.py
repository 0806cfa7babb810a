"""The examples in docs/search.md."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from analysis.search.query import SORTS, leaves
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.syntax.tokens import FIELDS
from analysis.search.terms import TERMS
from analysis.search.terms.base import ChoiceTerm

PAGE = (Path(settings.BASE_DIR) / "docs" / "search.md").read_text()
ROWS = re.findall(r"^\| `(.+?)` \| (.+) \|$", PAGE, re.MULTILINE)
GOOD = [text for text, meaning in ROWS if not meaning.startswith("column ")]
BAD = [(text, meaning) for text, meaning in ROWS if meaning.startswith("column ")]


@pytest.mark.parametrize("text", GOOD)
def test_examples_parse_and_their_canonical_text_parses_back(text):
    query = parse(text)
    assert query.parts or query.sort != "taken" or text == "sort:taken"
    assert parse(query.text) == query


@pytest.mark.parametrize(("text", "error"), BAD)
def test_errors_are_those_on_the_page(text, error):
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    assert f"column {caught.value.column}: {caught.value}" == error


def test_synonymous_examples_are_equal_queries():
    assert parse("beach dog OR cat") == parse("beach (dog OR cat)") != parse("(beach dog) OR cat")
    assert parse("NOT dog") == parse("-dog")
    assert parse("added:last 7 days") == parse("added:last-7-days")
    assert parse("NOT Dog taken:2024-01-01..2024-12-31").text == "-Dog taken:2024"


def test_every_field_choice_and_term_is_documented():
    assert [field for field in FIELDS if not re.search(rf"[`\s-]{field}(:|[<>]=?)", PAGE)] == []
    choices = [word for term in TERMS if issubclass(term, ChoiceTerm) for word in term.choices]
    assert [word for word in (*choices, *SORTS) if word not in PAGE] == []
    documented = {type(leaf) for text in GOOD for part in parse(text).parts for leaf in leaves(part)}
    assert documented == set(TERMS)
