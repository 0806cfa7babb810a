"""Tells a wrong app code from the code of a device whose clock is off."""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.mfa import app_settings
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.formats import date_format
from django.utils.translation import gettext as _

MAX_DIFFERENCE = timedelta(minutes=30)


def explain(secret: str, code: str, *, now: datetime) -> str:
    """The reason why a code is wrong, with the server's time for comparison."""
    code = "".join(code.split())
    steps = MAX_DIFFERENCE // timedelta(seconds=app_settings.TOTP_PERIOD)
    counter = int(now.timestamp()) // app_settings.TOTP_PERIOD
    nearest_first = sorted(range(-steps, steps + 1), key=abs)
    for step in nearest_first:
        if constant_time_compare(code, format_hotp_value(hotp_value(secret, counter + step))):
            return _off_by(timedelta(seconds=step * app_settings.TOTP_PERIOD), now=now)
    return _("Incorrect code. A code is valid for 30 seconds; it's %(time)s on this server.") % {"time": _time(now)}


def _off_by(difference: timedelta, *, now: datetime) -> str:
    """The message for a code of another time; within the tolerance it was used before."""
    if abs(difference) <= timedelta(seconds=app_settings.TOTP_PERIOD * app_settings.TOTP_TOLERANCE):
        return _("This code has already been used. Wait for the next one.")
    return _(
        "This code is for %(theirs)s, but it's %(time)s on this server. Let your phone set its clock "
        "automatically; if it's already right, tell an administrator that the server's clock is wrong."
    ) % {"theirs": _time(now + difference), "time": _time(now)}


def _time(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "TIME_FORMAT")
