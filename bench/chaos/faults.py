"""The faults. Each begins with programs at work, breaks something, puts the world right again, and helps no program."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import photos
from bench.chaos.environment import LEASE, THREADS, Environment, Program
from bench.chaos.storage import FLAG

KILLS = 3
AWAY = {"redis": 3.0, "postgres": 2.0, "simulator": 20.0, "throttled": 10.0, "credentials": 8.0, "disk": 6.0}
"""Seconds."""
IMPORTED = 120
CLOCK = Path(__file__).parent / "clock"


@dataclass(frozen=True)
class Outcome:
    """Requests that were lost with whoever had sent them, and when the cause was gone (monotonic)."""

    over_at: float
    in_flight: int = 0
    may_fail: bool = False


def begin(world: Environment, **env: str) -> Program:
    """A scheduler and a worker, at work."""
    world.scheduler()
    worker = world.worker(**env)
    world.wait_for_done(world.begun)
    return worker


def killed(world: Environment) -> Outcome:
    """Three times a worker dies without a word, and somebody starts another."""
    worker, lost, died = begin(world), 0, 0.0
    for number in range(1, KILLS + 1):
        died = time.monotonic()
        lost += world.lose(worker)
        worker = world.worker(f"worker-{number}")
        world.wait_for_done(world.number("done") + world.begun)
    return Outcome(died, lost)


def redis_emptied(world: Environment) -> Outcome:
    """Every message, and whose turn it is, are forgotten."""
    begin(world)
    world.stop_redis()
    time.sleep(AWAY["redis"])
    world.start_redis()
    return Outcome(time.monotonic())


def postgres_restarted(world: Environment) -> Outcome:
    begin(world)
    world.restart_postgres(pause=AWAY["postgres"])
    return Outcome(time.monotonic())


def simulator_down(world: Environment) -> Outcome:
    """Connections are refused. What was sent and not answered yet counts as paid."""
    begin(world)
    with world.away():
        time.sleep(AWAY["simulator"])
    return Outcome(time.monotonic(), THREADS)  # so many were sent and unanswered when it went, at most


def throttled(world: Environment) -> Outcome:
    begin(world)
    world.simulator.set(tps=world.quota / 10, burst=1)
    time.sleep(AWAY["throttled"])
    world.simulator.set(tps=world.quota, burst=None)
    return Outcome(time.monotonic())


def credentials_withdrawn(world: Environment) -> Outcome:
    begin(world)
    world.simulator.set(credentials="UnrecognizedClientException")
    time.sleep(AWAY["credentials"])
    world.simulator.set(credentials="")
    return Outcome(time.monotonic())


def disk_full(world: Environment) -> Outcome:
    """While a folder is imported the storage takes nothing; whoever imports is told and does it again."""
    flag, folder = world.var / "disk-is-full", world.var / "pictures-to-import"
    folder.mkdir()
    for number in range(IMPORTED):
        photos.photo(number, 96, 96).save(folder / f"{number}.jpg")
    env = {FLAG: str(flag), "DJANGO_SETTINGS_MODULE": "bench.chaos.settings"}
    begin(world, **env)
    last = world.one("SELECT max(id) FROM analysis_image")
    importing = ("import_images", str(folder), "--owner", "bench")
    flag.touch()
    refused = world.manage(*importing, **env)
    flag.unlink()
    over_at = time.monotonic()
    if refused.returncode == 0 or "No space left on device" not in refused.stderr:
        raise AssertionError(f"The import should have been refused: {refused.stdout}{refused.stderr}")
    taken = world.manage(*importing, **env)
    if taken.returncode or f"Imported {IMPORTED}, skipped 0 already in the library, rejected 0." not in taken.stdout:
        raise AssertionError(f"The import should have gone well: {taken.stdout}{taken.stderr}")
    world.images += [image_id for (image_id,) in world.rows(f"SELECT id FROM analysis_image WHERE id > {last}")]
    return Outcome(over_at)


def two_sweepers(world: Environment) -> Outcome:
    """Both find what a dead worker held, at the same moment; two workers hear of it."""
    worker = begin(world)
    world.scheduler("second-scheduler")
    world.worker("second-worker")
    died = time.monotonic()
    lost = world.lose(worker)
    world.worker("third-worker")
    return Outcome(died, lost)


def clock_off(world: Environment) -> Outcome:
    """Two workers ten minutes early and late, and nobody whose clock is right; one of them dies."""
    world.scheduler()
    early = world.worker("early", PYTHONPATH=str(CLOCK), CLOCK_SHIFT="600")
    world.worker("late", PYTHONPATH=str(CLOCK), CLOCK_SHIFT="-600")
    world.wait_for_done(world.begun)
    died = time.monotonic()
    return Outcome(died, world.lose(early))


def told_to_end(world: Environment) -> Outcome:
    """What is under way is finished and recorded; the rest is taken by who comes next."""
    worker = begin(world)
    worker.end()
    if left := world.number("running"):
        raise AssertionError(f"{left} analyses were left running.")
    world.worker("next-worker")
    return Outcome(time.monotonic())


FAULTS: dict[str, Callable[[Environment], Outcome]] = {
    "a worker killed three times": killed,
    "Redis killed and started empty": redis_emptied,
    "PostgreSQL restarted": postgres_restarted,
    "the recognizer down for 20 s": simulator_down,
    "throttled to a tenth": throttled,
    "credentials withdrawn and given back": credentials_withdrawn,
    "the storage's disk full": disk_full,
    "two sweepers at once": two_sweepers,
    "workers whose clocks are 10 minutes off": clock_off,
    "a worker told to end": told_to_end,
}
ENOUGH = 120.0 + 2 * LEASE
"""Seconds within which everything has come to its end afterwards."""
