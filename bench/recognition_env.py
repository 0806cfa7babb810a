"""A library whose pictures are asked about at the simulator: services, simulator and workers, each a process apart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

from bench import sandbox
from bench.process_usage import parent, processor_seconds
from imagelib import embedded

LATENCY, JITTER = 300, 50  # milliseconds, as issue 3's figures want them
READY = 60.0  # seconds for a worker to start
GLANCE = 0.25
ADDRESS = "AWS_ENDPOINT_URL_REKOGNITION="
# Ours of one run, whose loopback servers must not be looked for behind a proxy.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True)
class Simulator:
    """The simulator, a process of its own."""

    address: str

    def statistics(self) -> dict[str, Any]:
        said: dict[str, Any] = json.load(_open(f"{self.address}/simulator/statistics", timeout=10))
        return said

    def reset(self) -> None:
        """Forget what was counted and what of the quota is used."""
        _open(urllib.request.Request(f"{self.address}/simulator/reset", method="POST", data=b"{}"), timeout=10).close()

    def set(self, **knobs: Any) -> None:
        """Change settings by name."""
        body = json.dumps(knobs).encode()
        asked = urllib.request.Request(f"{self.address}/simulator/settings", method="POST", data=body)
        _open(asked, timeout=10).close()

    def wait_for_calls(self, number: int, *, seconds: float) -> None:
        """Until it was called so many times since the reset."""
        wait_until(lambda: self.statistics()["requests"] >= number, seconds=seconds, what=f"call number {number}")


@contextmanager
def simulator(**knobs: Any) -> Iterator[Simulator]:
    options = [word for name, value in knobs.items() for word in (f"--{name.replace('_', '-')}", json.dumps(value))]
    command = [sys.executable, "-m", "imagelib.simulator", "--port", "0", *options]
    with sandbox.running_program(command, env=sandbox.environment()) as program:
        yield Simulator(program.wait_for(ADDRESS, seconds=30).partition(ADDRESS)[2].strip())


@dataclass(frozen=True)
class ResourceUse:
    """Processor seconds so far, or of a stretch of time: of the workers, of PostgreSQL and of Redis."""

    workers: tuple[float, ...]
    database: float
    redis: float

    def since(self, before: ResourceUse) -> ResourceUse:
        workers = tuple(now - then for now, then in zip(self.workers, before.workers, strict=True))
        return ResourceUse(workers, self.database - before.database, self.redis - before.redis)

    @property
    def whole(self) -> float:
        return sum(self.workers) + self.database + self.redis


@dataclass(frozen=True)
class RecognitionEnv:
    """A library, and the environment its programs run in."""

    library: sandbox.Library
    simulator: Simulator
    env: Mapping[str, str]

    def fill(self, number: int, *, size: int) -> None:
        self._shell(f"fill({number}, size={size})")

    def queue(self, number: int) -> None:
        self._shell(f"queue({number})")

    def announce(self, times: int = 1) -> None:
        self._shell(f"announce({times})")

    def row(self, query: str) -> tuple[Any, ...]:
        with psycopg.connect(embedded.database_url(self.library.var)) as connection:
            found = connection.execute(query).fetchone()
        return tuple(found or ())

    def open_analyses(self) -> int:
        number: int = self.row("SELECT count(*) FROM analysis_analysis WHERE state IN ('queued', 'running')")[0]
        return number

    def drop_queue(self) -> None:
        """What nobody has claimed yet is asked about no more."""
        with psycopg.connect(embedded.database_url(self.library.var)) as connection:
            connection.execute(
                "DELETE FROM analysis_analysis asked WHERE state = 'queued' "
                "AND NOT EXISTS (SELECT FROM analysis_call WHERE analysis_id = asked.id)"  # a throttled one is put back
            )

    def wait_until_done(self, *, seconds: float) -> None:
        wait_until(lambda: self.open_analyses() == 0, seconds=seconds, what="the last answer", glance=0.2)

    def answer(self, number: int, *, seconds: float) -> float:
        """Have so many fresh pictures answered; the seconds from the first call to the last row."""
        self.queue(number)
        return self.answer_queued(number, seconds=seconds)

    def answer_queued(self, number: int, *, seconds: float) -> float:
        self.simulator.reset()
        self.announce()
        self.simulator.wait_for_calls(1, seconds=30)
        began = time.monotonic()
        self.simulator.wait_for_calls(number, seconds=seconds)
        self.wait_until_done(seconds=30)
        return time.monotonic() - began

    def took(self, workers: Sequence[subprocess.Popen[bytes]]) -> ResourceUse:
        with psycopg.connect(embedded.database_url(self.library.var)) as connection:
            database = processor_seconds(parent(connection.info.backend_pid))
        broker = redis.Redis.from_url(embedded.redis_url(self.library.var)).info("cpu")
        return ResourceUse(
            tuple(processor_seconds(each.pid) for each in workers),
            database,
            float(broker["used_cpu_user"]) + float(broker["used_cpu_sys"]),
        )

    @contextmanager
    def workers(self, number: int = 1, **env: str) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Celery workers as `manage.py run` starts them, and the scheduler that announces what was put back."""
        with ExitStack() as company:
            celery = [sys.executable, "-m", "celery", "-A", "imagelib"]
            names = [f"worker-{place}" for place in range(number)]
            worker = [*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
            started = [company.enter_context(self._logged(name, [*worker, "-n", name], env)) for name in names]
            beat = [*celery, "beat", "--loglevel", "WARNING"]
            company.enter_context(self._logged("beat", beat, env))
            for name, process in zip(names, started, strict=True):
                self._wait_until_ready(name, process)
            yield started

    def log(self, name: str) -> str:
        return (self.library.var / f"bench-{name}.log").read_text(errors="replace")

    @contextmanager
    def _logged(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        with (self.library.var / f"bench-{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=sandbox.ROOT, env={**self.env, **env}, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield process
        finally:
            _end(process)

    def _wait_until_ready(self, name: str, process: subprocess.Popen[bytes]) -> None:
        def is_ready() -> bool:
            if process.poll() is not None:
                raise sandbox.ProgramEnded(f"The worker ended:\n{self.log(name)[-4000:]}")
            return " ready." in self.log(name)

        wait_until(is_ready, seconds=READY, what=f"{name}'s start")

    def _shell(self, words: str) -> None:
        command = [sys.executable, "manage.py", "shell", "-c", f"from bench import seed_images; seed_images.{words}"]
        subprocess.run(command, cwd=sandbox.ROOT, env=self.env, check=True, stdout=subprocess.DEVNULL, timeout=120)


@contextmanager
def recognition_env(*, env: Mapping[str, str] | None = None, **knobs: Any) -> Iterator[RecognitionEnv]:
    """An empty library and a simulator with these settings; `env` is every program's."""
    with sandbox.empty_library() as library, simulator(**{"latency": LATENCY, "jitter": JITTER, **knobs}) as simulating:
        own = {"RECOGNIZER": "simulator", "RECOGNIZER_APIS": "labels", "SIMULATOR_URL": simulating.address}
        yield RecognitionEnv(library, simulating, sandbox.environment(library.var, **own, **(env or {})))


def wait_until(is_so: Callable[[], bool], *, seconds: float, what: str, glance: float = GLANCE) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds:.0f} s.")
        time.sleep(glance)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=sandbox.SHUTDOWN_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
