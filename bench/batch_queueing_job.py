"""Jobs of bench/batch_queueing.py, run by `manage.py shell -c`."""

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

ENTRIES, QUEUED = 500, 10_000


def queue_all(count: int) -> None:
    """Queue a batch over all pictures; print its seconds and peak MB as JSON."""
    _add_images(count)
    batch = _start_batch()
    began = time.perf_counter()
    queueing.queue_next(batch.pk, max_pending=queueing.MAX_PENDING // 10)
    first = time.perf_counter() - began
    began = time.perf_counter()
    while not Batch.objects.get(pk=batch.pk).is_fully_queued:
        queueing.queue_next(batch.pk, max_pending=2 * count)
    seconds = first + time.perf_counter() - began
    queued = batch.analyses.count()
    if queued != count:
        raise ValueError(f"{queued:,} of {count:,} analyses were queued.")
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "first": first, "peak": peak}))


def time_progress(count: int, *, times: int) -> None:
    """Time `progress` of a batch of `count` analyses; print milliseconds as JSON."""
    _add_images(count)
    batch = _start_batch()
    _execute(
        """
        INSERT INTO analysis_analysis (image_id, api, recognizer, model_version, parameters, state, attempts,
            finished_at, error_code, error_message, is_permanent, request_id, answer, is_current, is_pinned, is_sample,
            is_bulk, is_forced, is_reused, batch_id)
        SELECT id, 'labels', 'simulator', '3.0', '{}', CASE WHEN position <= %s THEN 'queued' ELSE 'done' END, 1, now(),
            '', '', false, '', '{}', position > %s, false, false, true, false, false, %s
        FROM (SELECT id, row_number() OVER (ORDER BY id) AS position FROM analysis_image) image
        """,
        [QUEUED, QUEUED, batch.pk],
    )
    _execute(
        "INSERT INTO analysis_batchentry (batch_id, done, failed, reused, dollars) "
        "SELECT %s, 10, 0, 0, 0.01 FROM generate_series(1, %s)",
        [batch.pk, ENTRIES],
    )
    _execute("VACUUM ANALYZE analysis_analysis", [])
    milliseconds = []
    for _ in range(times):
        began = time.perf_counter()
        progress(batch.pk)
        milliseconds.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"milliseconds": milliseconds}))


def _start_batch() -> Batch:
    batch = build_batch(all_owners=True)
    lifecycle.prepare(batch)
    lifecycle.resume(batch.pk)
    return batch


def _add_images(count: int) -> None:
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
        [owner.pk, count],
    )
    _execute("VACUUM ANALYZE analysis_image", [])


def _execute(statement: str, values: list[object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
