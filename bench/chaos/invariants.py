"""Conditions that hold after any fault, by the library and the simulator."""

from __future__ import annotations

from dataclasses import dataclass

from bench.chaos.environment import Environment

QUERY = """
WITH selected AS (SELECT unnest('{{{ids}}}'::bigint[]) AS image_id),
     requested AS (SELECT analysis.* FROM analysis_analysis analysis JOIN selected USING (image_id)),
     sent AS (SELECT call.* FROM analysis_call call JOIN requested ON requested.id = call.analysis_id),
     labeled AS (SELECT label.* FROM analysis_imagelabel label JOIN selected USING (image_id))
SELECT (SELECT count(*) FROM selected JOIN analysis_image image ON image.id = selected.image_id),
       (SELECT count(*) FROM selected WHERE image_id NOT IN (
            SELECT image_id FROM requested WHERE state = 'done' OR state = 'failed' AND error_code <> '')),
       (SELECT count(*) FROM requested WHERE state IN ('queued', 'running')),
       (SELECT count(*) FROM requested WHERE state = 'done' AND is_current),
       (SELECT count(*) FROM requested WHERE state = 'failed'),
       (SELECT count(*) - count(DISTINCT (image_id, label_id)) FROM labeled),
       (SELECT count(*) FROM requested WHERE state = 'done' AND id NOT IN (SELECT analysis_id FROM labeled)),
       (SELECT count(*) FROM sent WHERE price > 0)
"""


@dataclass(frozen=True)
class Invariants:
    """Counts of the pictures in progress; `paid` by simulator, `booked` by ledger."""

    pictures: int
    unfinished: int
    open: int
    done: int
    failed: int
    duplicate_labels: int
    unlabeled: int
    booked: int
    paid: int

    def violations(self, *, pictures: int, in_flight: int, may_fail: bool = False) -> list[str]:
        """Sentences about broken conditions; `in_flight` requests were lost."""
        conditions = {
            f"{self.pictures} of {pictures} pictures exist": self.pictures == pictures,
            f"{self.unfinished} pictures are neither done nor failed with a cause": self.unfinished == 0,
            f"{self.open} analyses are still open": self.open == 0,
            f"{self.failed} failed": may_fail or self.failed == 0,
            f"{self.duplicate_labels} labels are duplicates": self.duplicate_labels == 0,
            f"{self.unlabeled} analyzed pictures have no label": self.unlabeled == 0,
            # A request of a killed worker may be paid without a result. The ledger may show more than the bill, but
            # never less.
            f"{self.paid} calls were paid for {self.done} results and {in_flight} in flight": self.paid
            <= self.done + in_flight,
            f"{self.booked} calls are booked for {self.done} results and {in_flight} in flight": self.booked
            <= self.done + in_flight,
            f"{self.booked} calls are booked, {self.paid} were paid": self.booked >= self.paid,
        }
        return [sentence for sentence, holds in conditions.items() if not holds]


def check_invariants(chaos: Environment) -> Invariants:
    (row,) = chaos.rows(QUERY.format(ids=",".join(map(str, chaos.images))))
    return Invariants(*row, paid=chaos.simulator.statistics()["paid"])
