"""The pictures that match an alert from the start and are not sent."""

from __future__ import annotations

from collections.abc import Collection

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Max

from analysis.models import Alert, Image, Viewer
from analysis.search.connection import searching_in
from analysis.search.database import fetch_all
from analysis.search.results import Search
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import SearchTooSlow, TimeBudget

MAX_MATCHES = 100_000
"""If there are more, only pictures added from now on are sent."""
SECONDS = 10.0
"""The same applies if the search takes longer."""

_INSERT = """
    WITH hits AS MATERIALIZED ({hits}),
    saved AS (
        INSERT INTO analysis_alertmatch (alert_id, image_id, is_waiting)
        SELECT %s, image_id, false FROM hits
        WHERE (SELECT count(*) FROM hits) <= %s AND image_id <> ALL(%s::bigint[])
        AND NOT EXISTS (SELECT FROM analysis_imageevent e WHERE e.image_id = hits.image_id)
        ON CONFLICT DO NOTHING)
    SELECT count(*) FROM hits
"""


def renew(alert_id: int, *, without: Collection[int] = ()) -> None:
    """Save the pictures that match now, for a new alert or search, or after a pause.

    Pictures whose changes were not compared yet are left out; so are those in `without`.
    """
    alert = Alert.objects.select_related("saved_search").filter(pk=alert_id).first()
    if alert is None:  # deleted in the meantime
        return
    query, viewer = alert.saved_search.query, Viewer(alert.owner_id)
    # In the primary database, since the search is part of an INSERT.
    with transaction.atomic(), searching_in(DEFAULT_DB_ALIAS):
        # Without pictures whose changes were not compared yet, which may be new matches.
        is_complete = _save_matches(alert, query, viewer, without)
        after = 0 if is_complete else Image.objects.aggregate(newest=Max("pk"))["newest"] or 0
        Alert.objects.filter(pk=alert.pk).update(query=query, after_image_id=after)


def _save_matches(alert: Alert, query: str, viewer: Viewer, without: Collection[int]) -> bool:
    """False if there are too many, or the search is too slow."""
    try:
        with TimeBudget(SECONDS).part():
            plan = Search(parse(query), viewer).plan
            if plan.is_empty:
                return True
            hits = plan.all_matches(cap=MAX_MATCHES + 1)
            values = [*hits.values, alert.pk, MAX_MATCHES, sorted(without)]
            [(number,)] = fetch_all(_INSERT.format(hits=hits.text), values)
    except SearchTooSlow:
        return False
    except InvalidQuery:  # the comparison reports it
        return True
    return bool(number <= MAX_MATCHES)
