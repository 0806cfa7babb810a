"""Faults while pictures are analyzed: each ends done or failed, none twice."""

import pytest

from bench.chaos.faults import FAULTS, TIMEOUT
from bench.chaos.invariants import check_invariants

PICTURES = 500


@pytest.mark.parametrize("fault", FAULTS)
def test_invariants_hold_after_fault(chaos, fault):
    chaos.put_in_progress(PICTURES)
    outcome = FAULTS[fault](chaos)
    chaos.wait_for_end(seconds=TIMEOUT)
    pictures = len(chaos.images)
    violations = check_invariants(chaos).violations(
        pictures=pictures, in_flight=outcome.in_flight, may_fail=outcome.may_fail
    )
    assert (violations, pictures >= PICTURES) == ([], True)
