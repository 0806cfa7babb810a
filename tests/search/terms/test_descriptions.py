"""Terms of a search in words."""

import pytest
from hypothesis import given

from analysis.search.query import leaves
from analysis.search.syntax.parser import parse
from tests.search.strategies import PATIENT, queries


@PATIENT
@given(queries(max_leaves=4))
def test_every_part_has_a_description(query):
    for part in query.parts:
        assert part.describe()
        assert all(leaf.describe() for leaf in leaves(part))


@pytest.mark.parametrize(
    ("text", "description"),
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
        ("face(smile age:20..30)", "face: smile, age 20–30"),
        ("age>=20", "face: age 20 or older"),
        ("age<=30", "face: age 30 or younger"),
        ("age:25", "face: age 25"),
        ('text:"no entry"', "text “no entry”"),
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
        ("taken:2024..2025-03", "taken from 2024 to March 2025"),
        ("taken>=2024-05-03", "taken since 3 May 2024"),
        ("added<=2024", "added until 2024"),
        ("added<=2024-05-03", "added until 3 May 2024"),
        ("added:last 7 days", "added in the last 7 days"),
        ("added:last 1 week", "added in the last week"),
        ("added:today", "added today"),
        ("taken:last 2 years", "taken in the last 2 years"),
        ("orientation:portrait", "portrait"),
        ("is:trashed", "in the trash"),
        ("is:shared", "shared"),
        ("has:faces", "has faces"),
        ("by:person", "confirmed by a person"),
        ("by:file", "with keywords in its file"),
        ("by:rekognition", "analyzed by Rekognition"),
        ("model:3.0", "model 3.0"),
        ("like:12", "near-duplicate of picture 12"),
        ("similar:12", "similar to picture 12"),
    ],
)
def test_describe(text, description):
    (part,) = parse(text).parts
    assert part.describe() == description
