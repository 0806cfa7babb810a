"""Times of the messages of an alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analysis.delivery.alert_schedule import message_time, message_times, time_zone_of
from imagelib.accounts.models import User

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("frequency", "matched", "expected"),
    [
        ("at_once", "2026-03-02 05:10", "2026-03-02 05:10"),
        ("hourly", "2026-03-02 05:10", "2026-03-02 06:00"),
        ("hourly", "2026-03-02 06:00", "2026-03-02 07:00"),
        ("daily", "2026-03-02 05:10", "2026-03-02 07:00"),
        ("daily", "2026-03-02 07:00", "2026-03-03 07:00"),
        ("daily", "2026-03-02 23:30", "2026-03-03 07:00"),  # after midnight in Berlin
        ("daily", "2026-03-28 20:00", "2026-03-29 06:00"),  # summer time begins
        ("weekly", "2026-03-02 05:10", "2026-03-02 07:00"),  # a Monday before eight
        ("weekly", "2026-03-02 08:00", "2026-03-09 07:00"),
        ("weekly", "2026-03-08 12:00", "2026-03-09 07:00"),
    ],
)
def test_time_of_a_message(frequency, matched, expected):
    moment = message_time(frequency, matched_at=at(matched), last=None, zone=BERLIN)
    assert moment.astimezone(UTC) == at(expected)


def test_messages_at_once_are_five_minutes_apart():
    matched = [at("2026-03-02 05:00") + timedelta(minutes=minutes) for minutes in (0, 1, 4, 6, 30)]
    times = message_times("at_once", matched, zone=BERLIN)
    assert [(moment - matched[0]).total_seconds() / 60 for moment in times] == [0, 5, 10, 30]
    assert len(message_times("daily", matched, zone=BERLIN)) == 1


def test_time_zone_is_that_of_the_account(settings):
    settings.TIME_ZONE = "Europe/Paris"
    assert time_zone_of(User(time_zone="Europe/Berlin")) == BERLIN
    assert time_zone_of(User()) == time_zone_of(User(time_zone="Nowhere")) == ZoneInfo("Europe/Paris")
