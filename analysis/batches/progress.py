"""Progress of batches, read from counters, whatever their size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from analysis.models import Batch


@dataclass(frozen=True)
class Progress:
    """Counters of a batch; `waiting` are analyses queued, running or paused."""

    batch: Batch
    done: int
    failed: int
    reused: int
    dollars: Decimal
    waiting: int
    running: int

    @property
    def ended(self) -> int:
        return self.done + self.failed

    @property
    def total(self) -> int | None:
        """Expected number of analyses; None if neither estimated nor fully queued."""
        if self.batch.is_fully_queued:
            return self.batch.queued
        expected = self.batch.expected
        # Pictures may be added after the estimate, but a run never shows more than 100 %.
        return None if expected is None else max(expected, self.batch.queued)

    @property
    def is_ending(self) -> bool:
        """True after the last analysis, until the run is closed."""
        run = self.batch
        return run.state == Batch.State.RUNNING and run.is_fully_queued and 0 < run.queued <= self.ended

    @property
    def seconds_left(self) -> float | None:
        if self.total is None or self.batch.pace <= 0 or self.batch.state != Batch.State.RUNNING:
            return None
        return max(self.total - self.ended, 0) / self.batch.pace


def progress(batch_id: int) -> Progress | None:
    """Progress of one batch; None if it does not exist."""
    return next(iter(progress_of(Batch.objects.filter(pk=batch_id))), None)


def progress_of(batches: Iterable[Batch]) -> list[Progress]:
    """Progress of several batches, with one more query."""
    batches = list(batches)
    counters = _counters([batch.pk for batch in batches])
    return [
        Progress(
            batch,
            batch.done + done,
            batch.failed + failed,
            batch.reused + reused,
            batch.dollars + dollars,
            waiting,
            running,
        )
        for batch in batches
        for done, failed, reused, dollars, waiting, running in [counters[batch.pk]]
    ]


def fold() -> None:
    """Add entries to their batches, delete them and update each batch's throughput."""
    with connection.cursor() as cursor:
        # One statement, so that entries are deleted and added in the same snapshot, and none is lost or counted twice,
        # even after a crash. clock_timestamp(), since now() is the start of the transaction.
        cursor.execute(
            """
            WITH deleted AS (DELETE FROM analysis_batchentry RETURNING *),
                 sums AS (SELECT batch_id, sum(done) AS done, sum(failed) AS failed, sum(reused) AS reused,
                                 sum(dollars) AS dollars FROM deleted GROUP BY batch_id)
            UPDATE analysis_batch batch
            SET done = batch.done + coalesce(sums.done, 0), failed = batch.failed + coalesce(sums.failed, 0),
                reused = batch.reused + coalesce(sums.reused, 0), dollars = batch.dollars + coalesce(sums.dollars, 0),
                pace = coalesce(sums.done + sums.failed, 0)
                       / greatest(extract(epoch FROM clock_timestamp() - batch.aggregated_at), 1),
                aggregated_at = clock_timestamp()
            FROM analysis_batch same LEFT JOIN sums ON sums.batch_id = same.id
            WHERE batch.id = same.id AND (sums.batch_id IS NOT NULL OR same.pace > 0 OR same.state = 'running')
            """
        )


def _counters(ids: list[int]) -> dict[int, tuple[int, int, int, Decimal, int, int]]:
    with connection.cursor() as cursor:
        # Includes entries that fold() has not added yet, so that the numbers do not jump every few seconds.
        cursor.execute(
            """
            SELECT requested.id, entries.*, (
                       SELECT count(*) FROM analysis_analysis
                       WHERE batch_id = requested.id AND state IN ('queued', 'running', 'paused')), (
                       SELECT count(*) FROM analysis_analysis WHERE batch_id = requested.id AND state = 'running')
            FROM unnest(%s::bigint[]) requested (id)
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(done), 0), coalesce(sum(failed), 0), coalesce(sum(reused), 0),
                       coalesce(sum(dollars), 0)
                FROM analysis_batchentry WHERE batch_id = requested.id) entries
            """,
            [ids],
        )
        return {batch_id: tuple(rest) for batch_id, *rest in cursor.fetchall()}
