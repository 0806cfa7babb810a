"""Searches by name and by camera."""

import unicodedata

import pytest
from django.db import connection

from analysis.permissions import viewer_of
from analysis.search.folding import fold_name
from analysis.search.resolve import resolve
from analysis.search.results import image_ids, page
from analysis.search.syntax.parser import parse
from analysis.search.terms import files
from tests.factories import START, create_image

pytestmark = pytest.mark.django_db


@pytest.fixture
def cameras(owner):
    return [create_image(owner, camera_make="Canon", lens=f"{length} mm") for length in (24, 35, 50)]


@pytest.mark.parametrize("limit", ["", "MAX_CAMERAS", "MAX_CAMERAS_READ"])
@pytest.mark.parametrize(
    ("text", "lengths"),
    [("camera:canon", "50 35 24"), ('camera:"35 mm"', "35"), ("camera:leica", ""), ("camera:35 OR camera:50", "50 35")],
)
def test_cameras_are_found_however_many_there_are(cameras, monkeypatch, limit, text, lengths):
    if limit:
        monkeypatch.setattr(files, limit, 2)
    images = page(parse(text), viewer=viewer_of(cameras[0].owner), budget=1).images
    assert [image.lens.removesuffix(" mm") for image in images] == lengths.split()


def test_too_many_cameras_are_not_looked_up(owner, cameras, monkeypatch):
    monkeypatch.setattr(files, "MAX_CAMERAS_READ", 2)
    [part] = parse("camera:canon").parts
    assert part.image_filter(resolve(parse("camera:canon"), viewer=viewer_of(owner), moment=START)) is None


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_match_composed_and_decomposed_accents(form, owner):
    image = create_image(owner, filename="caf\u00e9.jpg", camera_make="Caf\u00e9")
    for field in ("name", "camera"):
        query = parse(unicodedata.normalize(form, f"{field}:caf\u00e9"))
        assert image_ids(query, viewer=viewer_of(owner), limit=9) == [image.pk]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Café.jpg", "cafe"),
        ("cafe.jpg", "CAFÉ"),
        ("Göteborg.jpg", "goteborg"),
        ("Smørrebrød.jpg", "smorrebrod"),
        ("İstanbul.jpg", "istanbul"),
        ("Straße.jpg", "STRASSE"),
        ("Ærø.jpg", "aero"),
        ("Ёлка.jpg", "елка"),
        ("Οδός.jpg", "οδοσ"),
        ("Anna\u2019s \u2013 1.jpg", "anna's - 1"),
        ("서울.jpg", "서울"),
        ("ガラス.jpg", "ガラ"),
        ("100%_é.jpg", "%_e"),
    ],
)
def test_names_are_found_without_accents(owner, name, text):
    image = create_image(owner, filename=name)
    create_image(owner, filename="other.jpg")
    for query in (f'name:"{text}"', f'name:"{text}" OR name:nothing', f'key:"{text}"'):
        assert image_ids(parse(query), viewer=viewer_of(owner), limit=9) == [image.pk]
    with connection.cursor() as cursor:
        cursor.execute("SELECT analysis_folded(%s), analysis_folded(%s)", [name, text])
        assert cursor.fetchone() == (fold_name(name), fold_name(text))


def test_accents_alone_are_in_every_name(owner):
    image = create_image(owner, filename="a.jpg", city="Paris")
    for query in ("name:\u0301", "place:\u0301", "key:\u0301", "name:\u0301 OR name:nothing"):
        assert image_ids(parse(query), viewer=viewer_of(owner), limit=9) == [image.pk]


def test_indexes_of_names_are_made_anew_outside_the_search_path(owner):
    """As in a restored backup, and by VACUUM."""
    create_image(owner, filename="Café.jpg", place="Île", city="Xàtiva")
    with connection.cursor() as cursor:
        for index in ("image_names", "image_places", "image_cities", "folder_paths"):
            cursor.execute(f"REINDEX INDEX {index}")
