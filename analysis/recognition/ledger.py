"""Spending, reservations and remaining budgets, in US dollars."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils.timezone import now

from analysis.models import Analysis, Call, Spend, SpendEntry
from analysis.models.ledger import FREE
from analysis.recognition import registry
from analysis.recognition.prices import PriceList, price_list

WARNING_SHARE = Decimal("0.8")
# Share of the month's budget that requests without a response may cost before sending stops.
LOSS_SHARE = Decimal("0.1")
# Requests without a response that are tolerated however small the budget is.
MIN_LOST_REQUESTS = 20
WORKER_LOST = "worker-lost"
# Error codes of responses that could not be stored. They arrived, so they count as paid.
UNUSABLE_RESPONSES = frozenset({"UnreadableAnswer", "UnstorableAnswer"})
# For the month's number of calls, which only selects the price tier.
CALLS_CACHE_SECONDS = 5
# Advisory lock held while prices are reserved, so that two workers do not reserve the same money.
_BUDGET_LOCK = 0x696D_6167


@dataclass(frozen=True)
class Budget:
    """A recognizer's spending of the month so far, in US dollars, and its limits.

    `limit` stops bulk work, `interactive_limit` all work; None: no limit.
    """

    spent: Decimal
    reserved: Decimal
    limit: Decimal | None
    interactive_limit: Decimal | None

    @property
    def is_warning(self) -> bool:
        return self.limit is not None and self.spent + self.reserved >= self.limit * WARNING_SHARE

    @property
    def is_exhausted(self) -> bool:
        """True when no more bulk work is sent."""
        return self.limit is not None and self.spent + self.reserved >= self.limit

    def affordable(self, price: Decimal, *, is_bulk: bool) -> int | None:
        """The number of calls of this price that may still be sent; None: no limit."""
        limit = self.limit if is_bulk else self.interactive_limit
        if limit is None or price <= 0:
            return None
        return max(0, int((limit - self.spent - self.reserved) // price))


@dataclass(frozen=True)
class Estimate:
    """The most that `calls` calls of one API would cost; cached responses reduce it."""

    api: str
    calls: int
    dollars: Decimal


@dataclass(frozen=True)
class BatchBudget:
    """A batch's remaining US dollars, and the parameters that determine its prices."""

    batch_id: int
    person_id: int | None
    recognizer: str
    parameters: dict[str, dict[str, Any]]
    dollars: Decimal


def has_limits() -> bool:
    return settings.MONTHLY_BUDGET is not None or settings.INTERACTIVE_BUDGET is not None


def budget(recognizer: str, *, today: date | None = None) -> Budget:
    """The current month's budget of a recognizer, read in one statement."""
    first = (today or now().date()).replace(day=1)
    # A statement sees one snapshot, so entries that are just being aggregated are counted exactly once.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT coalesce(sum(dollars), 0) FROM analysis_spend WHERE day >= %s AND recognizer = %s)
                 + (SELECT coalesce(sum(dollars), 0) FROM analysis_spendentry WHERE day >= %s AND recognizer = %s),
                   (SELECT coalesce(sum(price), 0) FROM analysis_analysis WHERE state = 'running' AND recognizer = %s)
            """,
            [first, recognizer, first, recognizer, recognizer],
        )
        spent, running = cursor.fetchone()
    return Budget(spent, running, settings.MONTHLY_BUDGET, settings.INTERACTIVE_BUDGET)


def is_loss_limit_reached(recognizer: str, *, today: date | None = None) -> bool:
    """True if lost requests have used up LOSS_SHARE of the month's budget."""
    limits = [limit for limit in (settings.MONTHLY_BUDGET, settings.INTERACTIVE_BUDGET) if limit is not None]
    if not limits:
        return False
    first = datetime.combine((today or now().date()).replace(day=1), datetime.min.time(), tzinfo=UTC)
    calls = Call.objects.filter(recognizer=recognizer, outcome=Call.Outcome.UNKNOWN, sent_at__gte=first)
    lost = calls.exclude(error_code__in=[WORKER_LOST, *UNUSABLE_RESPONSES]).aggregate(
        number=Count("pk"), sum=Sum("price")
    )
    return bool(lost["number"] >= MIN_LOST_REQUESTS and lost["sum"] >= min(limits) * LOSS_SHARE)


def remaining_batch_budgets(recognizer: str) -> list[BatchBudget]:
    """Budgets of the batches with queued work whose run or user has one.

    Running calls count as spent.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, person_id, parameters, coalesce(budget, 'Infinity') - dollars
                   - (SELECT coalesce(sum(dollars), 0) FROM analysis_batchentry WHERE batch_id = batch.id)
                   - (SELECT coalesce(sum(price), 0) FROM analysis_analysis
                      WHERE batch_id = batch.id AND state = 'running')
            FROM analysis_batch batch
            WHERE (budget IS NOT NULL OR (%s AND person_id IS NOT NULL)) AND recognizer = %s
              AND EXISTS (SELECT FROM analysis_analysis WHERE batch_id = batch.id AND state = 'queued')
            ORDER BY id
            """,
            [settings.PERSON_MONTHLY_BUDGET is not None, recognizer],
        )
        return [
            BatchBudget(pk, person_id, recognizer, _object(parameters), dollars)
            for pk, person_id, parameters, dollars in cursor.fetchall()
        ]


