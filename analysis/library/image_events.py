"""Records pictures that were added or changed, for alerts and sinks."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

# One statement, since this is part of every analysis. Without alerts and sinks nothing is written.
_INSERT = """
    INSERT INTO analysis_imageevent (image_id) SELECT unnest(%s::bigint[])
    WHERE EXISTS (SELECT FROM analysis_alert WHERE is_active) OR EXISTS (SELECT FROM analysis_sink WHERE is_active)
"""


def record_changed(image_ids: Collection[int]) -> None:
    """Compare these pictures with alerts and sinks once the transaction is committed.

    Call it in the transaction of the change. The sweeper starts the comparison.
    """
    if image_ids:
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [sorted(image_ids)])
