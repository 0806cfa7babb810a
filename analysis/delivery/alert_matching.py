"""Compares changed pictures with alerts, and queues messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection
from django.utils.timezone import now

from analysis.delivery import alert_baseline, alert_schedule, documents, outbox
from analysis.delivery.alert_queries import CACHE, ChangedImages, PreparedQuery
from analysis.models import Alert, Delivery
from analysis.search.database import fetch_all
from analysis.search.sql.conditions import IMAGE_COLUMNS
from analysis.search.sql.expressions import Sql, joined
from analysis.search.syntax.parser import InvalidQuery
from analysis.search.time_limit import SearchTooSlow, TimeBudget

TOGETHER_SECONDS = 10.0
"""Time limit for comparing the pictures with the searches of many alerts."""
ALONE_SECONDS = 2.0
"""The same for one alert, if that was too short or the alert has failed before."""
GROUP = 100
"""Searches in one statement."""

_ALERTS = """
    SELECT a.id, a.owner_id, a.channel = 'webhook' AND a.frequency = 'at_once', a.after_image_id, a.trouble <> '',
        s.query <> a.query, s.name, s.query, person.username
    FROM analysis_alert a JOIN analysis_savedsearch s ON s.id = a.saved_search_id
    JOIN accounts_user person ON person.id = a.owner_id WHERE a.is_active AND person.is_active ORDER BY a.id
"""
_COLUMNS = ", ".join(f"i.{name}" for name in ("owner_id", "visibility", *IMAGE_COLUMNS))
# The lock keeps alerts from being deleted before the transaction ends. The primary key prevents sending a match twice.
_INSERT = """
    INSERT INTO analysis_alertmatch (alert_id, image_id, matched_at, is_waiting)
    SELECT found.alert_id, found.image_id, statement_timestamp(), found.is_waiting
    FROM unnest(%s::bigint[], %s::bigint[], %s::bool[]) AS found (alert_id, image_id, is_waiting)
    JOIN analysis_alert a ON a.id = found.alert_id FOR KEY SHARE OF a
    ON CONFLICT DO NOTHING RETURNING alert_id, image_id
"""
# Updated even if it is set already, for the lock: a process that is composing the message then waits or skips the
# alert.
_SCHEDULE = """
    UPDATE analysis_alert a SET next_message_at = coalesce(a.next_message_at, found.moment)
    FROM unnest(%s::bigint[], %s::timestamptz[]) AS found (alert_id, moment) WHERE a.id = found.alert_id
"""


class ActiveAlert(NamedTuple):
    """An alert to compare, with its saved search."""

    id: int
    owner_id: int
    is_sent_at_once: bool
    """Each match is a message of its own."""
    after_image_id: int
    has_trouble: bool
    is_changed: bool
    """The saved search was edited since the last comparison."""
    name: str
    query: str
    username: str
    """The owner's."""


@dataclass(frozen=True)
class Comparison:
    """An alert's search, and the pictures that may match it."""

    alert: ActiveAlert
    query: PreparedQuery
    image_ids: set[int]


def match(image_ids: Collection[int]) -> None:
    """Record new matches of the active alerts among these pictures, each once."""
    alerts = [ActiveAlert(*row) for row in fetch_all(_ALERTS)]
    if not alerts or not image_ids:
        return
    for alert in alerts:
        if alert.is_changed:
            # Without these pictures, which are compared below: what is part of the baseline is never sent.
            alert_baseline.renew(alert.id, without=image_ids)
    alerts_by_id = {alert.id: alert for alert in alerts}
    new = _new_matches(alerts_by_id, _matches(alerts, ChangedImages.read(image_ids)))
    _send_at_once([(alerts_by_id[alert_id], image_id) for alert_id, image_id in new])
    _schedule({alert_id for alert_id, _image_id in new if not alerts_by_id[alert_id].is_sent_at_once})


def _matches(alerts: Sequence[ActiveAlert], changed: ChangedImages) -> dict[int, set[int]]:
    """The matching pictures by alert, new or not; alerts without any are left out."""
    queries = CACHE.prepared((alert.query, alert.owner_id) for alert in alerts)
    matches: dict[int, set[int]] = {}
    left: list[Comparison] = []
    for alert in alerts:
        query = queries[alert.query, alert.owner_id]
        if isinstance(query, InvalidQuery):  # it was valid when saved, but the language has changed
            _save_error(alert, str(query))
            continue
        candidates = {image_id for image_id in query.candidates(changed) if image_id > alert.after_image_id}
        if candidates and query.rest:
            left.append(Comparison(alert, query, candidates))
        elif candidates:
            matches[alert.id] = candidates
    return matches | _compare(left)


