"""The queue of analyses, which is the database: who is taken out for an attempt, who was left by a dead worker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Now

from analysis.models import Analysis, BatchEntry
from analysis.models.analyses import LEASE
from analysis.models.ledger import FREE
from analysis.recognition import ledger, registry
from analysis.recognition.prices import PriceList

MAX_ATTEMPTS = 8
LONGEST_PAUSE = timedelta(minutes=30)
"""No analysis is put back for longer, whatever the cause."""
STEP = 1_000
"""Rows that one transaction frees; the sweeper comes again in ten seconds."""


def claim(recognizer: str, api: str, *, maximum: int, region: str | None) -> list[Analysis]:
    """Take up to `most` queued analyses out for one attempt, uploads before bulk, with their pictures.

    In a paid region each carries its price from now on, and no more are taken than the budgets allow. Analyses whose
    bytes somebody else is being asked about at this moment are put back for a moment, to share that answer.
    """
    with transaction.atomic():
        if region is None:
            return _with_pictures(_claim_rows(recognizer, api, maximum=maximum))
        ledger.lock_budget()
        prices, already = ledger.current_prices(recognizer, region)
        claimed = _with_pictures(_take_affordable(recognizer, api, maximum=maximum, prices=prices, already=already))
        _put_prices(claimed, prices, already)
        late = _defer_duplicates([each.pk for each in claimed])
        return [each for each in claimed if each.pk not in late]


def _take_affordable(recognizer: str, api: str, *, maximum: int, prices: PriceList, already: int) -> list[int]:
    """Uploads, then bulk, each as far as its own budget goes."""
    left = ledger.remaining_batch_budgets(recognizer)
    if not ledger.has_limits() and not left:
        return _claim_rows(recognizer, api, maximum=maximum)
    price = prices.price(api, registry.parameters(api), already=already)
    budget, ids = ledger.budget(recognizer), list[int]()
    for is_bulk in (False, True):
        affordable = budget.affordable(price, is_bulk=is_bulk)
        room = (maximum if affordable is None else min(maximum, affordable)) - len(ids)
        if not is_bulk:
            ids += _claim_rows(recognizer, api, maximum=room, only="AND NOT is_bulk")
            continue
        of_people = ledger.left_of_people(left)
        for each in left:
            cost = prices.price(api, each.parameters.get(api, {}), already=already)
            dollars = min(each.dollars, of_people.get(each.person_id or 0, each.dollars))
            payable = maximum if cost <= 0 or dollars >= cost * maximum else int(max(dollars, FREE) // cost)
            minimum = min(room - len(ids), payable)
            taken = _claim_rows(
                recognizer, api, maximum=minimum, only="AND is_bulk AND batch_id = %s", values=[each.batch_id]
            )
            if each.person_id in of_people:
                of_people[each.person_id] -= cost * len(taken)
            ids += taken
        others = "AND is_bulk AND (batch_id IS NULL OR batch_id <> ALL(%s))"
        ids += _claim_rows(
            recognizer, api, maximum=room - len(ids), only=others, values=[[each.batch_id for each in left]]
        )
    return ids


def _claim_rows(recognizer: str, api: str, *, maximum: int, only: str = "", values: Sequence[Any] = ()) -> list[int]:
    """Materialized, for a bare subquery may be run once for each row, each time taking `most` others."""
    if maximum <= 0:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH taken AS MATERIALIZED (
                SELECT id FROM analysis_analysis asked
                WHERE state = 'queued' AND api = %s AND recognizer = %s AND next_attempt_at <= clock_timestamp() {only}
                  AND (SELECT trashed_at FROM analysis_image WHERE id = asked.image_id) IS NULL
                ORDER BY is_bulk, id LIMIT %s FOR UPDATE SKIP LOCKED)
            UPDATE analysis_analysis
            SET state = 'running', attempts = attempts + 1, claimed_until = now() + make_interval(secs => %s)
            WHERE id IN (SELECT id FROM taken)
            RETURNING id
            """,  # noqa: S608
            [api, recognizer, *values, maximum, LEASE.total_seconds()],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _with_pictures(ids: list[int]) -> list[Analysis]:
    if not ids:
        return []
    return list(Analysis.objects.filter(pk__in=ids).select_related("image__bucket", "batch").order_by("is_bulk", "pk"))


def _put_prices(claimed: list[Analysis], prices: PriceList, already: int) -> None:
    """By each one's own parameters: an analysis without IMAGE_PROPERTIES is cheaper."""
    by_price: dict[Decimal, list[int]] = {}
    for each in claimed:
        each.price = prices.price(each.api, each.parameters, already=already)
        by_price.setdefault(each.price, []).append(each.pk)
    for price, ids in by_price.items():
        Analysis.objects.filter(pk__in=ids).update(price=price)


