"""The city of a picture: the nearest one, of large cities also farther ones."""

import pytest

from analysis.library import backfills
from analysis.library.cities import city_names, fill_cities, replace_cities
from analysis.models import Backfill, City, Image
from tests.factories import create_image

pytestmark = pytest.mark.django_db
CITIES = (
    ("Hallstatt, Upper Austria, Austria", 47.562, 13.649, 800),
    ("New York City, New York, United States", 40.71427, -74.00597, 8_804_190),
    ("Seaport, New York, United States", 40.70906, -74.00317, 8_385),
    ("Newark, New Jersey, United States", 40.73566, -74.17237, 281_944),
    ("Paris, Île-de-France, France", 48.85341, 2.3488, 2_138_551),
    ("Montreuil, Île-de-France, France", 48.86415, 2.44322, 111_240),
    ("Waiyevo, Northern, Fiji", -16.79, -179.98, 1_000),
    ("Longyearbyen, Svalbard, Norway", 78.22334, 15.64689, 2_060),
    ("Pole Station, Antarctica", -89.99, 100.0, 50),
)


@pytest.fixture(autouse=True)
def cities() -> None:
    columns = ("names", "latitude", "longitude", "population")
    replace_cities(City(**dict(zip(columns, row, strict=True))) for row in CITIES)


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (47.56, 13.65, "Hallstatt, Upper Austria, Austria"),
        (40.7095, -74.0032, "New York City, New York, United States"),
        (40.735, -74.17, "Newark, New Jersey, United States"),
        (48.8642, 2.4432, "Montreuil, Île-de-France, France"),
        (48.886, 2.343, "Paris, Île-de-France, France"),
        (-16.8, 179.99, "Waiyevo, Northern, Fiji"),
        (78.3, 16.5, "Longyearbyen, Svalbard, Norway"),
        (-90.0, -80.0, "Pole Station, Antarctica"),
        (90.0, 0.0, ""),
        (47.0, 14.6, ""),
        (0.0, -30.0, ""),
        (None, 2.3, ""),
    ],
)
def test_city_is_the_nearest_within_reach(owner, latitude, longitude, expected):
    assert city_names(latitude, longitude) == expected
    image = create_image(owner, latitude=latitude, longitude=longitude, city="of another place")
    fill_cities(0, image.pk)
    image.refresh_from_db()
    assert image.city == (expected if latitude is not None else "of another place")


def test_loading_cities_names_the_places_of_older_pictures(owner):
    images = [create_image(owner, latitude=47.56, longitude=13.65) for _ in range(3)]
    City.objects.all().delete()
    Backfill.objects.all().delete()
    replace_cities([City(names="Obertraun, Austria", latitude=47.556, longitude=13.685, population=700)])
    from_the_first = Backfill.objects.filter(cursor=0)  # ids of other tests come before: thousands of windows of two
    assert from_the_first.update(cursor=images[0].pk - 1) == 1
    windows = 0
    while backfills.fill_window(2) is not None:
        windows += 1
    assert windows == 2
    assert set(Image.objects.values_list("city", flat=True)) == {"Obertraun, Austria"}
    assert len(images) == Image.objects.count()