def _compare(comparisons: Sequence[Comparison]) -> dict[int, set[int]]:
    """Compare by database where labels do not suffice.

    A slow alert does not delay the others.
    """
    alone = [comparison for comparison in comparisons if comparison.alert.has_trouble]
    together = [comparison for comparison in comparisons if not comparison.alert.has_trouble]
    matches: dict[int, set[int]] = {}
    # Searches with the same number of pictures in one statement; mostly these have no labels, and so the same pictures.
    together.sort(key=lambda comparison: -len(comparison.image_ids))
    try:
        matches |= _compare_within(TOGETHER_SECONDS, together)
    except SearchTooSlow:
        alone += together
    for comparison in alone:
        try:
            matches |= _compare_within(ALONE_SECONDS, [comparison])
        except SearchTooSlow as error:
            _save_error(comparison.alert, str(error))
    return matches


def _compare_within(seconds: float, comparisons: Sequence[Comparison]) -> dict[int, set[int]]:
    """Raises SearchTooSlow."""
    matches: dict[int, set[int]] = defaultdict(set)
    if not comparisons:
        return matches
    with TimeBudget(seconds).part():
        for start in range(0, len(comparisons), GROUP):
            group = comparisons[start : start + GROUP]
            statement = _statement(group)
            for image_id, results in fetch_all(statement.text, statement.values):
                for comparison, is_match in zip(group, results, strict=True):
                    if is_match and image_id in comparison.image_ids:
                        matches[comparison.alert.id].add(image_id)
    return matches


def _statement(group: Sequence[Comparison]) -> Sql:
    """Rows of a picture and whether it matches each search."""
    image_ids = sorted(set().union(*(comparison.image_ids for comparison in group)))
    tests = [_test(comparison, among=len(image_ids)) for comparison in group]
    results = ", ".join(test.text for test in tests)
    # OFFSET keeps PostgreSQL from reading a picture's columns again for each condition.
    images = f"SELECT i.id AS image_id, {_COLUMNS} FROM analysis_image i WHERE i.id = ANY(%s) OFFSET 0"
    values = [value for test in tests for value in test.values]
    return Sql(f"SELECT d.image_id, ARRAY[{results}] FROM ({images}) d", (*values, image_ids))


def _test(comparison: Comparison, *, among: int) -> Sql:
    condition = joined("", [comparison.query.rest]) if comparison.query.rest else Sql("true")
    if 2 * len(comparison.image_ids) > among:
        return condition
    # CASE, so that the condition is only evaluated for the alert's own pictures.
    text = f"CASE WHEN d.image_id = ANY(%s) THEN {condition.text} ELSE false END"
    return Sql(text, (sorted(comparison.image_ids), *condition.values))


def _new_matches(alerts: Mapping[int, ActiveAlert], matches: Mapping[int, set[int]]) -> list[tuple[int, int]]:
    """Save matches; returns the new ones as (alert, picture), in order."""
    rows = [(alert_id, image_id) for alert_id, image_ids in matches.items() for image_id in image_ids]
    if not rows:
        return []
    alert_ids, image_ids = (list(column) for column in zip(*rows, strict=True))
    is_waiting = [not alerts[alert_id].is_sent_at_once for alert_id in alert_ids]
    return sorted(tuple(row) for row in fetch_all(_INSERT, [alert_ids, image_ids, is_waiting]))


def _send_at_once(matches: Sequence[tuple[ActiveAlert, int]]) -> None:
    """Queue a message per picture for alerts that are sent at once."""
    at_once = [(alert, image_id) for alert, image_id in matches if alert.is_sent_at_once]
    images = documents.image_documents({image_id for _alert, image_id in at_once})
    alerts = {alert for alert, _image_id in at_once}
    searches = {alert: documents.search_document(name=alert.name, query=alert.query) for alert in alerts}
    outbox.add(
        Delivery(
            alert_id=alert.id,
            image_id=image_id,
            kind=Delivery.Kind.MATCHES,
            payload=documents.matches_message(
                searches[alert], images=[documents.for_reader(images[image_id], alert.username)], count=1
            ),
        )
        for alert, image_id in at_once
        if image_id in images
    )


def _schedule(alert_ids: Collection[int]) -> None:
    """Set the times at which the waiting matches of these alerts are sent."""
    if not alert_ids:
        return
    moments = alert_schedule.next_message_times(alert_ids, now=now())
    with connection.cursor() as cursor:
        cursor.execute(_SCHEDULE, [list(moments), list(moments.values())])


def _save_error(alert: ActiveAlert, error: str) -> None:
    Alert.objects.filter(pk=alert.id).exclude(last_error=error).update(last_error=error)
