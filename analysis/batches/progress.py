"""How far a batch is, in one look, whatever its size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from analysis.models import Batch


@dataclass(frozen=True)
class Progress:
    """A batch at one moment. `waiting` counts analyses that are queued, running or held back."""

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
        """All analyses there will be, as far as known: counted beforehand, or laid out in full."""
        if self.batch.is_fully_queued:
            return self.batch.asked
        expected = self.batch.expected
        return None if expected is None else max(expected, self.batch.asked)

    @property
    def seconds_left(self) -> float | None:
        if self.total is None or self.batch.pace <= 0 or self.batch.state != Batch.State.RUNNING:
            return None
        return max(self.total - self.ended, 0) / self.batch.pace


def progress(batch_id: int) -> Progress | None:
    """One batch's, or None where there is no such batch."""
    return next(iter(progress_of(Batch.objects.filter(pk=batch_id))), None)


def progress_of(batches: Iterable[Batch]) -> list[Progress]:
    """Of each of these batches, in two statements."""
    found = list(batches)
    counted = _counted([batch.pk for batch in found])
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
        for batch in found
        for done, failed, reused, dollars, waiting, running in [counted[batch.pk]]
    ]


def fold() -> None:
    """Add the entries to their batches and delete them; what ended since the last time gives each one's pace."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH taken AS (DELETE FROM analysis_batchentry RETURNING *),
                 sums AS (SELECT batch_id, sum(done) AS done, sum(failed) AS failed, sum(reused) AS reused,
                                 sum(dollars) AS dollars FROM taken GROUP BY batch_id)
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


def _counted(ids: list[int]) -> dict[int, tuple[int, int, int, Decimal, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.id, entries.*, (
                       SELECT count(*) FROM analysis_analysis
                       WHERE batch_id = asked.id AND state IN ('queued', 'running', 'paused')), (
                       SELECT count(*) FROM analysis_analysis WHERE batch_id = asked.id AND state = 'running')
            FROM unnest(%s::bigint[]) asked (id)
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(done), 0), coalesce(sum(failed), 0), coalesce(sum(reused), 0),
                       coalesce(sum(dollars), 0)
                FROM analysis_batchentry WHERE batch_id = asked.id) entries
            """,
            [ids],
        )
        return {batch_id: tuple(rest) for batch_id, *rest in cursor.fetchall()}
