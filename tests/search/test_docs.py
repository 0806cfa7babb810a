"""docs/search.md holds: every example in its tables is read as the page says."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from analysis.search.query import Leaf, leaves
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.syntax.terms import CHOICES, FIELDS

PAGE = (Path(settings.BASE_DIR) / "docs" / "search.md").read_text()
ROWS = re.findall(r"^\| `(.+?)` \| (.+) \|$", PAGE, re.MULTILINE)
GOOD = [text for text, means in ROWS if not means.startswith("column ")]
BAD = [(text, means) for text, means in ROWS if means.startswith("column ")]


@pytest.mark.parametrize("text", GOOD)
def test_an_example_reads_and_its_written_form_reads_back(text):
    query = parse(text)
    assert query.parts or query.sort != "newest" or text == "sort:newest"
    assert parse(query.text) == query


@pytest.mark.parametrize(("text", "answer"), BAD)
def test_a_complaint_is_the_one_the_page_shows(text, answer):
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    assert f"column {caught.value.column}: {caught.value}" == answer


def test_examples_that_mean_the_same_do():
    assert parse("beach dog OR cat") == parse("beach (dog OR cat)") != parse("(beach dog) OR cat")
    assert parse("NOT dog") == parse("-dog")
    assert parse("added:last 7 days") == parse("added:last-7-days")
    assert parse("NOT Dog taken:2024-01-01..2024-12-31").text == "-Dog taken:2024"


def test_the_page_leaves_nothing_out():
    """Every field, every fixed value and every kind of part has an example or is named."""
    assert [field for field in FIELDS if not re.search(rf"[`\s-]{field}(:|[<>]=?)", PAGE)] == []
    assert [(field, word) for field, words in CHOICES.items() for word in words if word not in PAGE] == []
    shown = {type(leaf) for text in GOOD for part in parse(text).parts for leaf in leaves(part)}
    assert shown == set(Leaf.__args__)
