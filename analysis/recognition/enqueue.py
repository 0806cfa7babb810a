"""What is asked: put into the queue, which is the database, taken out of bulk runs, held back and let go with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from analysis.models import Analysis, Batch, Image
from analysis.recognition import registry


def enqueue(image_ids: Iterable[int], *, apis: Iterable[str], is_bulk: bool = False, is_forced: bool = False) -> int:
    """Ask these APIs about these pictures, unless they are being asked already; answers how many analyses that is.

    Pictures in the trash are passed over. What waits in a bulk run is taken out of it: it goes before all of that when
    somebody waits for it, and no longer stops or ends with it.
    """
    recognizer, asked = registry.current().name, list(image_ids)
    with transaction.atomic():
        number = 0
        for api in apis:
            number += _detach_from_batches(asked, api, is_bulk=is_bulk, is_forced=is_forced)
            columns = {"recognizer": recognizer, "parameters": registry.parameters(api)}
            number += _insert(asked, api=api, is_bulk=is_bulk, is_forced=is_forced, **columns)
    return number


def enqueue_batch(batch: Batch, *, api: str, image_ids: list[int]) -> int:
    """Ask one API about some of a batch's pictures, spaced out when it has a pace of its own; how many that is.

    What another batch holds back is taken over, but by a sample: nobody knows whether that one ever goes on.
    """
    asked = {
        "batch": batch,
        "recognizer": batch.recognizer,
        "parameters": batch.parameters[api],
        "is_bulk": True,
        "is_forced": batch.is_forced,
        "is_sample": batch.is_sample,
    }
    number = 0
    if not batch.is_sample:
        held = Analysis.objects.filter(image_id__in=image_ids, api=api, state=Analysis.State.PAUSED)
        number = held.update(**asked, state=Analysis.State.QUEUED, attempts=0, next_attempt_at=Now())
        _promote_samples(image_ids, api)
    number += _insert(image_ids, api=api, **asked)
    if batch.rate and number:
        _spread_schedule(batch, api, image_ids)
    return number


def _insert(image_ids: list[int], *, api: str, **columns: Any) -> int:
    kept = set(Image.objects.filter(pk__in=image_ids, trashed_at=None).values_list("pk", flat=True))
    taken = set(
        Analysis.objects.unfinished().filter(image_id__in=image_ids, api=api).values_list("image_id", flat=True)
    )
    rows = [Analysis(image_id=pk, api=api, **columns) for pk in image_ids if pk in kept and pk not in taken]
    if not rows:
        return 0
    # Somebody may have asked since the look above; the constraint decides, and both are served by one row.
    before = Analysis.objects.unfinished().filter(image_id__in=[row.image_id for row in rows], api=api)
    Analysis.objects.bulk_create(rows, ignore_conflicts=True)
    return before.filter(batch=columns["batch"]).count() if "batch" in columns else len(rows)


def _detach_from_batches(image_ids: list[int], api: str, *, is_bulk: bool, is_forced: bool) -> int:
    """Take what waits in bulk runs out of them; answers how many analyses that were."""
    _promote_samples(image_ids, api)
    waits = Analysis.objects.filter(
        image_id__in=image_ids, api=api, is_bulk=True, state__in=[Analysis.State.QUEUED, Analysis.State.PAUSED]
    )
    if is_bulk:
        waits = waits.exclude(batch=None)
    if is_forced:
        waits.update(is_forced=True)
    return waits.update(state=Analysis.State.QUEUED, batch=None, is_bulk=is_bulk, next_attempt_at=Now())


def _promote_samples(image_ids: list[int], api: str) -> None:
    """An open sample would change nothing when it is answered; somebody asks for more, so now it shall."""
    Analysis.objects.unfinished().filter(image_id__in=image_ids, api=api, is_sample=True).update(is_sample=False)


def _spread_schedule(batch: Batch, api: str, image_ids: list[int] | None = None) -> None:
    """Make a batch's analyses due one after the other, at its own pace, after those that are due already."""
    only = "" if image_ids is None else "AND image_id = ANY(%(ids)s)"
    others = "false" if image_ids is None else "NOT image_id = ANY(%(ids)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH meant AS (
                SELECT id, row_number() OVER (ORDER BY id) AS place FROM analysis_analysis
                WHERE batch_id = %(batch)s AND state = 'queued' AND api = %(api)s {only}),
            start AS (
                SELECT greatest(clock_timestamp(), max(next_attempt_at)) AS at FROM analysis_analysis
                WHERE batch_id = %(batch)s AND state = 'queued' AND api = %(api)s AND {others})
            UPDATE analysis_analysis analysis
            SET next_attempt_at = start.at + make_interval(secs => meant.place / %(rate)s::float)
            FROM meant, start WHERE analysis.id = meant.id
            """,  # noqa: S608
            {"batch": batch.pk, "api": api, "ids": image_ids, "rate": batch.rate},
        )


def due_apis(batch_id: int) -> list[str]:
    """The APIs with analyses of this batch that a worker may take now."""
    waits = Analysis.objects.filter(batch_id=batch_id, state=Analysis.State.QUEUED, next_attempt_at__lte=Now())
    return sorted(waits.filter(image__trashed_at=None).values_list("api", flat=True).distinct())


def pause_items(batch_id: int) -> None:
    """A paused batch's waiting analyses: no worker takes them."""
    waits = Analysis.objects.filter(batch_id=batch_id, state=Analysis.State.QUEUED, is_bulk=True)
    waits.update(state=Analysis.State.PAUSED)


def resume_items(batch: Batch) -> None:
    """A resumed batch's analyses wait for a worker again."""
    held = Analysis.objects.filter(batch=batch, state=Analysis.State.PAUSED)
    held.update(state=Analysis.State.QUEUED, next_attempt_at=Now())
    for api in batch.apis if batch.rate else ():
        _spread_schedule(batch, api)


def delete_pending(batch_id: int) -> None:
    """Forget what a cancelled batch has waiting; its pictures keep the answers they have."""
    waits = [Analysis.State.QUEUED, Analysis.State.PAUSED]
    Analysis.objects.filter(batch_id=batch_id, state__in=waits, is_bulk=True).delete()
