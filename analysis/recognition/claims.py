"""Claims on queued analyses.

The queue is the table itself: a claim is a conditional UPDATE with a lease.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Exists, F, OuterRef, Value, When
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis.models import Analysis, BatchEntry
from analysis.models.analyses import LEASE
from analysis.models.ledger import FREE
from analysis.recognition import ledger, registry
from analysis.recognition.ledger import BatchBudget
from analysis.recognition.prices import PriceList
from analysis.recognition.retries import MAX_ATTEMPTS, MAX_RETRY_DELAY

# Seconds between renewals of the leases of calls in progress. Two in a row may fail before a lease expires.
RENEWAL_INTERVAL = LEASE.total_seconds() / 4
# Rows per transaction; the sweeper runs again after SWEEP_SECONDS.
SWEEP_ROWS = 1_000


def claim(recognizer: str, api: str, *, maximum: int, region: str | None) -> list[Analysis]:
    """Claim up to `maximum` due analyses for one attempt, uploads before bulk work.

    In a billed region each analysis reserves its price, and no more are claimed than the budgets allow. If the same
    bytes are being analyzed for another image, the analysis is deferred, so that both share one paid response.
    """
    with transaction.atomic():
        if region is None:
            return _with_images(_claim_rows(recognizer, api, maximum=maximum))
        ledger.lock_budget()
        prices, already = ledger.current_prices(recognizer, region)
        claimed = _with_images(_claim_affordable(recognizer, api, maximum=maximum, prices=prices, already=already))
        _reserve_prices(claimed, prices, already)
        deferred = _defer_duplicates([analysis.pk for analysis in claimed])
        return [analysis for analysis in claimed if analysis.pk not in deferred]


def _claim_affordable(recognizer: str, api: str, *, maximum: int, prices: PriceList, already: int) -> list[int]:
    """Claim uploads, then bulk work, each within its own budget.

    `already`: calls this month, for the price tier.
    """
    batches = ledger.remaining_batch_budgets(recognizer)
    if not ledger.has_limits() and not batches:
        return _claim_rows(recognizer, api, maximum=maximum)
    price, budget = prices.price(api, registry.parameters(api), already=already), ledger.budget(recognizer)
    room = _within(budget.affordable(price, is_bulk=False), maximum)
    uploads = _claim_rows(recognizer, api, maximum=room, condition="AND NOT is_bulk")
    room = _within(budget.affordable(price, is_bulk=True), maximum) - len(uploads)
    in_batches = _claim_batches(batches, api, maximum=room, prices=prices, already=already)
    other_bulk_work = _claim_rows(
        recognizer,
        api,
        maximum=room - len(in_batches),
        condition="AND is_bulk AND (batch_id IS NULL OR batch_id <> ALL(%s))",
        values=[[batch.batch_id for batch in batches]],
    )
    return [*uploads, *in_batches, *other_bulk_work]


def _within(affordable: int | None, maximum: int) -> int:
    return maximum if affordable is None else min(maximum, affordable)


def _claim_batches(batches: list[BatchBudget], api: str, *, maximum: int, prices: PriceList, already: int) -> list[int]:
    """Claim analyses of each batch within its own budget and that of its person."""
    ids, by_person = list[int](), ledger.remaining_person_budgets(batches)
    for batch in batches:
        price = prices.price(api, batch.parameters.get(api, {}), already=already)
        dollars = min(batch.dollars, by_person.get(batch.person_id or 0, batch.dollars))
        # Compared first, since without a budget the dollars are infinite.
        is_enough = price <= 0 or dollars >= price * maximum
        affordable = maximum if is_enough else int(max(dollars, FREE) // price)
        claimed = _claim_rows(
            batch.recognizer,
            api,
            maximum=min(maximum - len(ids), affordable),
            condition="AND is_bulk AND batch_id = %s",
            values=[batch.batch_id],
        )
        if batch.person_id in by_person:
            by_person[batch.person_id] -= price * len(claimed)
        ids += claimed
    return ids


def _claim_rows(
    recognizer: str, api: str, *, maximum: int, condition: str = "", values: Sequence[Any] = ()
) -> list[int]:
    # MATERIALIZED: the planner may run a plain subquery once per row, and each run would claim `maximum` others.
    # clock_timestamp() and not now(): a transaction that waited for the budget lock must see what became due.
    if maximum <= 0:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH claimed AS MATERIALIZED (
                SELECT id FROM analysis_analysis queued
                WHERE state = 'queued' AND api = %s AND recognizer = %s AND next_attempt_at <= clock_timestamp()
                  {condition} AND (SELECT trashed_at FROM analysis_image WHERE id = queued.image_id) IS NULL
                ORDER BY is_bulk, id LIMIT %s FOR UPDATE SKIP LOCKED)
            UPDATE analysis_analysis
            SET state = 'running', attempts = attempts + 1, claimed_until = now() + make_interval(secs => %s)
            WHERE id IN (SELECT id FROM claimed)
            RETURNING id
            """,
            [api, recognizer, *values, maximum, LEASE.total_seconds()],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _with_images(ids: list[int]) -> list[Analysis]:
    if not ids:
        return []
    return list(Analysis.objects.filter(pk__in=ids).select_related("image__bucket", "batch").order_by("is_bulk", "pk"))


