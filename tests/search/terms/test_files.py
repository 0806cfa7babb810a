"""Searches by name and by camera."""

import unicodedata

import pytest

from analysis.permissions import viewer_of
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
