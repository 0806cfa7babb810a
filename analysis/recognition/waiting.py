"""The queue of analyses, which is the database: who is put in, who is taken out, who was left by a dead worker."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from analysis.models import Analysis, Image
from analysis.models.analyses import LEASE
from analysis.recognition import ledger, recognizers
from analysis.recognition.prices import PriceList

MOST_ATTEMPTS = 8


def enqueue(image_ids: Iterable[int], *, apis: Iterable[str], is_bulk: bool = False, is_forced: bool = False) -> int:
    """Ask these APIs about these pictures, unless they are being asked already; answers how many analyses that is."""
    recognizer = recognizers.current().name
    parameters = {api: recognizers.parameters(api) for api in apis}
    wanted = [(image_id, api) for image_id in image_ids for api in parameters]
    with transaction.atomic():
        taken = set(
            Analysis.objects.open().filter(image_id__in={image for image, _ in wanted}).values_list("image_id", "api")
        )
        rows = [
            Analysis(
                image_id=image_id,
                api=api,
                recognizer=recognizer,
                parameters=parameters[api],
                is_bulk=is_bulk,
                is_forced=is_forced,
            )
            for image_id, api in wanted
            if (image_id, api) not in taken
        ]
        # Somebody may have asked since the look above; the constraint decides, and both are served by one row.
        Analysis.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def claim(recognizer: str, api: str, *, most: int, region: str | None) -> list[Analysis]:
    """Take up to `most` queued analyses out for one attempt, uploads before bulk, with their pictures.

    In a paid region each carries its price from now on, and no more are taken than the budgets allow. Analyses whose
    bytes somebody else is being asked about at this moment are put back for a moment, to share that answer.
    """
    with transaction.atomic():
        if region is None:
            ids = _take(recognizer, api, most=most)
        else:
            ledger.reserve()
            ids = _take_affordable(recognizer, api, most=most, region=region)
        return list(Analysis.objects.filter(pk__in=ids).select_related("image").order_by("is_bulk", "pk"))


def _take_affordable(recognizer: str, api: str, *, most: int, region: str) -> list[int]:
    prices, already = ledger.prices_now(region)
    price = prices.price(api, recognizers.parameters(api), already=already)
    budget = ledger.budget() if ledger.has_limits() else None
    ids: list[int] = []
    for is_bulk in (False, True):
        affordable = budget.affordable(price, is_bulk=is_bulk) if budget else None
        room = (most if affordable is None else min(most, affordable)) - len(ids)
        ids += _take(recognizer, api, most=room, is_bulk=is_bulk)
    _put_price(ids, api, prices, already)
    late = _put_back_twins(ids)
    return [each for each in ids if each not in late]


def _take(recognizer: str, api: str, *, most: int, is_bulk: bool | None = None) -> list[int]:
    if most <= 0:
        return []
    due = Analysis.objects.filter(
        state=Analysis.State.QUEUED, api=api, recognizer=recognizer, next_attempt_at__lte=Now()
    )
    if is_bulk is not None:
        due = due.filter(is_bulk=is_bulk)
    ids = list(due.order_by("is_bulk", "pk").select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
    Analysis.objects.filter(pk__in=ids).update(
        state=Analysis.State.RUNNING, attempts=F("attempts") + 1, claimed_until=Now() + LEASE
    )
    return ids


def _put_price(ids: list[int], api: str, prices: PriceList, already: int) -> None:
    """By each one's own parameters: an analysis without IMAGE_PROPERTIES is cheaper."""
    by_price: dict[Decimal, list[int]] = {}
    for pk, parameters in Analysis.objects.filter(pk__in=ids).values_list("pk", "parameters"):
        by_price.setdefault(prices.price(api, parameters, already=already), []).append(pk)
    for price, group in by_price.items():
        Analysis.objects.filter(pk__in=group).update(price=price)


def _put_back_twins(ids: list[int]) -> set[int]:
    """Of the same bytes asked the same, the first goes; the others wait two seconds and find its answer stored."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE analysis_analysis late
            SET state = 'queued', claimed_until = NULL, price = NULL, attempts = late.attempts - 1,
                next_attempt_at = now() + interval '2 seconds'
            FROM analysis_image shown
            JOIN analysis_image twin ON twin.sha256 = shown.sha256 AND twin.id <> shown.id
            JOIN analysis_analysis first ON first.image_id = twin.id AND first.state = 'running'
            WHERE late.id = ANY(%s) AND shown.id = late.image_id AND first.api = late.api AND first.id < late.id
              AND first.recognizer = late.recognizer AND first.parameters = late.parameters
            RETURNING late.id
            """,
            [ids],
        )
        return {pk for (pk,) in cursor.fetchall()}


def images_after(image_id: int, *, most: int) -> list[int]:
    """The next pictures' ids, for going through the whole library in bounded steps."""
    rest = Image.objects.filter(pk__gt=image_id, trashed_at=None).order_by("pk")
    return list(rest.values_list("pk", flat=True)[:most])


def unanswered(image_ids: list[int], *, api: str, recognizer: str) -> list[int]:
    """Which of these pictures the recognizer neither answered, nor is asked about, nor refused for good."""
    settled = Q(state__in=[Analysis.State.QUEUED, Analysis.State.RUNNING, Analysis.State.DONE]) | Q(is_permanent=True)
    answered = set(
        Analysis.objects.filter(settled, image_id__in=image_ids, api=api, recognizer=recognizer).values_list(
            "image_id", flat=True
        )
    )
    return [image_id for image_id in image_ids if image_id not in answered]


def open_count(*, most: int = 100_000) -> int:
    """How many analyses are queued or running, counted up to a bound."""
    return Analysis.objects.open()[:most].count()


def due_apis() -> list[tuple[str, str]]:
    """Which recognizers' APIs have work that nobody may have heard of. Puts back first what dead workers held."""
    _release_expired()
    due = Analysis.objects.filter(state=Analysis.State.QUEUED, next_attempt_at__lte=Now())
    return [
        (recognizer, api)
        for recognizer in recognizers.NAMES
        for api in Analysis.Api.values
        if due.filter(recognizer=recognizer, api=api).exists()
    ]


def _release_expired() -> None:
    """Queue again what a dead worker held; what eight workers died over fails, so that it kills no ninth."""
    expired = Analysis.objects.filter(state=Analysis.State.RUNNING, claimed_until__lt=Now())
    too_often = When(attempts__gte=MOST_ATTEMPTS, then=Value(Analysis.State.FAILED))
    expired.update(
        state=Case(too_often, default=Value(Analysis.State.QUEUED)),
        finished_at=Case(When(attempts__gte=MOST_ATTEMPTS, then=Now()), default=F("finished_at")),
        claimed_until=None,
        price=None,
        next_attempt_at=Now(),
        error_code="worker-lost",
        error_message="The worker stopped before it had an answer.",
    )
