"""Compares pictures that were added or changed with alerts and sinks."""

from __future__ import annotations

from django.db import connection, transaction

from analysis import jobs
from analysis.delivery import alert_matching, sink_matching
from analysis.models import ImageEvent

RUN_SECONDS = 60.0
STEP = 500
"""Events in one transaction, for which alerts are read only once."""
_LOCK = 7_203_411
"""Only one process compares at a time, so that deliveries about a picture are in the order of its changes."""
_TAKE = """
    DELETE FROM analysis_imageevent WHERE id IN (SELECT id FROM analysis_imageevent ORDER BY id LIMIT %s)
    RETURNING image_id
"""


def is_due() -> bool:
    return ImageEvent.objects.exists()


def compare_due() -> bool:
    """Compare all waiting pictures; True if the time ran out before."""
    return jobs.run_for(RUN_SECONDS, compare_some)


def compare_some() -> bool:
    """Write the deliveries about some pictures.

    False if none is left or another process is comparing.
    """
    with transaction.atomic():
        # In the transaction that writes the messages: a crash neither loses a message nor writes one twice.
        image_ids = _take()
        if not image_ids:
            return False
        alert_matching.match(image_ids)
        sink_matching.match(image_ids)
    return True


def try_lock() -> bool:
    """Try to lock the writing of deliveries until the transaction ends.

    False if another process has it.
    """
    with connection.cursor() as cursor:
        # Held until the commit, so that the keys of deliveries are in the order of changes.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _take() -> list[int]:
    """The pictures of the oldest events, each once; the events are deleted."""
    if not try_lock():
        return []
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [STEP])
        return sorted({image_id for (image_id,) in cursor.fetchall()})
