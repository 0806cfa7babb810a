"""Searches by coordinates, also at the poles and across the date line."""

import pytest

from analysis.models import Viewer
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse
from tests.factories import create_image

pytestmark = pytest.mark.django_db
PLACES = {
    "louvre": (48.8606, 2.3376),
    "versailles": (48.8049, 2.1204),
    "sydney": (-33.8568, 151.2153),
    "taveuni-west": (-16.8, 179.95),
    "taveuni-east": (-16.8, -179.95),
    "north-pole": (90.0, 0.0),
    "near-pole": (89.99, -120.0),
    "south-pole": (-90.0, 77.0),
}


@pytest.fixture
def places(owner) -> dict[int, str]:
    create_image(owner)  # without a place
    return {
        create_image(owner, latitude=latitude, longitude=longitude).pk: name
        for name, (latitude, longitude) in PLACES.items()
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("near:48.85,2.35,5km", ["louvre"]),
        ("near:48.85,2.35,20km", ["louvre", "versailles"]),
        ("near:48.8606,2.3376,100m", ["louvre"]),
        ("near:48.8606,2.3376", ["louvre"]),
        ("near:-33.86,151.21,2km", ["sydney"]),
        ("near:-16.8,180,10km", ["taveuni-west", "taveuni-east"]),
        ("near:-16.8,-180,10km", ["taveuni-west", "taveuni-east"]),
        ("near:-16.8,-179.95,2km", ["taveuni-east"]),
        ("near:90,180,5km", ["north-pole", "near-pole"]),
        ("near:89.99,60,3km", ["north-pole", "near-pole"]),
        ("near:-90,0,1km", ["south-pole"]),
        ("near:0,0,20100km", list(PLACES)),
        ("box:48,2,49,3", ["louvre", "versailles"]),
        ("box:-20,179,-10,-179", ["taveuni-west", "taveuni-east"]),
        ("box:-20,-180,-10,-179", ["taveuni-east"]),
        ("box:89,-180,90,180", ["north-pole", "near-pole"]),
        ("-near:0,0,20100km", []),
        ("-box:-90,-180,48.82,180 has:location", ["louvre", "north-pole", "near-pole"]),
    ],
)
def test_pictures_are_found_by_coordinates(owner, places, text, expected):
    matches = results.image_ids(parse(f"{text} has:location"), viewer=Viewer(owner.pk), limit=20)
    assert sorted(places[pk] for pk in matches) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "canonical", "words"),
    [
        ("near:48.85,2.35,5km", "near:48.85,2.35,5km", "within 5 km of 48.85, 2.35"),
        ("near: -33.9,151.2,500m", "near:-33.9,151.2,0.5km", "within 0.5 km of -33.9, 151.2"),
        ('near:"48.85, 2.35, 5 km"', "near:48.85,2.35,5km", "within 5 km of 48.85, 2.35"),
        ('near:"48.85 2.35"', "near:48.85,2.35,1km", "within 1 km of 48.85, 2.35"),
        ('near:"48.8584\u00b0, 2.2945\u00b0"', "near:48.8584,2.2945,1km", "within 1 km of 48.8584, 2.2945"),
        ("near:\u221233.9,+151.2,500M", "near:-33.9,151.2,0.5km", "within 0.5 km of -33.9, 151.2"),
        ("near:48.85,2.35,5mi", "near:48.85,2.35,8.04672km", "within 8.04672 km of 48.85, 2.35"),
        ('box:"48.8 2.2; 48.9 2.5"', "box:48.8,2.2,48.9,2.5", "from 48.8, 2.2 to 48.9, 2.5"),
        ("-near:-1,-2", "-near:-1,-2,1km", "not within 1 km of -1, -2"),
        ("box:-20,170,-10,-170", "box:-20,170,-10,-170", "from -20, 170 to -10, -170"),
    ],
)
def test_canonical_text_and_words(text, canonical, words):
    query = parse(text)
    assert (query.text, query.parts[0].describe()) == (canonical, words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("near:paris", "Expected a latitude, a longitude and a distance, for example near:48.85,2.35,5km."),
        ("near:north,0", "Expected a latitude, a longitude and a distance, for example near:48.85,2.35,5km."),
        ("near:48.85, 2.35", "Write coordinates without spaces or in quotes, for example near:48.85,2.35,5km."),
        ("near:48.85 2.35", "Write coordinates without spaces or in quotes, for example near:48.85,2.35,5km."),
        ("near:48.85,2.35, 5km", "Write coordinates without spaces or in quotes, for example near:48.85,2.35,5km."),
        (
            "box:48.8, 2.2, 48.9, 2.5",
            "Write coordinates without spaces or in quotes, for example box:48.8,2.2,48.9,2.5.",
        ),
        ("near:91,0", "Latitudes are from -90 to 90 and longitudes from -180 to 180 degrees, not 91."),
        ("near:0,181", "Latitudes are from -90 to 90 and longitudes from -180 to 180 degrees, not 181."),
        ("near:0,0,0km", "Expected a distance above 0 and up to 20,100 km, for example near:48.85,2.35,5km."),
        ("near:0,0,30000km", "Expected a distance above 0 and up to 20,100 km, for example near:48.85,2.35,5km."),
        ("box:1,2,3", "Expected south, west, north and east in degrees, for example box:48.8,2.2,48.9,2.5."),
        ("box:49,2,48,3", "The southern latitude comes first; write box:south,west,north,east."),
    ],
)
def test_errors_say_what_is_expected(text, message):
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    assert str(caught.value) == message


def test_place_names_of_the_file_are_found(owner):
    image = create_image(owner, place="Old pier, Hallstatt, Austria")
    create_image(owner)
    for text in ("place:hallstatt", 'place:"old pier"', "place:ol", "place:a -place:x"):
        assert results.image_ids(parse(text), viewer=Viewer(owner.pk), limit=20) == [image.pk]
