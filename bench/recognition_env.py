"""Environment of the recognition benches: a library, a simulator and workers."""

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

LATENCY, JITTER = 300, 50  # milliseconds
START_SECONDS = 60.0  # for a worker to start
POLL_SECONDS = 0.25
ADDRESS = "AWS_ENDPOINT_URL_REKOGNITION="
# Without proxies: the simulator is on 127.0.0.1, and the developer's environment may name a proxy.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True)
class Simulator:
    """Client of a simulator in a separate process."""

    address: str

    def statistics(self) -> dict[str, Any]:
        values: dict[str, Any] = json.load(_open(f"{self.address}/simulator/statistics", timeout=10))
        return values

    def reset(self) -> None:
        """Clear statistics and used quota."""
        _open(urllib.request.Request(f"{self.address}/simulator/reset", method="POST", data=b"{}"), timeout=10).close()

    def set(self, **settings: Any) -> None:
        """Change settings by name."""
        body = json.dumps(settings).encode()
        request = urllib.request.Request(f"{self.address}/simulator/settings", method="POST", data=body)
        _open(request, timeout=10).close()

    def wait_for_calls(self, count: int, *, seconds: float) -> None:
        """Wait for this number of requests since the reset. Raises TimeoutError."""
        wait_until(lambda: self.statistics()["requests"] >= count, seconds=seconds, description=f"call number {count}")


@contextmanager
def simulator(**settings: Any) -> Iterator[Simulator]:
    options = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", json.dumps(value))]
    command = [sys.executable, "-m", "imagelib.simulator", "--port", "0", *options]
    with sandbox.running_program(command, env=sandbox.environment()) as program:
        yield Simulator(program.wait_for(ADDRESS, seconds=30).partition(ADDRESS)[2].strip())


@dataclass(frozen=True)
class ResourceUse:
    """Processor seconds of the workers, of PostgreSQL and of Redis."""

    workers: tuple[float, ...]
    database: float
    redis: float

    def since(self, before: ResourceUse) -> ResourceUse:
        workers = tuple(now - then for now, then in zip(self.workers, before.workers, strict=True))
        return ResourceUse(workers, self.database - before.database, self.redis - before.redis)

    @property
    def total(self) -> float:
        return sum(self.workers) + self.database + self.redis


@dataclass(frozen=True)
class RecognitionEnv:
    """A library, its simulator, and the environment of its programs."""

    library: sandbox.Library
    simulator: Simulator
    env: Mapping[str, str]

    def fill(self, count: int, *, size: int) -> None:
        self._run_in_shell(f"fill({count}, size={size})")

    def queue(self, count: int) -> None:
        self._run_in_shell(f"queue({count})")

    def announce(self, times: int = 1) -> None:
        self._run_in_shell(f"announce({times})")

    def row(self, query: str) -> tuple[Any, ...]:
        with psycopg.connect(embedded.database_url(self.library.var)) as connection:
            row = connection.execute(query).fetchone()
        return tuple(row or ())

    def open_analyses(self) -> int:
        count: int = self.row("SELECT count(*) FROM analysis_analysis WHERE state IN ('queued', 'running')")[0]
        return count

    def drop_queue(self) -> None:
        """Delete queued analyses that no worker has claimed."""
        # Throttled ones are queued again, but calls in the ledger refer to them, so they stay.
        with psycopg.connect(embedded.database_url(self.library.var)) as connection:
            connection.execute(
                "DELETE FROM analysis_analysis queued WHERE state = 'queued' "
                "AND NOT EXISTS (SELECT FROM analysis_call WHERE analysis_id = queued.id)"
            )

    def wait_until_done(self, *, seconds: float) -> None:
        wait_until(lambda: self.open_analyses() == 0, seconds=seconds, description="the last result", interval=0.2)

    def analyze(self, count: int, *, seconds: float) -> float:
        """Queue and analyze pictures; seconds from first call to last saved result."""
        self.queue(count)
        return self.analyze_queued(count, seconds=seconds)

    def analyze_queued(self, count: int, *, seconds: float) -> float:
        self.simulator.reset()
        self.announce()
        self.simulator.wait_for_calls(1, seconds=30)
        began = time.monotonic()
        self.simulator.wait_for_calls(count, seconds=seconds)
        self.wait_until_done(seconds=30)
        return time.monotonic() - began

    def processor_use(self, workers: Sequence[subprocess.Popen[bytes]]) -> ResourceUse:
        with psycopg.connect(embedded.database_url(self.library.var)) as connection:
            database = processor_seconds(parent(connection.info.backend_pid))
        broker = redis.Redis.from_url(embedded.redis_url(self.library.var)).info("cpu")
        return ResourceUse(
            tuple(processor_seconds(worker.pid) for worker in workers),
            database,
            float(broker["used_cpu_user"]) + float(broker["used_cpu_sys"]),
        )

    @contextmanager
    def workers(self, count: int = 1, **env: str) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Run workers like those of `manage.py run`, and the scheduler."""
        with ExitStack() as stack:
            celery = [sys.executable, "-m", "celery", "-A", "imagelib"]
            names = [f"worker-{index}" for index in range(count)]
            worker = [*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
            started = [stack.enter_context(self._logged(name, [*worker, "-n", name], env)) for name in names]
            beat = [*celery, "beat", "--loglevel", "WARNING"]
            stack.enter_context(self._logged("beat", beat, env))
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
            _stop(process)

    def _wait_until_ready(self, name: str, process: subprocess.Popen[bytes]) -> None:
        def is_ready() -> bool:
            if process.poll() is not None:
                raise sandbox.ProgramEnded(f"{name} ended:\n{self.log(name)[-4000:]}")
            return " ready." in self.log(name)

        wait_until(is_ready, seconds=START_SECONDS, description=f"{name}'s start")

    def _run_in_shell(self, call: str) -> None:
        command = [sys.executable, "manage.py", "shell", "-c", f"from bench import seed_images; seed_images.{call}"]
        subprocess.run(command, cwd=sandbox.ROOT, env=self.env, check=True, stdout=subprocess.DEVNULL, timeout=120)


@contextmanager
def recognition_env(*, env: Mapping[str, str] | None = None, **settings: Any) -> Iterator[RecognitionEnv]:
    """An empty library and a simulator with these settings; all programs get `env`."""
    with (
        sandbox.empty_library() as library,
        simulator(**{"latency": LATENCY, "jitter": JITTER, **settings}) as running_simulator,
    ):
        own = {"RECOGNIZER": "simulator", "RECOGNIZER_APIS": "labels", "SIMULATOR_URL": running_simulator.address}
        yield RecognitionEnv(library, running_simulator, sandbox.environment(library.var, **own, **(env or {})))


def wait_until(
    condition: Callable[[], bool], *, seconds: float, description: str, interval: float = POLL_SECONDS
) -> None:
    """Poll a condition until it holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Timed out after {seconds:.0f} s waiting for {description}.")
        time.sleep(interval)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=sandbox.SHUTDOWN_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