def _reserve_prices(claimed: list[Analysis], prices: PriceList, already: int) -> None:
    """Reserve the price of each analysis; those without IMAGE_PROPERTIES cost less."""
    by_price: dict[Decimal, list[int]] = {}
    for analysis in claimed:
        analysis.price = prices.price(analysis.api, analysis.parameters, already=already)
        by_price.setdefault(analysis.price, []).append(analysis.pk)
    for price, ids in by_price.items():
        Analysis.objects.filter(pk__in=ids).update(price=price)


def _defer_duplicates(ids: list[int]) -> set[int]:
    """Defer analyses for two seconds if the same bytes are in progress; returns ids."""
    if not ids:
        return set()
    # After the delay they usually find the response in the cache, at no cost.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE analysis_analysis duplicate
            SET state = 'queued', claimed_until = NULL, price = NULL, attempts = duplicate.attempts - 1,
                next_attempt_at = now() + interval '2 seconds'
            FROM analysis_image image
            -- OFFSET 0 is an optimization fence: without it PostgreSQL may read all analyses of this API for each row.
            CROSS JOIN LATERAL (
                SELECT id FROM analysis_image WHERE sha256 = image.sha256 AND id <> image.id OFFSET 0) twin
            CROSS JOIN LATERAL (SELECT * FROM analysis_analysis WHERE image_id = twin.id OFFSET 0) first
            WHERE duplicate.id = ANY(%s) AND image.id = duplicate.image_id AND first.state = 'running'
              AND (first.id < duplicate.id OR first.id <> ALL(%s)) AND first.api = duplicate.api
              AND first.recognizer = duplicate.recognizer AND first.parameters = duplicate.parameters
            RETURNING duplicate.id
            """,
            [ids, ids],
        )
        return {pk for (pk,) in cursor.fetchall()}


def renew_leases(analyses: Iterable[Analysis]) -> None:
    """Extend the leases that this worker still holds."""
    by_pk = {analysis.pk: analysis for analysis in analyses}
    with transaction.atomic():
        held = Analysis.objects.filter(
            pk__in=by_pk,
            state=Analysis.State.RUNNING,
            # Compared, since an expired lease may belong to another worker by now.
            claimed_until__in={analysis.claimed_until for analysis in by_pk.values()},
        )
        # skip_locked, since a renewal must not wait for a row that is just being saved.
        ids = list(held.select_for_update(skip_locked=True).values_list("pk", flat=True))
        Analysis.objects.filter(pk__in=ids).update(claimed_until=Now() + LEASE)
        for pk, until in Analysis.objects.filter(pk__in=ids).values_list("pk", "claimed_until"):
            by_pk[pk].claimed_until = until


def latest_failed(bucket_id: int) -> list[tuple[str, int]]:
    """(API, image id) of a bucket's failed analyses that were not requested again."""
    # From the failed ones, which are few: a bucket may have millions of analyses, and each sync calls this.
    newer = Analysis.objects.filter(
        image=OuterRef("image"), api=OuterRef("api"), is_sample=False, pk__gt=OuterRef("pk")
    )
    failed = Analysis.objects.filter(
        ~Exists(newer),
        state=Analysis.State.FAILED,
        is_sample=False,
        image__bucket_id=bucket_id,
        image__trashed_at=None,
    )
    return list(failed.order_by("api", "image_id").values_list("api", "image_id"))


