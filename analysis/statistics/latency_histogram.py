"""How long answers take, as counts in steps: these can be added up, percentiles cannot."""

from __future__ import annotations

from collections.abc import Mapping

DOUBLED_IN = 4
"""Steps in which the time doubles: each is 19 % longer than the one before."""
BIN_EDGES = 64
"""The last holds what takes longer than 46 seconds."""


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Milliseconds within which this share of the answers came; within a step they are taken to be spread evenly."""
    rest = share * sum(counts.values())
    if not rest:
        return None
    for step in sorted(counts):
        if rest <= counts[step]:
            return milliseconds(step + rest / counts[step])
        rest -= counts[step]
    return None


def milliseconds(step: float) -> float:
    """Where a step begins."""
    return float(2 ** (step / DOUBLED_IN))


BIN_OF = f"least({BIN_EDGES - 1}, floor({DOUBLED_IN} * log(2, greatest(%s, 1)::numeric)))::int"
"""A latency's step in SQL, from 1 ms on."""
