"""SQL expressions that indexes and searches share."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

CAMERA_INDEXES = {
    "iso": "iso",
    "exposure": "exposure_seconds",
    "aperture": "f_number",
    "focal": "focal_millimeters",
}
"""Indexes of camera settings, by the ends of their names."""


class DateTaken(models.Func):
    """The date taken as a sort key, never NULL.

    Never NULL, so that a cursor can be compared with it. Images without a date have the first day of year 1, so they
    come after all others, by id. ImageLabel and ImageIndex have a copy, `sort_time`.
    """

    template = "coalesce(%(expressions)s, '0001-01-01 00:00:00+00'::timestamptz)"
    output_field = models.DateTimeField()


def by_date_taken(name: str, *fields: str, **conditions: object) -> models.Index:
    """An index of images in the default order of the library."""
    key = (DateTaken("taken_at").desc(), F("id").desc())
    return models.Index(*fields, *key, condition=Q(trashed_at=None, **conditions), name=name)


class NameTrigrams(models.Func):
    """Characters and trigrams of a name, for a GIN index for substring searches.

    Built from core functions, since the extension pg_trgm is not installed everywhere. All of them are IMMUTABLE, as an
    index expression requires.
    """

    # A line feed cannot be in a filename or a title, so no trigram spans both of them.
    arg_joiner = " || chr(10) || "
    output_field = ArrayField(models.TextField())
    _trigrams = (
        "string_to_array(regexp_replace(substr(lower(%(expressions)s), {}), '(...)', '\\1' || chr(1), 'g'), chr(1))"
    )
    _pieces = ("string_to_array(lower(%(expressions)s), NULL)", *map(_trigrams.format, (1, 2, 3)))
    template = f"({' || '.join(_pieces)})"


class FoldedTrigrams(NameTrigrams):
    """The same of a name without case and accents.

    `analysis_folded` comes with the migrations.
    """

    template = NameTrigrams.template.replace("lower(", "analysis_folded(")


EARTH_RADIUS = 6371.0088
"""The mean radius in kilometers."""


def distance_sql(latitude: str, longitude: str) -> str:
    """Kilometers from these columns to a point, whose coordinates `format` fills in.

    The haversine formula, which is exact for short distances too; sind and cosd are in degrees.
    """
    return (
        f"{2 * EARTH_RADIUS} * asin(sqrt(least(1.0, power(sind(({latitude} - {{0}}) / 2), 2) "
        f"+ cosd({latitude}) * cosd({{0}}) * power(sind(({longitude} - {{1}}) / 2), 2))))"
    )


class DayOfYear(models.Func):
    """Month and day of a time as one number: 531 is May 31. Times are taken as UTC."""

    template = (
        "(extract(month FROM %(expressions)s AT TIME ZONE 'UTC') * 100 "
        "+ extract(day FROM %(expressions)s AT TIME ZONE 'UTC'))"
    )
    output_field = models.DecimalField(max_digits=4, decimal_places=0)