def apis_with_due_work() -> list[tuple[str, str]]:
    """Pairs of recognizer and API with due analyses, for the sweeper.

    Releases expired claims first. Messages to workers can be lost, so the sweeper sends one for each pair at every run.
    """
    _follow_clock()
    _release_expired()
    # One lookup for each pair: DISTINCT would read the whole queue, which may have millions of rows.
    due = Analysis.objects.filter(state=Analysis.State.QUEUED, next_attempt_at__lte=Now(), image__trashed_at=None)
    return [
        (recognizer, api)
        for recognizer in registry.NAMES
        for api in Analysis.Api.values
        if due.filter(recognizer=recognizer, api=api).exists()
    ]


def _follow_clock() -> None:
    """Shorten leases and delays after the database's clock was set back."""
    leases = Analysis.objects.filter(state=Analysis.State.RUNNING, claimed_until__gt=Now() + 2 * LEASE)
    ids = list(leases.values_list("pk", flat=True)[:SWEEP_ROWS])
    Analysis.objects.filter(pk__in=ids).update(claimed_until=Now() + LEASE)
    delayed = Analysis.objects.filter(state=Analysis.State.QUEUED, next_attempt_at__gt=Now() + MAX_RETRY_DELAY)
    # A batch with a rate limit is scheduled far ahead on purpose.
    ids = list(delayed.exclude(batch__rate__isnull=False).values_list("pk", flat=True)[:SWEEP_ROWS])
    Analysis.objects.filter(pk__in=ids).update(next_attempt_at=Now())


def _release_expired() -> None:
    """Requeue the analyses that dead workers had claimed, or fail them."""
    with transaction.atomic():
        expired = list(
            Analysis.objects.filter(state=Analysis.State.RUNNING, claimed_until__lt=Now())
            .select_for_update(skip_locked=True)
            .order_by("pk")[:SWEEP_ROWS]
        )
        # The requests may or may not have been sent, so they count as paid.
        ledger.charge_lost_requests(expired)
        _write_progress(expired)
        # An image that kills workers, for example by its need of memory, must not be tried forever.
        was_last = When(attempts__gte=MAX_ATTEMPTS, then=Value(Analysis.State.FAILED))
        Analysis.objects.filter(pk__in=[analysis.pk for analysis in expired]).update(
            state=Case(was_last, default=Value(Analysis.State.QUEUED)),
            finished_at=Case(When(attempts__gte=MAX_ATTEMPTS, then=Now()), default=F("finished_at")),
            claimed_until=None,
            price=None,
            next_attempt_at=Now(),
            error_code=ledger.WORKER_LOST,
            error_message=_("The worker stopped before it received a result."),
        )


def _write_progress(expired: list[Analysis]) -> None:
    """Add lost requests and failed analyses to the progress of their batches."""
    entries = [
        BatchEntry(batch_id=analysis.batch_id, failed=analysis.attempts >= MAX_ATTEMPTS, dollars=analysis.price or FREE)
        for analysis in expired
        if analysis.batch_id and (analysis.price or analysis.attempts >= MAX_ATTEMPTS)
    ]
    BatchEntry.objects.bulk_create(entries)
