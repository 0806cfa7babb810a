"""Messages that an alert would have sent, estimated before it is saved.

Counts pictures that match now and were added, first analyzed, or labeled by a person in the last DAYS.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.delivery.alert_schedule import message_times, time_zone_of
from analysis.delivery.alerts import AlertOptions
from analysis.models import Alert, Viewer
from analysis.search.database import fetch_all
from analysis.search.query import Query
from analysis.search.results import Search
from analysis.search.syntax.parser import parse
from analysis.search.time_limit import TimeBudget
from imagelib.accounts.models import User

DAYS = 30
MAX_PICTURES = 10_000
"""Maximum number of pictures read."""
MAX_SHOWN = 12
SECONDS = 5.0

# For older pictures only labels that a person added count as new, since another analysis mostly finds the same labels.
_CHANGED_BEFORE = """
    (SELECT a.image_id FROM analysis_analysis a WHERE a.finished_at >= %s AND a.state = 'done' AND NOT EXISTS (
        SELECT FROM analysis_analysis e WHERE e.image_id = a.image_id AND e.state = 'done' AND e.finished_at < %s)
     ORDER BY a.finished_at DESC LIMIT %s)
    UNION
    (SELECT v.image_id FROM analysis_verdict v
     WHERE v.label_id = ANY(%s) AND v.decision = 'added' AND v.decided_at >= %s LIMIT %s)
"""
_TIMES = """
    SELECT i.id, greatest(i.added_at,
        (SELECT min(a.finished_at) FROM analysis_analysis a WHERE a.image_id = i.id AND a.state = 'done'),
        (SELECT max(v.decided_at) FROM analysis_verdict v
         WHERE v.image_id = i.id AND v.label_id = ANY(%s) AND v.decision = 'added'))
    FROM analysis_image i WHERE i.id = ANY(%s) AND i.trashed_at IS NULL
"""


@dataclass(frozen=True)
class Preview:
    """An estimate; pictures beyond MAX_PICTURES were not counted."""

    image_ids: list[int]
    """The newest ones."""
    pictures: int
    messages: int


def preview(query: str, options: AlertOptions, *, owner: User, now: datetime) -> Preview:
    """Raises InvalidQuery, and SearchTooSlow after SECONDS."""
    with TimeBudget(SECONDS).part():
        matched_at = _matches(query, Viewer(owner.pk), now=now)
    newest = sorted(matched_at, key=lambda image_id: (matched_at[image_id], image_id), reverse=True)
    times = message_times(options.frequency, list(matched_at.values()), zone=time_zone_of(owner))
    is_each_sent = (options.channel, options.frequency) == (Alert.Channel.WEBHOOK, Alert.Frequency.AT_ONCE)
    return Preview(newest[:MAX_SHOWN], len(newest), len(newest) if is_each_sent else len(times))


def _matches(query: str, viewer: Viewer, *, now: datetime) -> dict[int, datetime]:
    """The time at which each picture began to match."""
    since = now - timedelta(days=DAYS)
    search = Search(parse(query), viewer, moment=now)
    label_ids = sorted({label_id for labels in search.resolved.labels.values() for label_id in labels.ids})
    image_ids = _added(query, viewer, now=now) | search.matching(_changed_before(label_ids, since))
    rows = fetch_all(_TIMES, [label_ids, sorted(image_ids)])
    return {image_id: moment for image_id, moment in rows if moment >= since}


def _added(query: str, viewer: Viewer, *, now: datetime) -> set[int]:
    """Pictures added in the last DAYS; the newest, if there are too many."""
    # In addition to a date in the search, which it must not replace.
    parts = (*parse(query).parts, *parse(f"added:last-{DAYS}-days").parts)
    return set(Search(Query(parts), viewer, moment=now).image_ids(limit=MAX_PICTURES))


def _changed_before(label_ids: Collection[int], since: datetime) -> list[int]:
    values = [since, since, MAX_PICTURES, list(label_ids), since, MAX_PICTURES]
    return [image_id for (image_id,) in fetch_all(_CHANGED_BEFORE, values)]
