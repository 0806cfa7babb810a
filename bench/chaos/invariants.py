"""What must hold after any fault, told by the library's own rows and by the simulator's count."""

from __future__ import annotations

from dataclasses import dataclass

from bench.chaos.environment import Environment

OF_THESE = """
WITH these AS (SELECT unnest('{{{ids}}}'::bigint[]) AS image_id),
     asked AS (SELECT analysis.* FROM analysis_analysis analysis JOIN these USING (image_id)),
     sent AS (SELECT call.* FROM analysis_call call JOIN asked ON asked.id = call.analysis_id),
     found AS (SELECT label.* FROM analysis_imagelabel label JOIN these USING (image_id))
SELECT (SELECT count(*) FROM these JOIN analysis_image image ON image.id = these.image_id),
       (SELECT count(*) FROM these WHERE image_id NOT IN (
            SELECT image_id FROM asked WHERE state = 'done' OR state = 'failed' AND error_code <> '')),
       (SELECT count(*) FROM asked WHERE state IN ('queued', 'running')),
       (SELECT count(*) FROM asked WHERE state = 'done' AND is_current),
       (SELECT count(*) FROM asked WHERE state = 'failed'),
       (SELECT count(*) - count(DISTINCT (image_id, label_id)) FROM found),
       (SELECT count(*) FROM asked WHERE state = 'done' AND id NOT IN (SELECT analysis_id FROM found)),
       (SELECT count(*) FROM sent WHERE price > 0)
"""


@dataclass(frozen=True)
class Invariants:
    """How the pictures under way ended. `paid` is what AWS would charge for, `booked` what our ledger says."""

    pictures: int
    without_end: int
    still_open: int
    done: int
    failed: int
    labels_twice: int
    not_found: int
    booked: int
    paid: int

    def wrong(self, *, pictures: int, in_flight: int, may_fail: bool = False) -> list[str]:
        """Sentences about what does not hold; `in_flight` requests were lost with whoever had sent them."""
        claims = {
            f"{self.pictures} of {pictures} pictures are there": self.pictures == pictures,
            f"{self.without_end} pictures ended neither done nor failed with a cause": self.without_end == 0,
            f"{self.still_open} analyses are still open": self.still_open == 0,
            f"{self.failed} failed": may_fail or self.failed == 0,
            f"{self.labels_twice} labels are there twice": self.labels_twice == 0,
            f"{self.not_found} pictures that are done are not found": self.not_found == 0,
            f"{self.paid} calls were paid for {self.done} answers and {in_flight} in flight": self.paid
            <= self.done + in_flight,
            f"{self.booked} calls are booked for {self.done} answers and {in_flight} in flight": self.booked
            <= self.done + in_flight,
            f"{self.booked} calls are booked, {self.paid} were paid": self.booked >= self.paid,
        }
        return [sentence for sentence, holds in claims.items() if not holds]


def check_invariants(world: Environment) -> Invariants:
    (found,) = world.rows(OF_THESE.format(ids=",".join(map(str, world.images))))
    return Invariants(*found, paid=world.simulator.statistics()["paid"])
