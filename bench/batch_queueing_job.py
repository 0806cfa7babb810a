"""Batches over rows without blobs, for bench/batch_queueing.py. Run by `manage.py shell -c`; prints JSON."""

from __future__ import annotations

import json
import time
from resource import RUSAGE_SELF, getrusage

from django.contrib.auth import get_user_model
from django.db import connection

from analysis.batches import lifecycle, queueing
from analysis.batches.options import build_batch
from analysis.batches.progress import progress
from analysis.models import Batch

ENTRIES, WAITING = 500, 10_000


def queue_all(number: int) -> None:
    """A fresh library of so many pictures, and a batch over all of them, as far as the last queued analysis."""
    _fill(number)
    batch = _started()
    began = time.perf_counter()
    queueing.queue_next(batch.pk, most_open=queueing.MAX_PENDING // 10)
    first = time.perf_counter() - began
    began = time.perf_counter()
    while not Batch.objects.get(pk=batch.pk).is_fully_queued:
        queueing.queue_next(batch.pk, most_open=2 * number)
    seconds = first + time.perf_counter() - began
    queued = batch.analyses.count()
    if queued != number:
        raise ValueError(f"{queued:,} analyses are queued, {number:,} should be.")
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "first": first, "peak": peak}))


def time_progress(number: int, *, times: int) -> None:
    """A batch with so many analyses, nearly all of them done; how long each look at its progress takes."""
    _fill(number)
    batch = _started()
    _execute(
        """
        INSERT INTO analysis_analysis (image_id, api, recognizer, model_version, parameters, state, attempts,
            finished_at, error_code, error_message, is_permanent, request_id, answer, is_current, is_pinned, is_sample,
            is_bulk, is_forced, is_reused, batch_id)
        SELECT id, 'labels', 'simulator', '3.0', '{}', CASE WHEN place <= %s THEN 'queued' ELSE 'done' END, 1, now(),
            '', '', false, '', '{}', place > %s, false, false, true, false, false, %s
        FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM analysis_image) image
        """,
        [WAITING, WAITING, batch.pk],
    )
    _execute(
        "INSERT INTO analysis_batchentry (batch_id, done, failed, reused, dollars) "
        "SELECT %s, 10, 0, 0, 0.01 FROM generate_series(1, %s)",
        [batch.pk, ENTRIES],
    )
    _execute("VACUUM ANALYZE analysis_analysis", [])
    took = []
    for _ in range(times):
        began = time.perf_counter()
        progress(batch.pk)
        took.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"milliseconds": took}))


def _started() -> Batch:
    batch = build_batch(all_owners=True)
    lifecycle.prepare(batch)
    lifecycle.resume(batch.pk)
    return batch


def _fill(number: int) -> None:
    owner = get_user_model().objects.get(username="bench")
    _execute("TRUNCATE analysis_image CASCADE", [])
    _execute(
        """
        INSERT INTO analysis_image (owner_id, visibility, filename, title, key, renditions_id, sha256, size, width,
            height, format, placeholder, camera_make, camera_model, lens, added_at)
        SELECT %s, 0, n || '.jpg', '', 'originals/' || n || '.jpg', gen_random_uuid(), lpad(to_hex(n), 64, '0'), 1000,
            160, 120, 'jpeg', '', '', '', '', now() - make_interval(secs => n)
        FROM generate_series(1, %s) n
        """,
        [owner.pk, number],
    )
    _execute("VACUUM ANALYZE analysis_image", [])


def _execute(statement: str, values: list[object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
