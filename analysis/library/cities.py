"""The city that a picture was taken in or near, by its coordinates."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from analysis.models import Backfill, City
from analysis.models.expressions import distance_sql

BACKFILL = "cities"
MAX_KILOMETERS = 50
"""Pictures farther from all cities have none, for example on the open sea."""
DEGREES = 0.45
"""Degrees of latitude, a little more than MAX_KILOMETERS."""
MIN_COSINE = DEGREES / 180
"""Near the poles, cities of all longitudes are compared."""
# Distances are measured from the edge of a city, since most pictures of New York would be nearer to the center of
# Seaport. Its radius in kilometers grows with the root of its population: 9 for New York, 5 for Paris, 1 for a town of
# 100,000.
_DISTANCE = distance_sql("city.latitude", "city.longitude")
_NEAREST = f"""
    SELECT near.names FROM (
        SELECT city.names, city.population, {_DISTANCE.format("point.latitude", "point.longitude")} AS kilometers
        FROM analysis_city city
        WHERE city.latitude BETWEEN point.latitude - {DEGREES} AND point.latitude + {DEGREES}
            AND 180 - abs(abs(city.longitude - point.longitude) - 180)
                <= {DEGREES} / greatest(cosd(abs(point.latitude) + {DEGREES}), {MIN_COSINE})) near
    WHERE near.kilometers <= {MAX_KILOMETERS}
    ORDER BY near.kilometers - sqrt(near.population / 1000.0) / 10, near.names LIMIT 1
"""


def city_names(latitude: float | None, longitude: float | None) -> str:
    """City, region and country; empty without coordinates, or far from all cities."""
    if latitude is None or longitude is None:
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT ({_NEAREST}) FROM (SELECT %s::float AS latitude, %s::float AS longitude) point",
            [latitude, longitude],
        )
        [names] = cursor.fetchone()
    return names or ""


def fill_cities(after: int, last: int) -> None:
    """Backfill the cities of images with ids from `after` (exclusive) to `last`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE analysis_image image SET city = coalesce(found.names, '')
                FROM (SELECT point.id, ({_NEAREST}) AS names FROM analysis_image point
                      WHERE point.id > %s AND point.id <= %s
                          AND point.latitude IS NOT NULL AND point.longitude IS NOT NULL) found
                WHERE image.id = found.id AND image.city <> coalesce(found.names, '')""",
            [after, last],
        )


def replace_cities(cities: Iterable[City]) -> int:
    """Replace the table of cities; returns the number of new ones.

    The cities of pictures are looked up again in the background.
    """
    with transaction.atomic():
        City.objects.all().delete()
        number = len(City.objects.bulk_create(cities, batch_size=5_000))
        Backfill.objects.update_or_create(name=BACKFILL, defaults={"cursor": 0})
    return number
