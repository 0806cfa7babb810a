"""Bulk runs and estimates as API values."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ninja import Schema

from analysis.batches.estimate import Estimate, warnings
from analysis.batches.progress import Progress
from analysis.models import Batch


class ApiEstimateOut(Schema):
    """`from_cache` analyses cost nothing; `up_to_date` images have a current result."""

    calls: int
    from_cache: int
    up_to_date: int
    in_progress: int
    dollars: Decimal
    seconds: float | None


class EstimateOut(Schema):
    """The most that a run would cost.

    `is_complete` is false for a selection too large to be examined whole.
    """

    images: int
    examined: int
    is_complete: bool
    calls: int
    dollars: Decimal
    seconds: float | None
    by_api: dict[str, ApiEstimateOut]
    warnings: list[str]
    token_remaining: Decimal


class BatchOut(Schema):
    """A bulk run and its progress."""

    id: int
    state: str
    reason: str
    query: str
    apis: list[str]
    images: int
    total: int | None
    done: int
    failed: int
    from_cache: int
    waiting: int
    running: int
    dollars: Decimal
    budget: Decimal | None
    seconds_left: float | None
    started_at: datetime
    finished_at: datetime | None


class BatchList(Schema):
    items: list[BatchOut]
    next: str


def batch_out(progress: Progress) -> BatchOut:
    batch = progress.batch
    return BatchOut(
        id=batch.pk,
        state=batch.state,
        reason=batch.reason,
        query=batch.query,
        apis=batch.apis,
        images=batch.images,
        total=progress.total,
        done=progress.done,
        failed=progress.failed,
        from_cache=progress.reused,
        waiting=progress.waiting,
        running=progress.running,
        dollars=progress.dollars,
        budget=batch.budget,
        seconds_left=progress.seconds_left,
        started_at=batch.started_at,
        finished_at=batch.finished_at,
    )


def estimate_out(batch: Batch, estimate: Estimate, *, token_remaining: Decimal) -> EstimateOut:
    return EstimateOut(
        images=estimate.images,
        examined=estimate.examined,
        is_complete=estimate.is_complete,
        calls=sum(api.calls for api in estimate.by_api.values()),
        dollars=estimate.dollars,
        seconds=estimate.seconds,
        by_api={
            api: ApiEstimateOut(
                calls=usage.calls,
                from_cache=usage.reused,
                up_to_date=usage.up_to_date,
                in_progress=usage.in_progress,
                dollars=usage.dollars,
                seconds=usage.seconds,
            )
            for api, usage in estimate.by_api.items()
        },
        warnings=warnings(batch, estimate),
        token_remaining=token_remaining,
    )
