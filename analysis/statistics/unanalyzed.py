"""Number of pictures that were never sent to an enabled API.

Exact in a small library; in a large one estimated from a sample, so that the time does not grow with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

SAMPLE = 2_000
"""Number of pictures read, each with a lookup per API."""


@dataclass(frozen=True)
class Unanalyzed:
    """Numbers of pictures that lack at least one analysis, and that lack each, by API."""

    pictures: int
    by_api: dict[str, int]
    is_estimate: bool = False


def unanalyzed(apis: Sequence[str], *, total: int, today: date, sample: int = SAMPLE) -> Unanalyzed:
    """Count pictures outside the trash. `total`: their approximate number.

    Failed, waiting and paused analyses count as sent. An estimate stays the same for a day.
    """
    read, missing = _missing(_NEWEST, {"apis": list(apis), "limit": sample + 1})
    if read <= sample:
        return _result(missing, factor=1.0)
    percent = min(100.0, 150 * sample / max(total, read))  # half as many again, since some are in the trash
    values = {"apis": list(apis), "percent": percent, "seed": today.toordinal(), "limit": 2 * sample}
    read, missing = _missing(_SAMPLED, values)
    result = _result(missing, factor=max(1.0, total / read) if read else 1.0)
    return Unanalyzed(result.pictures, result.by_api, is_estimate=True)


def _missing(sample: str, values: dict[str, Any]) -> tuple[int, dict[str, int]]:
    """Numbers of pictures read, and of those without an analysis by API ("": any)."""
    with connection.cursor() as cursor:
        cursor.execute(_MISSING.format(sample=sample), values)
        counts: dict[str, int] = dict(cursor.fetchall())
    return counts.pop(_READ), counts


def _result(missing: dict[str, int], *, factor: float) -> Unanalyzed:
    scaled = {api: round(number * factor) for api, number in missing.items()}
    return Unanalyzed(scaled.pop("", 0), scaled)


_READ = "read"
_NEWEST = "SELECT id FROM analysis_image WHERE trashed_at IS NULL ORDER BY id DESC LIMIT %(limit)s"
# Reads a fixed number of random pages of the table, so its time does not grow with the library.
_SAMPLED = """
    SELECT id FROM analysis_image TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (%(seed)s)
    WHERE trashed_at IS NULL LIMIT %(limit)s
"""
_MISSING = f"""
WITH picture AS MATERIALIZED ({{sample}}),
missing AS MATERIALIZED (
    SELECT picture.id, api.name FROM picture CROSS JOIN unnest(%(apis)s::text[]) api (name)
    -- LIMIT keeps the lookup by index: as an anti-join, all analyses might be read.
    WHERE (SELECT analysis.id FROM analysis_analysis analysis
           WHERE analysis.image_id = picture.id AND analysis.api = api.name AND NOT analysis.is_sample LIMIT 1) IS NULL)
SELECT '{_READ}', count(*) FROM picture
UNION ALL SELECT name, count(*) FROM missing GROUP BY name
UNION ALL SELECT '', count(DISTINCT id) FROM missing
"""