def _defer_duplicates(ids: list[int]) -> set[int]:
    """Of the same bytes asked the same, one goes; the others wait two seconds and find its answer stored."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE analysis_analysis late
            SET state = 'queued', claimed_until = NULL, price = NULL, attempts = late.attempts - 1,
                next_attempt_at = now() + interval '2 seconds'
            FROM analysis_image shown
            -- By the bytes alone: OFFSET 0 keeps PostgreSQL from reading all analyses of this API for each.
            CROSS JOIN LATERAL (
                SELECT id FROM analysis_image WHERE sha256 = shown.sha256 AND id <> shown.id OFFSET 0) twin
            CROSS JOIN LATERAL (SELECT * FROM analysis_analysis WHERE image_id = twin.id OFFSET 0) first
            WHERE late.id = ANY(%s) AND shown.id = late.image_id AND first.state = 'running'
              AND (first.id < late.id OR first.id <> ALL(%s)) AND first.api = late.api
              AND first.recognizer = late.recognizer AND first.parameters = late.parameters
            RETURNING late.id
            """,
            [ids, ids],
        )
        return {pk for (pk,) in cursor.fetchall()}


def renew_leases(analyses: Iterable[Analysis]) -> None:
    """Renew the leases of analyses that are still ours."""
    by_pk = {each.pk: each for each in analyses}
    with transaction.atomic():
        mine = Analysis.objects.filter(
            pk__in=by_pk,
            state=Analysis.State.RUNNING,
            claimed_until__in={each.claimed_until for each in by_pk.values()},
        )
        held = list(mine.select_for_update(skip_locked=True).values_list("pk", flat=True))
        Analysis.objects.filter(pk__in=held).update(claimed_until=Now() + LEASE)
        for pk, until in Analysis.objects.filter(pk__in=held).values_list("pk", "claimed_until"):
            by_pk[pk].claimed_until = until


def open_count(*, maximum: int = 100_000) -> int:
    """How many analyses are queued or running, counted up to a bound; those of pictures in the trash wait."""
    return Analysis.objects.open().filter(image__trashed_at=None)[:maximum].count()


def apis_with_due_work() -> list[tuple[str, str]]:
    """Which recognizers' APIs have work that nobody may have heard of. Puts back first what dead workers held."""
    _follow_clock()
    _release_expired()
    due = Analysis.objects.filter(state=Analysis.State.QUEUED, next_attempt_at__lte=Now(), image__trashed_at=None)
    return [
        (recognizer, api)
        for recognizer in registry.NAMES
        for api in Analysis.Api.values
        if due.filter(recognizer=recognizer, api=api).exists()
    ]


def _follow_clock() -> None:
    """Bring nearer what is further ahead than anybody puts it: the database's clock was set back since.

    Batches with a pace of their own are laid out ahead, so theirs stay.
    """
    ahead = Analysis.objects.filter(state=Analysis.State.RUNNING, claimed_until__gt=Now() + 2 * LEASE)
    Analysis.objects.filter(pk__in=list(ahead.values_list("pk", flat=True)[:STEP])).update(claimed_until=Now() + LEASE)
    late = Analysis.objects.filter(state=Analysis.State.QUEUED, next_attempt_at__gt=Now() + LONGEST_PAUSE)
    late = late.exclude(batch__rate__isnull=False)
    Analysis.objects.filter(pk__in=list(late.values_list("pk", flat=True)[:STEP])).update(next_attempt_at=Now())


def _release_expired() -> None:
    """Queue again what a dead worker held; what eight workers died over fails, so that it kills no ninth.

    Whether its requests were sent nobody knows any more, so they count as paid.
    """
    with transaction.atomic():
        expired = list(
            Analysis.objects.filter(state=Analysis.State.RUNNING, claimed_until__lt=Now())
            .select_for_update(skip_locked=True)
            .order_by("pk")[:STEP]
        )
        ledger.charge_lost_requests(expired)
        _note_progress(expired)
        too_often = When(attempts__gte=MAX_ATTEMPTS, then=Value(Analysis.State.FAILED))
        Analysis.objects.filter(pk__in=[each.pk for each in expired]).update(
            state=Case(too_often, default=Value(Analysis.State.QUEUED)),
            finished_at=Case(When(attempts__gte=MAX_ATTEMPTS, then=Now()), default=F("finished_at")),
            claimed_until=None,
            price=None,
            next_attempt_at=Now(),
            error_code=ledger.WORKER_LOST,
            error_message="The worker stopped before it had an answer.",
        )


def _note_progress(expired: list[Analysis]) -> None:
    """What lost workers cost their batches, and what failed with them."""
    entries = [
        BatchEntry(batch_id=each.batch_id, failed=each.attempts >= MAX_ATTEMPTS, dollars=each.price or FREE)
        for each in expired
        if each.batch_id and (each.price or each.attempts >= MAX_ATTEMPTS)
    ]
    BatchEntry.objects.bulk_create(entries)
