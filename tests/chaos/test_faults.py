"""Pictures under way, something breaks: each ends done or failed with a cause, nothing twice, and nobody helps."""

import pytest

from bench.chaos.faults import FAULTS, TIMEOUT
from bench.chaos.invariants import check_invariants

PICTURES = 500


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost(world, fault):
    world.put_in_progress(PICTURES)
    outcome = FAULTS[fault](world)
    world.wait_for_end(seconds=TIMEOUT)
    pictures = len(world.images)
    wrong = check_invariants(world).violations(
        pictures=pictures, in_flight=outcome.in_flight, may_fail=outcome.may_fail
    )
    assert (wrong, pictures >= PICTURES) == ([], True)
