"""Queues analyses of single images and of bulk runs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from structlog.contextvars import get_contextvars

from analysis.models import Analysis, Batch, Image
from analysis.recognition import registry

logger = logging.getLogger(__name__)
# Ids of pictures in a log line, by which a request can be followed.
LOGGED_IMAGES = 50


def enqueue(image_ids: Iterable[int], *, apis: Iterable[str], is_bulk: bool = False, is_forced: bool = False) -> int:
    """Queue these APIs for these images, except where one is unfinished.

    Returns the number of analyses.
    Images in the trash are skipped. An analysis that waits in a bulk run is detached from it: it no longer pauses or
    ends with the run, and unless `is_bulk` it is claimed before all bulk work. `is_forced`: ignore cached responses.
    """
    recognizer, ids = registry.current().name, list(image_ids)
    with transaction.atomic():
        count = 0
        for api in apis:
            count += _detach_from_batches(ids, api, is_bulk=is_bulk, is_forced=is_forced)
            columns = {"recognizer": recognizer, "parameters": registry.parameters(api)}
            count += _insert(ids, api=api, is_bulk=is_bulk, is_forced=is_forced, **columns)
    if count and get_contextvars():
        # In addition to the id of the request or task: a worker handles many requests at once, and a command has no id.
        logger.info("analyses queued: %d", count, extra={"image_ids": ids[:LOGGED_IMAGES]})
    return count


def enqueue_batch(batch: Batch, *, api: str, image_ids: list[int]) -> int:
    """Queue one API for some images of a batch, at the batch's rate if it has one.

    Returns the number of analyses.
    Analyses that are paused in another batch are taken over, except for a sample.
    """
    columns = {
        "batch": batch,
        "recognizer": batch.recognizer,
        "parameters": batch.parameters[api],
        "is_bulk": True,
        "is_forced": batch.is_forced,
        "is_sample": batch.is_sample,
    }
    count = 0
    if not batch.is_sample:
        # Taken over, since the batch that paused them may never be resumed.
        paused = Analysis.objects.filter(image_id__in=image_ids, api=api, state=Analysis.State.PAUSED)
        count = paused.update(**columns, state=Analysis.State.QUEUED, attempts=0, next_attempt_at=Now())
        _promote_samples(image_ids, api)
    count += _insert(image_ids, api=api, **columns)
    if batch.rate and count:
        _spread_schedule(batch, api, image_ids)
    return count


def _insert(image_ids: list[int], *, api: str, **columns: Any) -> int:
    active = set(Image.objects.filter(pk__in=image_ids, trashed_at=None).values_list("pk", flat=True))
    unfinished = set(
        Analysis.objects.unfinished().filter(image_id__in=image_ids, api=api).values_list("image_id", flat=True)
    )
    rows = [Analysis(image_id=pk, api=api, **columns) for pk in image_ids if pk in active and pk not in unfinished]
    if not rows:
        return 0
    # Another request may have inserted a row since the query above; the unique constraint keeps one for both.
    before = Analysis.objects.unfinished().filter(image_id__in=[row.image_id for row in rows], api=api)
    Analysis.objects.bulk_create(rows, ignore_conflicts=True)
    return before.filter(batch=columns["batch"]).count() if "batch" in columns else len(rows)


def _detach_from_batches(image_ids: list[int], api: str, *, is_bulk: bool, is_forced: bool) -> int:
    """Take analyses that wait in bulk runs out of them; returns their number."""
    _promote_samples(image_ids, api)
    waiting = Analysis.objects.filter(
        image_id__in=image_ids, api=api, is_bulk=True, state__in=[Analysis.State.QUEUED, Analysis.State.PAUSED]
    )
    if is_bulk:
        waiting = waiting.exclude(batch=None)
    if is_forced:
        waiting.update(is_forced=True)
    return waiting.update(state=Analysis.State.QUEUED, batch=None, is_bulk=is_bulk, next_attempt_at=Now())


def _promote_samples(image_ids: list[int], api: str) -> None:
    """Turn unfinished samples into normal analyses, whose results become current."""
    # Another analysis cannot be queued beside it, since only one may be unfinished per image and API.
    Analysis.objects.unfinished().filter(image_id__in=image_ids, api=api, is_sample=True).update(is_sample=False)


def _spread_schedule(batch: Batch, api: str, image_ids: list[int] | None = None) -> None:
    """Make a batch's analyses due one after another at the batch's rate."""
    chosen = "" if image_ids is None else "AND image_id = ANY(%(ids)s)"
    others = "false" if image_ids is None else "NOT image_id = ANY(%(ids)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH scheduled AS (
                SELECT id, row_number() OVER (ORDER BY id) AS position FROM analysis_analysis
                WHERE batch_id = %(batch)s AND state = 'queued' AND api = %(api)s {chosen}),
            start AS (
                SELECT greatest(clock_timestamp(), max(next_attempt_at)) AS at FROM analysis_analysis
                WHERE batch_id = %(batch)s AND state = 'queued' AND api = %(api)s AND {others})
            UPDATE analysis_analysis analysis
            SET next_attempt_at = start.at + make_interval(secs => scheduled.position / %(rate)s::float)
            FROM scheduled, start WHERE analysis.id = scheduled.id
            """,
            {"batch": batch.pk, "api": api, "ids": image_ids, "rate": batch.rate},
        )


def due_apis(batch_id: int) -> list[str]:
    """The APIs with analyses of this batch that a worker may claim now."""
    due = Analysis.objects.filter(batch_id=batch_id, state=Analysis.State.QUEUED, next_attempt_at__lte=Now())
    return sorted(due.filter(image__trashed_at=None).values_list("api", flat=True).distinct())


def pause_items(batch_id: int) -> None:
    """Hide a batch's queued analyses from workers."""
    queued = Analysis.objects.filter(batch_id=batch_id, state=Analysis.State.QUEUED, is_bulk=True)
    queued.update(state=Analysis.State.PAUSED)


def resume_items(batch: Batch) -> None:
    """Queue a batch's paused analyses again, at its rate."""
    paused = Analysis.objects.filter(batch=batch, state=Analysis.State.PAUSED)
    paused.update(state=Analysis.State.QUEUED, next_attempt_at=Now())
    for api in batch.apis if batch.rate else ():
        _spread_schedule(batch, api)


def delete_pending(batch_id: int) -> None:
    """Delete the queued and paused analyses of a canceled batch; results so far stay."""
    pending = [Analysis.State.QUEUED, Analysis.State.PAUSED]
    Analysis.objects.filter(batch_id=batch_id, state__in=pending, is_bulk=True).delete()
