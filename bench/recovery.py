"""Bench of recovery times after each fault, with default leases and sweeps."""

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
PICTURES = 7_000  # more than can be analyzed before the bench ends
BREAK_AFTER = 500  # analyses; ten seconds at full rate
TARGET = 90  # seconds
TIMEOUT = 180.0
WINDOW = 5  # seconds over which a rate is measured
RECOVERED_SHARE = 0.9
SETTINGS = {"LEASE_SECONDS": "120", "SWEEP_SECONDS": "10"}


def measure() -> Report:
    measurements, notes = [], []
    with sandbox.temporary_folder() as folder:
        var = folder / "var"
        var.mkdir()
        try:
            for name, fault in FAULTS.items():
                with environment(var, quota=QUOTA, **SETTINGS) as env:
                    env.break_after = BREAK_AFTER
                    measurement, note = _measure_recovery(env, name, fault)
                print(f"{note} {measurement.value:.0f} s", file=sys.stderr, flush=True)
                measurements.append(measurement)
                notes.append(note)
        finally:
            embedded.remove(var)
    title = f"faults at {QUOTA} pictures a second, until {RECOVERED_SHARE:.0%} of the rate before is reached"
    return Report(title, measurements, notes)


def _measure_recovery(env: Environment, name: str, fault: Callable[[Environment], Outcome]) -> tuple[Measurement, str]:
    env.reset_analyses()
    env.put_in_progress(PICTURES)
    outcome = fault(env)
    fault_ended_at = time.time() - (time.monotonic() - outcome.ended_at)
    before = _rate_before(env, fault_ended_at)
    recovery = _seconds_to_recover(env, fault_ended_at, RECOVERED_SHARE * before)
    invariants = check_invariants(env)
    counts = f"{invariants.done:,} done, {invariants.failed} failed, {invariants.duplicate_labels} double labels"
    note = (
        f"{name}: {before:.0f}/s before; {counts}; {invariants.paid:,} paid calls, {invariants.booked:,} in the ledger."
    )
    return Measurement(name=name, value=recovery, unit="s", at_most=TARGET), note


def _rate_before(env: Environment, fault_ended_at: float) -> float:
    """Best rate until the fault ended."""
    per_second = _paid(env)
    first = min(per_second)
    return max(_rate(per_second, start) for start in range(first, max(first + 1, int(fault_ended_at) - WINDOW)))


def _seconds_to_recover(env: Environment, fault_ended_at: float, rate: float) -> float:
    """Seconds from the end of the fault to the first window with this rate."""
    while time.time() - fault_ended_at < TIMEOUT:
        time.sleep(1)
        per_second = _paid(env)
        last = int(time.time()) - WINDOW
        for start in range(int(fault_ended_at), last):
            if _rate(per_second, start) >= rate:
                return max(0.0, start - fault_ended_at)
    return TIMEOUT


def _paid(env: Environment) -> dict[int, int]:
    return {row["second"]: row["paid"] for row in env.simulator.statistics()["seconds"]}


def _rate(per_second: dict[int, int], start: int) -> float:
    return sum(per_second.get(second, 0) for second in range(start, start + WINDOW)) / WINDOW


if __name__ == "__main__":
    print(measure().to_json())
