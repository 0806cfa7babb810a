"""Location: `near:48.85,2.35,5km`, `box:48.8,2.2,48.9,2.5`, `place:paris`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.models.expressions import EARTH_RADIUS, FoldedTrigrams, distance_sql
from analysis.search.errors import InvalidValue
from analysis.search.literals import number_literal
from analysis.search.sql.conditions import contains, image_condition
from analysis.search.sql.expressions import Sql, all_of, any_of
from analysis.search.terms.base import Resolution, Term, Value
from analysis.search.terms.files import FileTerm, trigram_match

MAX_KILOMETERS = 20_100.0
"""A little more than half the equator, within which every point is."""
DEFAULT_KILOMETERS = 1.0
KILOMETERS_BY_UNIT = {"": 1.0, "km": 1.0, "m": 0.001, "mi": 1.609344}
# Pasted coordinates may have a long minus or degree signs.
NUMBER = r"([-+\u2212]?[0-9]{1,3}(?:\.[0-9]{1,15})?)\u00b0?"
SEPARATOR = r"(?: ?[,;] ?| )"
DISTANCE = r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(km|m|mi)?"
POINT = re.compile(f"{NUMBER}{SEPARATOR}{NUMBER}(?:{SEPARATOR}{DISTANCE})?", re.IGNORECASE)
BOX = re.compile(SEPARATOR.join([NUMBER] * 4))
INCOMPLETE = re.compile(f"{NUMBER}|(?:{NUMBER}[,;])+")
"""The first coordinates of several, as the parser reads them if a space follows."""
_DISTANCE = distance_sql("latitude", "longitude").format("%s", "%s")


@dataclass(frozen=True)
class NearTerm(Term):
    """Images taken at most this far from a point, on the surface of the earth."""

    fields = ("near",)
    latitude: float
    longitude: float
    kilometers: float = DEFAULT_KILOMETERS

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> NearTerm:
        match = POINT.fullmatch(value.text.strip())
        if not match:
            _refuse_spaces(value, example="near:48.85,2.35,5km")
            raise InvalidValue(_("Expected a latitude, a longitude and a distance, for example near:48.85,2.35,5km."))
        latitude, longitude = _degrees(match[1], 90), _degrees(match[2], 180)
        distance = float(match[3] or DEFAULT_KILOMETERS) * KILOMETERS_BY_UNIT[(match[4] or "").lower()]
        if not 0 < distance <= MAX_KILOMETERS:
            raise InvalidValue(_("Expected a distance above 0 and up to 20,100 km, for example near:48.85,2.35,5km."))
        return cls(latitude, longitude, distance)

    def write(self) -> str:
        return f"near:{','.join(map(number_literal, (self.latitude, self.longitude, self.kilometers)))}km"

    def describe(self) -> str:
        return _("within %(distance)s km of %(latitude)s, %(longitude)s") % {
            "distance": number_literal(self.kilometers),
            "latitude": number_literal(self.latitude),
            "longitude": number_literal(self.longitude),
        }

    def condition(self, resolved: Resolution) -> Sql:
        values = (self.latitude, self.latitude, self.longitude, self.kilometers)
        # least() ignores NULL, so an image without coordinates would count as half around the world.
        is_known = "latitude IS NOT NULL AND longitude IS NOT NULL"
        return image_condition(f"{is_known} AND {_DISTANCE} <= %s", *values)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        return self._surrounding_box().within("i.")

    def _surrounding_box(self) -> BoxTerm:
        """The smallest box around the circle, a little larger for rounding."""
        angle = self.kilometers / EARTH_RADIUS * 1.000_001
        height = math.degrees(angle)
        south, north = self.latitude - height, self.latitude + height
        if south <= -90 or north >= 90:  # the circle contains a pole, and so all longitudes
            return BoxTerm(max(south, -90.0), -180.0, min(north, 90.0), 180.0)
        width = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(self.latitude)))))
        west, east = self.longitude - width, self.longitude + width
        return BoxTerm(south, west + 360 * (west < -180), north, east - 360 * (east > 180))


@dataclass(frozen=True)
class BoxTerm(Term):
    """Images taken between two latitudes and two longitudes, in degrees.

    With a west greater than its east, the box crosses the date line.
    """

    fields = ("box",)
    south: float
    west: float
    north: float
    east: float

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> BoxTerm:
        match = BOX.fullmatch(value.text.strip())
        if not match:
            _refuse_spaces(value, example="box:48.8,2.2,48.9,2.5")
            raise InvalidValue(_("Expected south, west, north and east in degrees, for example box:48.8,2.2,48.9,2.5."))
        south, west, north, east = (_degrees(match[number], (90, 180)[number % 2 == 0]) for number in range(1, 5))
        if south > north:
            raise InvalidValue(_("The southern latitude comes first; write box:south,west,north,east."))
        return cls(south, west, north, east)

    def write(self) -> str:
        return f"box:{','.join(map(number_literal, (self.south, self.west, self.north, self.east)))}"

    def describe(self) -> str:
        return _("from %(south)s, %(west)s to %(north)s, %(east)s") % {
            "south": number_literal(self.south),
            "west": number_literal(self.west),
            "north": number_literal(self.north),
            "east": number_literal(self.east),
        }

    def condition(self, resolved: Resolution) -> Sql:
        sql = self.within()
        return image_condition(f"coalesce({sql.text}, false)", *sql.values)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        return self.within("i.")

    def within(self, table: str = "") -> Sql:
        """The condition about both columns, which is true, false or null."""
        joined = "AND" if self.west <= self.east else "OR"
        longitude = f"({table}longitude >= %s {joined} {table}longitude <= %s)"
        text = f"{table}latitude >= %s AND {table}latitude <= %s AND {longitude}"
        return Sql(text, (self.south, self.north, self.west, self.east))


class PlaceTerm(FileTerm):
    """Images with this text in the names of their place, of the file or of a city."""

    fields = ("place",)
    title = gettext_lazy("place")
    default_cost = (8, "place:")

    def condition(self, resolved: Resolution) -> Sql:
        sql = any_of(contains(column, self.text) for column in ("place", "city"))
        return image_condition(sql.text, *sql.values)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        # Two partial indexes: most pictures have no place, and the file's place and the city change independently.
        matches = [
            all_of([match, Sql(f"{column} <> ''")])
            for column in ("i.place", "i.city")
            if (match := trigram_match(FoldedTrigrams.template % {"expressions": column}, self.text))
        ]
        return any_of(matches) if matches else None


def _refuse_spaces(value: Value, *, example: str) -> None:
    """Raise InvalidValue if the value seems to end at a space between coordinates."""
    if INCOMPLETE.fullmatch(value.text) and not value.is_quoted:
        raise InvalidValue(
            _("Write coordinates without spaces or in quotes, for example %(example)s.") % {"example": example}
        )


def _degrees(text: str, limit: int) -> float:
    number = float(text.replace("\u2212", "-"))
    if abs(number) > limit:
        message = _("Latitudes are from -90 to 90 and longitudes from -180 to 180 degrees, not %(number)s.")
        raise InvalidValue(message % {"number": text})
    return number + 0.0  # not -0
