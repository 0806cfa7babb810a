"""Schedules the messages about waiting matches of an alert."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db.models import Max

from analysis.models import Alert, Delivery
from imagelib.accounts.models import User

PAUSE = timedelta(minutes=5)
"""Between two messages "at once", so that an import of a thousand pictures does not send a thousand messages."""
MORNING = time(8)
"""Time of daily and weekly messages, in the owner's time zone."""
Frequency = Alert.Frequency


def next_message_times(alert_ids: Collection[int], *, now: datetime) -> dict[int, datetime]:
    """The time of the next message per alert with a new match, in order of ids."""
    alerts = Alert.objects.filter(pk__in=alert_ids).select_related("owner").order_by("pk")
    sent = Delivery.objects.filter(alert__in=alert_ids, alert__frequency=Frequency.AT_ONCE, kind=Delivery.Kind.MATCHES)
    last = dict(sent.values_list("alert").annotate(last=Max("created_at")).values_list("alert", "last"))
    return {
        alert.pk: message_time(alert.frequency, matched_at=now, last=last.get(alert.pk), zone=time_zone_of(alert.owner))
        for alert in alerts
    }


def message_time(frequency: str, *, matched_at: datetime, last: datetime | None, zone: ZoneInfo) -> datetime:
    """The time of the message about a match. `last`: of the previous message."""
    if frequency == Frequency.AT_ONCE:
        return max(matched_at, last + PAUSE) if last else matched_at
    if frequency == Frequency.HOURLY:
        return matched_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    local = matched_at.astimezone(zone)
    day = local.date() if local.time() < MORNING else local.date() + timedelta(days=1)
    if frequency == Frequency.WEEKLY:
        day += timedelta(days=-day.weekday() % 7)  # the next Monday
    return datetime.combine(day, MORNING, zone)


def message_times(frequency: str, matched_at: Sequence[datetime], *, zone: ZoneInfo) -> list[datetime]:
    """The messages about matches at these times, in order."""
    times: list[datetime] = []
    for moment in sorted(matched_at):
        if not times or moment > times[-1]:
            times.append(message_time(frequency, matched_at=moment, last=times[-1] if times else None, zone=zone))
    return times


def time_zone_of(user: User) -> ZoneInfo:
    """The time zone of the account, else that of the installation."""
    try:
        return ZoneInfo(user.time_zone or settings.TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(settings.TIME_ZONE)
