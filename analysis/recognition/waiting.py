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
STEP = 1_000
"""Rows that one transaction frees; the sweeper comes again in ten seconds."""


def enqueue(image_ids: Iterable[int], *, apis: Iterable[str], is_bulk: bool = False, is_forced: bool = False) -> int:
    """Ask these APIs about these pictures, unless they are being asked already; answers how many analyses that is.

    Pictures in the trash are passed over.
    """
    recognizer = recognizers.current().name
    parameters = {api: recognizers.parameters(api) for api in apis}
    asked = list(image_ids)
    with transaction.atomic():
        kept = set(Image.objects.filter(pk__in=asked, trashed_at=None).values_list("pk", flat=True))
        wanted = [(image_id, api) for image_id in asked if image_id in kept for api in parameters]
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
            return _with_pictures(_take(recognizer, api, most=most))
        ledger.reserve()
        prices, already = ledger.prices_now(recognizer, region)
        price = prices.price(api, recognizers.parameters(api), already=already)
        claimed = _with_pictures(_take_affordable(recognizer, api, most=most, price=price))
        _put_prices(claimed, prices, already)
        late = _put_back_twins([each.pk for each in claimed])
        return [each for each in claimed if each.pk not in late]


def _take_affordable(recognizer: str, api: str, *, most: int, price: Decimal) -> list[int]:
    """Uploads, then bulk, each as far as its own budget goes."""
    if not ledger.has_limits():
        return _take(recognizer, api, most=most)
    budget, ids = ledger.budget(recognizer), list[int]()
    for is_bulk in (False, True):
        affordable = budget.affordable(price, is_bulk=is_bulk)
        room = (most if affordable is None else min(most, affordable)) - len(ids)
        ids += _take(recognizer, api, most=room, is_bulk=is_bulk)
    return ids


def _take(recognizer: str, api: str, *, most: int, is_bulk: bool | None = None) -> list[int]:
    """Materialized, for a bare subquery may be run once for each row, each time taking `most` others."""
    if most <= 0:
        return []
    only = "" if is_bulk is None else "AND is_bulk" if is_bulk else "AND NOT is_bulk"
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
            [api, recognizer, most, LEASE.total_seconds()],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _with_pictures(ids: list[int]) -> list[Analysis]:
    if not ids:
        return []
    return list(Analysis.objects.filter(pk__in=ids).select_related("image__bucket").order_by("is_bulk", "pk"))


def _put_prices(claimed: list[Analysis], prices: PriceList, already: int) -> None:
    """By each one's own parameters: an analysis without IMAGE_PROPERTIES is cheaper."""
    by_price: dict[Decimal, list[int]] = {}
    for each in claimed:
        each.price = prices.price(each.api, each.parameters, already=already)
        by_price.setdefault(each.price, []).append(each.pk)
    for price, ids in by_price.items():
        Analysis.objects.filter(pk__in=ids).update(price=price)


def _put_back_twins(ids: list[int]) -> set[int]:
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
            JOIN analysis_image twin ON twin.sha256 = shown.sha256 AND twin.id <> shown.id
            JOIN analysis_analysis first ON first.image_id = twin.id AND first.state = 'running'
            WHERE late.id = ANY(%s) AND shown.id = late.image_id
              AND (first.id < late.id OR first.id <> ALL(%s)) AND first.api = late.api
              AND first.recognizer = late.recognizer AND first.parameters = late.parameters
            RETURNING late.id
            """,
            [ids, ids],
        )
        return {pk for (pk,) in cursor.fetchall()}


def hold(analyses: Iterable[Analysis]) -> None:
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
    """How many analyses are queued or running, counted up to a bound; those of pictures in the trash wait."""
    return Analysis.objects.open().filter(image__trashed_at=None)[:most].count()


def due_apis() -> list[tuple[str, str]]:
    """Which recognizers' APIs have work that nobody may have heard of. Puts back first what dead workers held."""
    _release_expired()
    due = Analysis.objects.filter(state=Analysis.State.QUEUED, next_attempt_at__lte=Now(), image__trashed_at=None)
    return [
        (recognizer, api)
        for recognizer in recognizers.NAMES
        for api in Analysis.Api.values
        if due.filter(recognizer=recognizer, api=api).exists()
    ]


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
        ledger.write_off(expired)
        too_often = When(attempts__gte=MOST_ATTEMPTS, then=Value(Analysis.State.FAILED))
        Analysis.objects.filter(pk__in=[each.pk for each in expired]).update(
            state=Case(too_often, default=Value(Analysis.State.QUEUED)),
            finished_at=Case(When(attempts__gte=MOST_ATTEMPTS, then=Now()), default=F("finished_at")),
            claimed_until=None,
            price=None,
            next_attempt_at=Now(),
            error_code="worker-lost",
            error_message="The worker stopped before it had an answer.",
        )
