"""Camera settings: their syntax, words and results."""

import pytest

from analysis.library import backfills
from analysis.library.camera_backfill import camera_fields
from analysis.models import Backfill, Image, Viewer
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse
from tests.factories import create_image

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "canonical", "words"),
    [
        ("iso:100..400", "iso:100..400", "ISO 100–400"),
        ("iso>1600", "iso>=1601", "ISO ≥ 1601"),
        ("aperture:f/2.8", "aperture:2.8", "aperture f/2.8"),
        ("aperture<=f2.8", "aperture<=2.8", "aperture ≤ f/2.8"),
        ("exposure:1/250", "exposure:1/250", "exposure 1/250 s"),
        ("exposure:0.004", "exposure:1/250", "exposure 1/250 s"),
        ("exposure:1/500..1/60", "exposure:1/500..1/60", "exposure 1/500–1/60 s"),
        ('exposure>="2.5 s"', "exposure>=2.5", "exposure ≥ 2.5 s"),
        ("focal:24mm..70mm", "focal:24..70", "focal length 24–70 mm"),
        ('lens:"35 mm"', 'lens:"35 mm"', "lens contains 35 mm"),
    ],
)
def test_canonical_text_and_words(text, canonical, words):
    query = parse(text)
    assert (query.text, query.parts[0].describe()) == (canonical, words)


@pytest.mark.parametrize(
    "text", ["iso:0", "iso:fast", "aperture:0", "aperture:f/", "exposure:1/0", "exposure>1/60", "focal:-5", "focal:1e9"]
)
def test_invalid_values_are_refused(text):
    with pytest.raises(InvalidQuery):
        parse(text)


def search(owner, text: str) -> list[int]:
    return results.image_ids(parse(text), viewer=Viewer(owner.pk), limit=10)


def test_settings_of_older_pictures_are_found_after_the_backfill(owner):
    create_image(owner)
    image = create_image(owner, exposure="1/250 s", aperture="f/2.8", focal_length="35 mm", iso=400, lens="35 mm F2")
    assert search(owner, "exposure:1/250") == []
    Backfill.objects.update_or_create(name="camera values", defaults={"cursor": image.pk - 1})
    assert not backfills.run_backfills()
    for text in ("exposure:1/250", "exposure<=1/60", "aperture:2.8", "focal:24..70", "iso>=400", "lens:f2"):
        assert search(owner, text) == [image.pk]
        assert search(owner, f"-{text}") != search(owner, text)
    assert search(owner, "-iso>=400") == [Image.objects.exclude(pk=image.pk).get().pk]


def test_new_pictures_have_the_numbers():
    assert camera_fields(exposure="1/60 s", aperture="", focal_length="50 mm") == {
        "exposure_seconds": 1 / 60,
        "f_number": None,
        "focal_millimeters": 50.0,
    }
