"""Numbers, sizes, money, durations and dates in the reader's language."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import humanize
from django.utils import timezone
from django.utils.dateformat import format as formatted_date
from django.utils.formats import number_format
from django.utils.translation import get_language, ngettext, to_locale
from django.utils.translation import gettext as _

from analysis.messages import MessageError

THIN_SPACE = "\u202f"
CENT = Decimal("0.01")
LEDGER_PRECISION = Decimal("0.000001")
RECENT = timedelta(days=8)
"""Up to this age `ago` returns the age, then the date."""


def count(number: int) -> str:
    """1,204"""
    return str(number_format(number, decimal_pos=0, force_grouping=True))


def capped_count(number: int, *, cap: int | None) -> str:
    """A number counted up to `cap` + 1, if there is one, as 10,000+ beyond the cap."""
    return count(number) if cap is None or number <= cap else f"{count(cap)}+"


def plural(text: str, number: int) -> str:
    """plural(ngettext("%(number)s call", "%(number)s calls", n), n): 1,204 calls"""
    return text % {"number": count(number)}


def pictures(number: int, *, cap: int | None = None) -> str:
    """1 picture, 1,204 pictures, 10,000+ pictures."""
    return ngettext("%(number)s picture", "%(number)s pictures", number) % {"number": capped_count(number, cap=cap)}


def percent(value: float) -> str:
    """Rounded down, so that a label shown with 90 % is found by `>=90`."""
    return f"{math.floor(value)}{THIN_SPACE}%"


def filesize(size: float) -> str:
    """999 bytes, 4.5 MB, 12 MB; units of a thousand."""
    if size < 1_000:
        return exact_filesize(int(size))
    amount, unit = humanize.naturalsize(size).split(" ")
    value = float(amount)
    if round(value) >= 1_000:  # 999.96 kB
        amount, unit = humanize.naturalsize(size * 1.001).split(" ")
        value = float(amount)
    places = 1 if value < 10 and value != int(value) else 0
    return f"{number_format(round(value, places), decimal_pos=places, force_grouping=True)} {unit}"


def exact_filesize(size: int) -> str:
    """4,512,345 bytes"""
    return plural(ngettext("%(number)s byte", "%(number)s bytes", size), size)


def megapixels(width: int, height: int) -> str:
    """12.2 megapixels"""
    number = number_format(round(width * height / 1_000_000, 1), decimal_pos=1, force_grouping=True)
    return _("%(number)s megapixels") % {"number": number}


def dollars(amount: Decimal | float) -> str:
    """$1,204.20; with fractions of a cent below one cent."""
    value = Decimal(amount).quantize(LEDGER_PRECISION)
    if value == 0 or abs(value) >= CENT:
        return f"${number_format(value.quantize(CENT), decimal_pos=2, force_grouping=True)}"
    return f"${number_format(f'{value.normalize():f}')}"


def duration(span: timedelta | float | None) -> str:
    """40 seconds, 12 minutes, 2 days; at least a second; empty for None."""
    if span is None:
        return ""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    _follow_language()
    return humanize.naturaldelta(timedelta(seconds=max(1, round(seconds))), months=False)


def ago(moment: datetime, *, now: datetime) -> str:
    """Just now, 3 hours ago, then the date."""
    age = now - moment
    if age >= RECENT:
        return day(moment)
    if age < timedelta(minutes=1):
        return _("just now")
    _follow_language()
    return humanize.naturaltime(age)


def day(moment: datetime) -> str:
    """3 May 2026"""
    return formatted_date(timezone.localtime(moment), "j F Y")


def month(first_day: datetime) -> str:
    """May 2026"""
    return formatted_date(first_day, "F Y")


def weekday(day: date) -> str:
    """Saturday, 3 May"""
    return formatted_date(datetime.combine(day, time()), "l, j F")


def exact(moment: datetime) -> str:
    """3 May 2026, 14:05:09 UTC"""
    return formatted_date(timezone.localtime(moment), "j F Y, H:i:s T")


def taken_day(clock: datetime) -> str:
    """The day on the camera's clock, not converted to the reader's time zone."""
    return formatted_date(clock, "j F Y")


def taken_minute(clock: datetime) -> str:
    """The day and time on the camera's clock: 5 June 2021, 23:30"""
    return formatted_date(clock, "j F Y, H:i")


def utc_offset(minutes: int) -> str:
    """+02:00"""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def taken_exact(clock: datetime, offset: int | None) -> str:
    """The time on the camera's clock; `offset` in minutes from UTC."""
    moment = formatted_date(clock, "j F Y, H:i:s")
    if offset is None:
        return _("%(moment)s (time zone unknown)") % {"moment": moment}
    return f"{moment} UTC{utc_offset(offset)}"


def taken_iso(clock: datetime | None, offset: int | None) -> str | None:
    """The time on the camera's clock in ISO 8601; without an offset if it is unknown."""
    if clock is None:
        return None
    # The camera's clock is stored as if it were UTC, since many cameras do not know their zone.
    naive = clock.replace(tzinfo=None)
    return (naive if offset is None else naive.replace(tzinfo=timezone.get_fixed_timezone(offset))).isoformat()


def translated(error: Exception) -> str:
    """An error's sentence in the reader's language.

    Errors other than MessageError are in that language already.
    """
    if not isinstance(error, MessageError):
        return str(error)
    template = _(error.template)
    return template % error.values if error.values else template


def _follow_language() -> None:
    # humanize has catalogs and a current language of its own, per thread.
    try:
        humanize.activate(to_locale(get_language() or "en"))
    except FileNotFoundError:
        humanize.deactivate()
