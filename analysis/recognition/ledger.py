"""What was spent, what is reserved, and what the month's budget still allows."""

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
LOST_SHARE = Decimal("0.1")
"""Of the month's budget, what requests without an answer may take before nothing more is sent."""
LOST_AT_LEAST = 20
"""Requests without an answer that are borne however small the budget is."""
WORKER_LOST = "worker-lost"
ANSWERED_ODDLY = frozenset({"UnreadableAnswer", "UnstorableAnswer"})
"""Answers that came and count as paid, but could not be kept."""
LATELY = 5
"""Seconds for which the month's number of calls is remembered: it decides the price's tier, nothing finer."""
_RESERVING = 0x696D_6167
"""The advisory lock under which calls are reserved, so that two workers do not spend the same dollar."""


@dataclass(frozen=True)
class Budget:
    """The month so far, in US dollars. `limit` stops bulk work, `interactive_limit` everything; None is no limit."""

    spent: Decimal
    reserved: Decimal
    limit: Decimal | None
    interactive_limit: Decimal | None

    @property
    def is_warning(self) -> bool:
        return self.limit is not None and self.spent + self.reserved >= self.limit * WARNING_SHARE

    @property
    def is_exhausted(self) -> bool:
        """Nothing more is sent for bulk work."""
        return self.limit is not None and self.spent + self.reserved >= self.limit

    def affordable(self, price: Decimal, *, is_bulk: bool) -> int | None:
        """How many calls of this price may still be sent; None is as many as you like."""
        limit = self.limit if is_bulk else self.interactive_limit
        if limit is None or price <= 0:
            return None
        return max(0, int((limit - self.spent - self.reserved) // price))


@dataclass(frozen=True)
class Estimate:
    """What asking about so many pictures would cost at most; stored answers make it less."""

    api: str
    calls: int
    dollars: Decimal


@dataclass(frozen=True)
class BatchBudget:
    """What a batch may still spend, in US dollars, and by API what it is asked with, which decides the price."""

    batch_id: int
    person_id: int | None
    recognizer: str
    parameters: dict[str, dict[str, Any]]
    dollars: Decimal


def has_limits() -> bool:
    return settings.MONTHLY_BUDGET is not None or settings.INTERACTIVE_BUDGET is not None


def budget(recognizer: str, *, today: date | None = None) -> Budget:
    """The present month's budget for a recognizer, read in one statement and so at one moment."""
    first = (today or now().date()).replace(day=1)
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


def is_lost_share_spent(recognizer: str, *, today: date | None = None) -> bool:
    """Whether requests without an answer have taken their share of the month's budget; never without a budget."""
    limits = [limit for limit in (settings.MONTHLY_BUDGET, settings.INTERACTIVE_BUDGET) if limit is not None]
    if not limits:
        return False
    first = datetime.combine((today or now().date()).replace(day=1), datetime.min.time(), tzinfo=UTC)
    calls = Call.objects.filter(recognizer=recognizer, outcome=Call.Outcome.UNKNOWN, sent_at__gte=first)
    lost = calls.exclude(error_code__in=[WORKER_LOST, *ANSWERED_ODDLY]).aggregate(number=Count("pk"), sum=Sum("price"))
    return bool(lost["number"] >= LOST_AT_LEAST and lost["sum"] >= min(limits) * LOST_SHARE)


def remaining_batch_budgets(recognizer: str) -> list[BatchBudget]:
    """Of each batch that has a budget, or its person one, and anything waiting; what is under way counts as spent."""
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


def left_of_people(batches: Iterable[BatchBudget]) -> dict[int, Decimal]:
    """What the people of these batches may still spend on bulk runs this month, where that is limited at all."""
    by_recognizer: dict[str, set[int]] = {}
    for each in batches:
        if each.person_id is not None:
            by_recognizer.setdefault(each.recognizer, set()).add(each.person_id)
    return {pk: left for name, people in by_recognizer.items() for pk, left in _left_of(people, name).items()}


def left_of_person(recognizer: str, person_id: int | None) -> Decimal | None:
    """The same of one person; None is no limit."""
    return _left_of({person_id}, recognizer).get(person_id) if person_id is not None else None


def _left_of(people: set[int], recognizer: str, *, today: date | None = None) -> dict[int, Decimal]:
    """A run counts in the month in which it ends; while it has not ended, now. What is under way counts as spent."""
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
            [sorted(people), recognizer, (today or now().date()).replace(day=1)],
        )
        spent: dict[int, Decimal] = dict(cursor.fetchall())
    return {pk: max(limit - spent.get(pk, FREE), FREE) for pk in people}


def _object(value: Any) -> dict[str, Any]:
    """JSON as Django's cursor or psycopg's gives it."""
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found


def lock_budget() -> None:
    """Be the only one to claim priced work until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RESERVING])


def calls_this_month(recognizer: str, *, today: date | None = None) -> int:
    """Answered calls so far: what the price's tier depends on."""
    first = (today or now().date()).replace(day=1)
    counts = (
        model._default_manager.filter(day__gte=first, recognizer=recognizer).aggregate(total=Sum("answered"))["total"]
        for model in (Spend, SpendEntry)
    )
    return sum(count or 0 for count in counts)


def charge_lost_requests(lost: Iterable[Analysis]) -> None:
    """Enter the requests of workers that died: nobody knows whether they were sent, so they count as paid."""
    priced = [each for each in lost if each.price]
    Call.objects.bulk_create(
        Call(
            analysis_id=each.pk,
            recognizer=each.recognizer,
            region=registry.named(each.recognizer).region or "",
            api=each.api,
            outcome=Call.Outcome.UNKNOWN,
            error_code=WORKER_LOST,
            price=each.price or FREE,
        )
        for each in priced
    )
    SpendEntry.objects.bulk_create(
        SpendEntry(
            day=now().date(),
            recognizer=each.recognizer,
            region=registry.named(each.recognizer).region or "",
            api=each.api,
            is_bulk=each.is_bulk,
            calls=1,
            dollars=each.price or FREE,
        )
        for each in priced
    )


def estimate(
    count: int, *, apis: Iterable[str], parameters: dict[str, dict[str, Any]], recognizer: str, region: str
) -> list[Estimate]:
    """What asking these APIs about `count` pictures would cost this month, API by API, tier by tier."""
    prices, already = price_list(region), calls_this_month(recognizer)
    estimates = []
    for api in apis:
        dollars = prices.price_of_many(api, parameters.get(api, {}), count=count, already=already)
        estimates.append(Estimate(api, count, dollars))
        already += count
    return estimates


def current_prices(recognizer: str, region: str) -> tuple[PriceList, int]:
    """The price list, and how many calls there were this month, give or take what was answered in the last seconds."""
    return price_list(region), _calls_lately(recognizer, int(time.monotonic()) // LATELY)


@lru_cache(maxsize=4)
def _calls_lately(recognizer: str, _: int) -> int:
    return calls_this_month(recognizer)


def fold() -> int:
    """Add the appended entries to their day's row and delete them, in one transaction; answers how many there were."""
    key = ["day", "recognizer", "region", "api", "is_bulk"]
    sums = ["calls", "answered", "dollars", "reused", "saved"]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH taken AS (DELETE FROM analysis_spendentry RETURNING *),
                 folded AS (
                    INSERT INTO analysis_spend AS kept ({", ".join(key + sums)})
                    SELECT {", ".join(key)}, {", ".join(f"sum({name})" for name in sums)} FROM taken
                    GROUP BY {", ".join(key)} ORDER BY {", ".join(key)}
                    ON CONFLICT ({", ".join(key)}) DO UPDATE
                    SET {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in sums)} RETURNING 1)
            SELECT count(*) FROM taken
            """  # noqa: S608
        )
        return int(cursor.fetchone()[0])
