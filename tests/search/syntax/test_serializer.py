"""A query's written form, and its parts in people's words."""

import pytest
from hypothesis import given

from analysis.search.query import leaves
from analysis.search.syntax.parser import parse
from analysis.search.syntax.serializer import describe, serialize
from tests.search.strategies import PATIENT, queries


@PATIENT
@given(queries())
def test_the_text_of_a_query_reads_back_as_the_same_query(query):
    assert parse(query.text) == query


@PATIENT
@given(queries(max_leaves=4))
def test_every_part_can_be_written_alone_and_said(query):
    for part in query.parts:
        assert [parse(serialize(leaf)).parts for leaf in leaves(part)] == [(leaf,) for leaf in leaves(part)]
        assert describe(part)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("dog sort:newest", "dog"),
        ("sort:name dog", "dog sort:name"),
        ("NOT dog", "-dog"),
        ("beach dog OR cat", "beach (dog OR cat)"),
        ("(dog OR cat)", "dog OR cat"),
        ("((dog cat) OR -bird)", "(dog cat) OR -bird"),
        ("(dog (cat OR bird)) OR fish", "(dog (cat OR bird)) OR fish"),
        ('"dog"', "dog"),
        ('"OR" "or"', '"OR" or'),
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
def test_one_written_form(text, written):
    assert parse(text).text == written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dog", "dog"),
        ("dog>=90", "dog ≥ 90 %"),
        ("do*", "do…"),
        ("tag:summer", "tag: summer"),
        ("-dog", "not dog"),
        ("dog OR cat", "dog or cat"),
        ("-(dog OR (cat bird))", "not (dog or (cat and bird))"),
        ('category:"Animals and Pets"', "category: Animals and Pets"),
        ("count(person)>=3", "at least 3 × person"),
        ("count(person)=2..4", "2–4 × person"),
        ("count(person)=2", "2 × person"),
        ("count(person)<3", "at most 2 × person"),
        ("count(person)<1", "no person"),
        ("face(smile age:20..30)", "a face: smile, 20–30 years"),
        ("age>=20", "a face: 20 years or older"),
        ("age<=30", "a face: up to 30 years"),
        ("age:25", "a face: 25 years"),
        ('text:"no entry"', "says “no entry”"),
        ("name:beach", "name contains beach"),
        ("owner:anna", "owner: anna"),
        ("size>5MB", "size ≥ 5 MB"),
        ("size<=1500", "size ≤ 1.5 kB"),
        ("size<=1234567", "size ≤ 1.2 MB"),
        ("size<500", "size ≤ 499 bytes"),
        ("width>=4000", "width ≥ 4,000 px"),
        ("height:10..20", "height 10–20 px"),
        ("rating:3..5", "rating 3–5"),
        ("rating:4", "rating 4"),
        ("quality<=70.5", "quality ≤ 70.5"),
        ("taken:2024", "taken in 2024"),
        ("taken:2024-05", "taken in May 2024"),
        ("taken:2024-05-03", "taken on 3 May 2024"),
        ("taken:2024..2025-03", "taken 2024 to March 2025"),
        ("taken>=2024-05-03", "taken since 3 May 2024"),
        ("added<=2024", "added until 2024"),
        ("added<=2024-05-03", "added until 3 May 2024"),
        ("added:last 7 days", "added in the last 7 days"),
        ("added:last 1 week", "added in the last week"),
        ("orientation:portrait", "portrait"),
        ("is:trashed", "in the trash"),
        ("is:shared", "shared"),
        ("has:faces", "has faces"),
        ("by:person", "by a person"),
        ("by:rekognition", "by Rekognition"),
        ("model:3.0", "model 3.0"),
        ("like:12", "like picture 12"),
    ],
)
def test_words(text, words):
    (part,) = parse(text).parts
    assert describe(part) == words
