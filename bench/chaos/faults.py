"""Faults: each breaks something and repairs it; imagelib must recover by itself."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import photos
from bench.chaos.environment import LEASE, THREADS, Environment, Program
from bench.chaos.storage import FLAG

KILLS = 3
DURATIONS = {"redis": 3.0, "postgres": 2.0, "simulator": 20.0, "throttled": 10.0, "credentials": 8.0, "disk": 6.0}  # s
IMPORTED = 120
CLOCK = Path(__file__).parent / "clock"


@dataclass(frozen=True)
class Outcome:
    """End of a fault (monotonic seconds), and number of requests lost with a worker."""

    ended_at: float
    in_flight: int = 0
    may_fail: bool = False


def start_work(chaos: Environment, **env: str) -> Program:
    """Start a scheduler and a worker, and wait for the first results."""
    chaos.scheduler()
    worker = chaos.worker(**env)
    chaos.wait_for_done(chaos.break_after)
    return worker


def kill_worker(chaos: Environment) -> Outcome:
    """Kill a worker three times, and start another each time."""
    worker, in_flight, killed_at = start_work(chaos), 0, 0.0
    for number in range(1, KILLS + 1):
        killed_at = time.monotonic()
        in_flight += chaos.kill_worker(worker)
        worker = chaos.worker(f"worker-{number}")
        chaos.wait_for_done(chaos.count_analyses("done") + chaos.break_after)
    return Outcome(killed_at, in_flight)


def empty_redis(chaos: Environment) -> Outcome:
    """Kill Redis and start it empty: without messages and rate limiter state."""
    start_work(chaos)
    chaos.stop_redis()
    time.sleep(DURATIONS["redis"])
    chaos.start_redis()
    return Outcome(time.monotonic())


def restart_postgres(chaos: Environment) -> Outcome:
    start_work(chaos)
    chaos.restart_postgres(pause=DURATIONS["postgres"])
    return Outcome(time.monotonic())


def close_simulator(chaos: Environment) -> Outcome:
    """Refuse connections. Requests that were in flight count as paid."""
    start_work(chaos)
    with chaos.simulator_closed():
        time.sleep(DURATIONS["simulator"])
    return Outcome(time.monotonic(), THREADS)  # at most this many were in flight when it closed


def throttle(chaos: Environment) -> Outcome:
    start_work(chaos)
    chaos.simulator.set(tps=chaos.quota / 10, burst=1)
    time.sleep(DURATIONS["throttled"])
    chaos.simulator.set(tps=chaos.quota, burst=None)
    return Outcome(time.monotonic())


def revoke_credentials(chaos: Environment) -> Outcome:
    start_work(chaos)
    chaos.simulator.set(credentials="UnrecognizedClientException")
    time.sleep(DURATIONS["credentials"])
    chaos.simulator.set(credentials="")
    return Outcome(time.monotonic())


def fill_disk(chaos: Environment) -> Outcome:
    """Import a folder while the disk is full, and again afterwards."""
    flag, folder = chaos.var / "disk-is-full", chaos.var / "pictures-to-import"
    folder.mkdir()
    for number in range(IMPORTED):
        photos.photo(number, 96, 96).save(folder / f"{number}.jpg")
    env = {FLAG: str(flag), "DJANGO_SETTINGS_MODULE": "bench.chaos.settings"}
    start_work(chaos, **env)
    last_id = chaos.scalar("SELECT max(id) FROM analysis_image")
    arguments = ("import_images", str(folder), "--owner", "bench")
    flag.touch()
    failed_import = chaos.manage(*arguments, **env)
    flag.unlink()
    fault_ended_at = time.monotonic()
    if failed_import.returncode == 0 or "No space left on device" not in failed_import.stderr:
        raise AssertionError(f"The import should have failed: {failed_import.stdout}{failed_import.stderr}")
    repeated_import = chaos.manage(*arguments, **env)
    numbers = re.findall(r"\d+", repeated_import.stdout)  # imported, duplicates, rejected
    if repeated_import.returncode or numbers[-3:] != [str(IMPORTED), "0", "0"]:
        raise AssertionError(f"The import should have succeeded: {repeated_import.stdout}{repeated_import.stderr}")
    chaos.images += [image_id for (image_id,) in chaos.rows(f"SELECT id FROM analysis_image WHERE id > {last_id}")]
    return Outcome(fault_ended_at)


def run_two_sweepers(chaos: Environment) -> Outcome:
    """Two sweepers requeue the analyses of a killed worker at the same time."""
    worker = start_work(chaos)
    chaos.scheduler("second-scheduler")
    chaos.worker("second-worker")
    killed_at = time.monotonic()
    in_flight = chaos.kill_worker(worker)
    chaos.worker("third-worker")
    return Outcome(killed_at, in_flight)


def shift_clocks(chaos: Environment) -> Outcome:
    """Run two workers whose clocks are ten minutes fast and slow; kill one of them."""
    chaos.scheduler()
    # Python imports sitecustomize.py from that folder at its start, which shifts the clock of the process.
    fast = chaos.worker("fast-clock", PYTHONPATH=str(CLOCK), CLOCK_SHIFT="600")
    chaos.worker("slow-clock", PYTHONPATH=str(CLOCK), CLOCK_SHIFT="-600")
    chaos.wait_for_done(chaos.break_after)
    killed_at = time.monotonic()
    return Outcome(killed_at, chaos.kill_worker(fast))


def stop_worker(chaos: Environment) -> Outcome:
    """Stop a worker, which saves its calls in flight; another takes the rest."""
    worker = start_work(chaos)
    worker.stop()
    if running := chaos.count_analyses("running"):
        raise AssertionError(f"{running} analyses were left running.")
    chaos.worker("next-worker")
    return Outcome(time.monotonic())


FAULTS: dict[str, Callable[[Environment], Outcome]] = {
    "worker killed three times": kill_worker,
    "Redis killed and started empty": empty_redis,
    "PostgreSQL restarted": restart_postgres,
    "recognizer down for 20 s": close_simulator,
    "throttled to a tenth of the quota": throttle,
    "credentials revoked and restored": revoke_credentials,
    "storage disk full": fill_disk,
    "two sweepers at the same time": run_two_sweepers,
    "worker clocks off by 10 minutes": shift_clocks,
    "worker stopped by SIGTERM": stop_worker,
}
TIMEOUT = 120.0 + 2 * LEASE  # seconds within which all analyses end after a fault
