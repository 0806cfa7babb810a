"""The queue of analyses in the database: who is put in, who waits too long, who was left by a dead worker."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from analysis.models import Analysis, Image
from analysis.recognition import recognizers, record

PATIENCE = timedelta(minutes=1)
"""How long an announced analysis may wait unclaimed before it is announced again."""


def enqueue(image_ids: Iterable[int], *, apis: Iterable[str]) -> list[int]:
    """Ask these APIs about these pictures, unless they are being asked already. Answers the new analyses' ids."""
    parameters, recognizer, apis = recognizers.parameters().as_json(), recognizers.current().name, list(apis)
    wanted = [(image_id, api) for image_id in image_ids for api in apis]
    with transaction.atomic():
        taken = set(
            Analysis.objects.open().filter(image_id__in={image for image, _ in wanted}).values_list("image_id", "api")
        )
        rows = [
            Analysis(
                image_id=image_id,
                api=api,
                recognizer=recognizer,
                parameters=parameters,
                next_attempt_at=Now() + PATIENCE,
            )
            for image_id, api in wanted
            if (image_id, api) not in taken
        ]
        created = Analysis.objects.bulk_create(rows)
    return [row.pk for row in created]


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


def overdue(*, limit: int = 500) -> list[int]:
    """Analyses to announce again: queued past their time, or claimed by a worker that is gone. Safe side by side."""
    _release_expired()
    with transaction.atomic():
        late = (
            Analysis.objects.filter(state=Analysis.State.QUEUED, next_attempt_at__lte=Now())
            .order_by("next_attempt_at")
            .select_for_update(skip_locked=True)
        )
        ids = list(late.values_list("pk", flat=True)[:limit])
        Analysis.objects.filter(pk__in=ids).update(next_attempt_at=Now() + PATIENCE)
    return ids


def _release_expired() -> None:
    """Queue again what a dead worker held; what eight workers died over fails, so that it kills no ninth."""
    expired = Analysis.objects.filter(state=Analysis.State.RUNNING, claimed_until__lt=Now())
    too_often = When(attempts__gte=record.MOST_ATTEMPTS, then=Value(Analysis.State.FAILED))
    expired.update(
        state=Case(too_often, default=Value(Analysis.State.QUEUED)),
        finished_at=Case(When(attempts__gte=record.MOST_ATTEMPTS, then=Now()), default=F("finished_at")),
        claimed_until=None,
        next_attempt_at=Now(),
        error_code="worker-lost",
        error_message="The worker stopped before it had an answer.",
    )
