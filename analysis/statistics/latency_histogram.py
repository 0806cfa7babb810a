"""A histogram of response times.

Unlike percentiles, its counts can be added up over hours and APIs.
"""

from __future__ import annotations

from collections.abc import Mapping

# Each bin is 19 % wider than the one before.
BINS_PER_DOUBLING = 4
# Number of bins; the last one has all times over 46 seconds.
BIN_EDGES = 64


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Milliseconds within which a `share` (0 to 1) of the responses arrived."""
    rest = share * sum(counts.values())
    if not rest:
        return None
    for step in sorted(counts):
        if rest <= counts[step]:
            return milliseconds(step + rest / counts[step])
        rest -= counts[step]
    return None


def milliseconds(step: float) -> float:
    """The lower edge of a bin."""
    return float(2 ** (step / BINS_PER_DOUBLING))


# SQL for the bin of a latency in milliseconds; %s is the column.
BIN_OF = f"least({BIN_EDGES - 1}, floor({BINS_PER_DOUBLING} * log(2, greatest(%s, 1)::numeric)))::int"
