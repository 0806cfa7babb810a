"""Counts of requests and outcomes, which tests compare with the ledger."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import Any

from imagelib.simulator.errors import THROTTLES

ANSWERED = "answered"
UNHEARD = "unheard"  # sent after the client had closed the connection
DROPPED = "dropped"
DROPPED_EARLY = "dropped early"
CUT = "cut"
MALFORMED = "malformed"
SILENT = "silent"
PAGE = "page"  # an HTML page instead of Rekognition's response
# AWS bills every call that was processed, even if its response does not arrive.
PAID = frozenset({ANSWERED, UNHEARD, DROPPED, CUT, MALFORMED, SILENT})

HISTORY_SECONDS = 3600  # of the counts by second


class Statistics:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Clear all counts except that of requests in flight."""
        self.in_flight = getattr(self, "in_flight", 0)
        self.in_flight_peak = self.in_flight
        self.bytes_received = 0
        self.since = time.time()
        self._processor_seconds = time.process_time()
        self._received: Counter[str] = Counter()
        self._outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._pictures: defaultdict[str, Counter[bytes]] = defaultdict(Counter)
        self._seconds: dict[int, list[int]] = {}

    def begin(self, operation: str, *, size: int) -> None:
        self._received[operation] += 1
        self.bytes_received += size
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight, self.in_flight_peak)
        self._current_second()[0] += 1

    def end(self, operation: str, outcome: str, *, picture: bytes | None) -> None:
        """Count an outcome, one of the above or an error code; `picture` is a digest."""
        self.in_flight -= 1
        self._outcomes[operation][outcome] += 1
        if outcome in PAID:
            self._current_second()[1] += 1
            if picture is not None:
                self._pictures[operation][picture] += 1
        elif outcome in THROTTLES:
            self._current_second()[2] += 1

    def _current_second(self) -> list[int]:
        now = int(time.time())
        if now not in self._seconds:
            self._seconds[now] = [0, 0, 0]
            self._seconds.pop(now - HISTORY_SECONDS, None)
        return self._seconds[now]

    def pictures(self) -> dict[str, dict[str, int]]:
        """Paid calls by operation and SHA-256 of the picture or S3 reference."""
        return {
            operation: {digest.hex(): times for digest, times in pictures.items()}
            for operation, pictures in self._pictures.items()
        }

    def as_json(self) -> dict[str, Any]:
        total: Counter[str] = sum(self._outcomes.values(), Counter())
        received = self._received.total()
        processor = time.process_time() - self._processor_seconds
        return {
            "since": self.since,
            "requests": received,
            "answered": total[ANSWERED],
            "paid": sum(total[outcome] for outcome in PAID),
            "throttled": sum(total[code] for code in THROTTLES),
            "outcomes": dict(total),
            "operations": {name: {"requests": n, **self._outcomes[name]} for name, n in self._received.items()},
            "pictures": self._picture_counts(),
            "in_flight": self.in_flight,
            "in_flight_peak": self.in_flight_peak,
            "bytes_received": self.bytes_received,
            "processor_ms_per_request": round(processor * 1000 / received, 3) if received else None,
            "seconds": [
                {"second": second, "received": received, "paid": paid, "throttled": throttled}
                for second, (received, paid, throttled) in sorted(self._seconds.items())
            ],
        }

    def _picture_counts(self) -> dict[str, dict[str, int]]:
        """Pictures by operation; `paid_again` counts calls beyond the first."""
        return {
            operation: {"different": len(pictures), "paid_again": pictures.total() - len(pictures)}
            for operation, pictures in self._pictures.items()
        }