def remaining_person_budgets(batches: Iterable[BatchBudget]) -> dict[int, Decimal]:
    """US dollars left for bulk runs this month, by user id.

    Empty without PERSON_MONTHLY_BUDGET.
    """
    by_recognizer: dict[str, set[int]] = {}
    for batch in batches:
        if batch.person_id is not None:
            by_recognizer.setdefault(batch.recognizer, set()).add(batch.person_id)
    budgets: dict[int, Decimal] = {}
    for recognizer, person_ids in by_recognizer.items():
        budgets |= _remaining_person_budgets(person_ids, recognizer)
    return budgets


def remaining_person_budget(recognizer: str, person_id: int | None) -> Decimal | None:
    """US dollars that a user may still spend on bulk runs this month.

    None: no limit.
    """
    return _remaining_person_budgets({person_id}, recognizer).get(person_id) if person_id is not None else None


def _remaining_person_budgets(
    person_ids: set[int], recognizer: str, *, today: date | None = None
) -> dict[int, Decimal]:
    """Dollars left by user id.

    A run counts in the month in which it ends, an unfinished run in this month. Running calls count as spent.
    """
    limit = settings.PERSON_MONTHLY_BUDGET
    if limit is None:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT person_id, sum(
                dollars
                + (SELECT coalesce(sum(dollars), 0) FROM analysis_batchentry WHERE batch_id = batch.id)
                + (SELECT coalesce(sum(price), 0) FROM analysis_analysis
                   WHERE batch_id = batch.id AND state = 'running'))
            FROM analysis_batch batch
            WHERE person_id = ANY(%s) AND recognizer = %s AND (finished_at IS NULL OR finished_at >= %s)
            GROUP BY person_id
            """,
            [sorted(person_ids), recognizer, (today or now().date()).replace(day=1)],
        )
        spent: dict[int, Decimal] = dict(cursor.fetchall())
    return {pk: max(limit - spent.get(pk, FREE), FREE) for pk in person_ids}


def _object(value: Any) -> dict[str, Any]:
    """Decode jsonb, which Django's cursor returns as text and psycopg's as an object."""
    parsed: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return parsed


def lock_budget() -> None:
    """Keep other workers from claiming billed work until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_BUDGET_LOCK])


def calls_this_month(recognizer: str, *, today: date | None = None) -> int:
    """Successful calls so far, which determine the price tier."""
    first = (today or now().date()).replace(day=1)
    counts = (
        model._default_manager.filter(day__gte=first, recognizer=recognizer).aggregate(total=Sum("answered"))["total"]
        for model in (Spend, SpendEntry)
    )
    return sum(count or 0 for count in counts)


def charge_lost_requests(lost: Iterable[Analysis]) -> None:
    """Record the requests of dead workers as paid, since they may have been sent."""
    priced = [analysis for analysis in lost if analysis.price]
    Call.objects.bulk_create(
        Call(
            analysis_id=analysis.pk,
            recognizer=analysis.recognizer,
            region=registry.get(analysis.recognizer).region or "",
            api=analysis.api,
            outcome=Call.Outcome.UNKNOWN,
            error_code=WORKER_LOST,
            price=analysis.price or FREE,
        )
        for analysis in priced
    )
    SpendEntry.objects.bulk_create(
        SpendEntry(
            day=now().date(),
            recognizer=analysis.recognizer,
            region=registry.get(analysis.recognizer).region or "",
            api=analysis.api,
            is_bulk=analysis.is_bulk,
            calls=1,
            dollars=analysis.price or FREE,
        )
        for analysis in priced
    )


def estimate(
    count: int, *, apis: Iterable[str], parameters: dict[str, dict[str, Any]], recognizer: str, region: str
) -> list[Estimate]:
    """The cost of these APIs for `count` pictures this month, by API.

    Price tiers add up across APIs.
    """
    prices, already = price_list(region), calls_this_month(recognizer)
    estimates = []
    for api in apis:
        dollars = prices.price_of_many(api, parameters.get(api, {}), count=count, already=already)
        estimates.append(Estimate(api, count, dollars))
        already += count
    return estimates


def current_prices(recognizer: str, region: str) -> tuple[PriceList, int]:
    """The price list, and this month's calls, which may be a few seconds old."""
    return price_list(region), _cached_calls(recognizer, int(time.monotonic()) // CALLS_CACHE_SECONDS)


# The second argument is a number that changes every CALLS_CACHE_SECONDS, and with it the cached value.
@lru_cache(maxsize=4)
def _cached_calls(recognizer: str, _: int) -> int:
    return calls_this_month(recognizer)


def aggregate_entries() -> int:
    """Add the entries to the row of their day and delete them; returns their number."""
    key = ["day", "recognizer", "region", "api", "is_bulk"]
    sums = ["calls", "answered", "dollars", "reused", "saved"]
    # ORDER BY, so that two processes lock the rows in the same order and do not deadlock.
    # Workers only append entries: if they updated the day's row, they would wait for each other's lock.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH entries AS (DELETE FROM analysis_spendentry RETURNING *),
                 added AS (
                    INSERT INTO analysis_spend AS total ({", ".join(key + sums)})
                    SELECT {", ".join(key)}, {", ".join(f"sum({name})" for name in sums)} FROM entries
                    GROUP BY {", ".join(key)} ORDER BY {", ".join(key)}
                    ON CONFLICT ({", ".join(key)}) DO UPDATE
                    SET {", ".join(f"{name} = total.{name} + excluded.{name}" for name in sums)} RETURNING 1)
            SELECT count(*) FROM entries
            """
        )
        return int(cursor.fetchone()[0])
