"""Measures the costs that choose between search strategies.

`python -m bench.search.costs [PICTURES]` prints ENTRY_COST and MATCH_COST of analysis/search/plans/costs.py. Their
unit is a lookup of another label on one image. Run it after changes of the index tables or of PostgreSQL's version.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import psycopg

from bench.dataset import loaded_library

PICTURES = 1_000_000
PAIRS, SCANNED, ROUNDS = 60, 3_000, 5
SCAN = """
    SELECT count(*) FROM (
        SELECT image_id FROM analysis_imagelabel WHERE label_id = {label}
        ORDER BY sort_time DESC, image_id DESC LIMIT {limit}) d WHERE {condition}
"""
LOOKUP = """
    coalesce((SELECT confidence FROM analysis_imagelabel p WHERE p.image_id = d.image_id AND p.label_id = {}), -1) >= 0
"""
BOTH = """
    SELECT count(*) FROM (
        SELECT image_id, sort_time FROM analysis_imageindex
        WHERE array_to_tsvector(label_ids::text[]) @@ '{first} & {second}'::tsquery
        ORDER BY sort_time DESC, image_id DESC LIMIT 61) d
"""


def measure(connection: psycopg.Connection) -> tuple[float, float, float]:
    """Microseconds of a lookup, and the costs of an entry and of a match in lookups."""
    counts = dict(
        connection.execute(
            "SELECT id, image_count FROM analysis_label WHERE image_count > 0 AND kind = 'label'"
        ).fetchall()
    )
    ranked = sorted(counts, key=lambda label: -counts[label])
    generator = np.random.default_rng(3)
    pairs = [generator.choice(ranked[: len(ranked) // 10], 2, replace=False).tolist() for _ in range(PAIRS)]
    lookup = median(_lookup_time(connection, first, second) for first, second in pairs[:10])
    rows = []
    for first, second in pairs:
        [(matches,)] = connection.execute(
            "SELECT count(*) FROM analysis_imageindex WHERE array_to_tsvector(label_ids::text[]) @@ %s::tsquery",
            [f"{first} & {second}"],
        ).fetchall()
        rows.append(
            (min(counts[first], counts[second]), matches, _fastest(connection, BOTH.format(first=first, second=second)))
        )
    entry, match = _fit(rows)
    return lookup, entry / lookup, match / lookup


def _lookup_time(connection: psycopg.Connection, first: int, second: int) -> float:
    """Microseconds to look up another label on one image."""
    scan, with_lookup = (
        _fastest(connection, SCAN.format(label=first, limit=SCANNED, condition=condition))
        for condition in ("true", LOOKUP.format(second))
    )
    return (with_lookup - scan) / SCANNED


def _fit(rows: Sequence[tuple[int, int, float]]) -> tuple[float, float]:
    """Microseconds of an entry and of a match, by least squares."""
    factors = np.array([(entries, matches, 1) for entries, matches, _ in rows], float)
    (entry, match, _), *_ = np.linalg.lstsq(factors, np.array([elapsed for *_, elapsed in rows]), rcond=None)
    return float(entry), float(match)


def _fastest(connection: psycopg.Connection, statement: str) -> float:
    """Microseconds of the server's processor in the fastest run."""
    times = []
    for _ in range(ROUNDS):
        began = _processor_time(connection)
        connection.execute(statement.encode()).fetchall()
        times.append(_processor_time(connection) - began)
    return min(times)


def _processor_time(connection: psycopg.Connection) -> float:
    """Microseconds of the connection's server process, whatever else is running."""
    return int(Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()[0]) / 1_000


def main() -> None:
    pictures = int(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    with loaded_library(pictures) as library, psycopg.connect(library.url, autocommit=True) as connection:
        # The time of parallel workers would not be that of this connection's process.
        connection.execute("SET max_parallel_workers_per_gather = 0")
        lookup, entry, match = measure(connection)
    print(f"A lookup takes {lookup:.2f} µs. ENTRY_COST {entry:.2f}, MATCH_COST {match:.2f}")


if __name__ == "__main__":
    main()
