"""How long after each fault until work goes on as fast as before, with the leases and the sweeper of a real library."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from bench import sandbox
from bench.chaos.environment import Environment, environment
from bench.chaos.faults import FAULTS, Outcome
from bench.chaos.invariants import check_invariants
from bench.report import Measurement, Report
from imagelib import embedded

QUOTA = 50  # calls a second
PICTURES = 7_000  # more than are answered until it is over
BEGUN = 500  # answers; ten seconds at full rate
AT_MOST = 90  # seconds
PATIENCE = 180.0
WINDOW = 5  # seconds over which a rate is taken
AS_BEFORE = 0.9
EARNEST = {"LEASE_SECONDS": "120", "SWEEP_SECONDS": "10"}


def measure() -> Report:
    figures, notes = [], []
    with sandbox.temporary_folder() as folder:
        var = folder / "var"
        var.mkdir()
        try:
            for name, fault in FAULTS.items():
                with environment(var, quota=QUOTA, **EARNEST) as made:
                    made.begun = BEGUN
                    figure, note = _recovered(made, name, fault)
                print(f"{note} {figure.ours:.0f} s", file=sys.stderr, flush=True)
                figures.append(figure)
                notes.append(note)
        finally:
            embedded.remove(var)
    title = f"faults while {QUOTA} pictures a second are answered, until it is {AS_BEFORE:.0%} of the rate before"
    return Report(title, figures, notes)


def _recovered(made: Environment, name: str, fault: Callable[[Environment], Outcome]) -> tuple[Measurement, str]:
    made.begin_anew()
    made.put_in_progress(PICTURES)
    outcome = fault(made)
    over_at = time.time() - (time.monotonic() - outcome.over_at)
    before = _before(made, over_at)
    took = _wait(made, over_at, AS_BEFORE * before)
    found = check_invariants(made)
    kept = f"{found.done:,} done, {found.failed} failed, {found.labels_twice} labels twice"
    note = f"{name}: {before:.0f}/s before; {kept}; {found.paid:,} calls paid for, {found.booked:,} booked."
    return Measurement(what=name, ours=took, unit="s", at_most=AT_MOST), note


def _before(made: Environment, over_at: float) -> float:
    """The best rate until the cause was gone."""
    seconds = _paid(made)
    first = min(seconds)
    return max(_rate(seconds, start) for start in range(first, max(first + 1, int(over_at) - WINDOW)))


def _wait(made: Environment, over_at: float, enough: float) -> float:
    """Seconds from when the cause was gone until the beginning of the first window that is as fast as that."""
    while time.time() - over_at < PATIENCE:
        time.sleep(1)
        seconds = _paid(made)
        last = int(time.time()) - WINDOW
        for start in range(int(over_at), last):
            if _rate(seconds, start) >= enough:
                return max(0.0, start - over_at)
    return PATIENCE


def _paid(made: Environment) -> dict[int, int]:
    return {each["second"]: each["paid"] for each in made.simulator.statistics()["seconds"]}


def _rate(seconds: dict[int, int], start: int) -> float:
    return sum(seconds.get(second, 0) for second in range(start, start + WINDOW)) / WINDOW


if __name__ == "__main__":
    print(measure().to_json())
