"""Environment of the chaos tests: services, simulator, pictures and programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench import sandbox
from bench.recognition_env import wait_until
from imagelib import embedded
from imagelib.embedded import postgres, redis
from imagelib.simulator.server import RunningSimulator, run_simulator

QUOTA = 100  # calls a second
THREADS = 48  # calls in flight at most
LATENCY, JITTER = 300, 50  # milliseconds
LEASE, SWEEP = 15, 1  # seconds; the defaults are 120 and 10
# The lease must outlast the nine seconds that a result waits for the database, which is down for four.
SIZE = 5_000  # bytes of a picture
RESERVE = 2_000  # pictures added together; adding them takes longer than most faults
# Reserve analyses are paused, not scheduled far in the future, as the sweeper would bring those forward.
RESERVED = "state = 'paused' AND batch_id IS NULL"
START_SECONDS = 60.0  # for a program to start
SHUTDOWN_SECONDS = 30.0  # for a worker to end after SIGTERM
CELERY = (sys.executable, "-m", "celery", "-A", "imagelib")
# Mingling waits a second for other workers at each start; gossip would only add messages.
WORKER_OPTIONS = ("--without-gossip", "--without-mingle")


@dataclass
class Program:
    """A worker or scheduler and its log."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self, text: str) -> None:
        def is_ready() -> bool:
            if self.process.poll() is not None:
                raise sandbox.ProgramEnded(f"{self.name} ended:\n{self.output[-4000:]}")
            return text in self.output

        wait_until(is_ready, seconds=START_SECONDS, description=f"start of {self.name}", interval=0.1)

    def kill(self) -> None:
        """Send SIGKILL, as the kernel does when memory runs out."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, *, seconds: float = SHUTDOWN_SECONDS) -> float:
        """Send SIGTERM; seconds until it ended. Raises subprocess.TimeoutExpired."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=seconds)
        return time.monotonic() - began


@dataclass
class Environment:
    """A library, its simulator, and the programs that work on it."""

    var: Path
    simulator: RunningSimulator
    env: dict[str, str]
    stack: ExitStack
    quota: int = QUOTA
    break_after: int = 50  # analyses done before the fault
    images: list[int] = field(default_factory=list)  # ids of the pictures that are analyzed

    def start(self, name: str, *command: str, **env: str) -> Program:
        log = self.var / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=sandbox.ROOT, env={**self.env, **env}, stdout=output, stderr=output, start_new_session=True
            )
        program = Program(name, list(command), env, log, process)
        self.stack.callback(_finish, process)
        return program

    def worker(self, name: str = "worker", **env: str) -> Program:
        """Start a worker and wait until it is ready."""
        program = self.start(name, *CELERY, "worker", "--loglevel", "INFO", *WORKER_OPTIONS, "-n", name, **env)
        program.wait_until_ready(" ready.")
        return program

    def scheduler(self, name: str = "scheduler") -> Program:
        schedule = str(self.var / f"{name}-schedule")
        return self.start(name, *CELERY, "beat", "--loglevel", "INFO", "-s", schedule)

    def kill_worker(self, worker: Program) -> int:
        """Kill a worker; returns the number of requests in flight of all workers."""
        worker.kill()
        time.sleep(0.3)  # until PostgreSQL has finished the statements it had sent
        return self.count_analyses("running")

    def manage(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        environment = {**self.env, **env}
        return subprocess.run(
            command, cwd=sandbox.ROOT, env=environment, check=False, capture_output=True, text=True, timeout=300
        )

    def put_in_progress(self, count: int) -> None:
        """Make analyses of some pictures due without a message, for the sweeper."""
        reserve = f"SELECT id FROM analysis_analysis WHERE {RESERVED}"
        if self.scalar(f"SELECT count(*) FROM ({reserve}) _") < count:
            self._queue_reserve(max(RESERVE, count))
        rows = self.rows(
            "UPDATE analysis_analysis SET state = 'queued', next_attempt_at = now() "
            f"WHERE id IN ({reserve} ORDER BY id LIMIT {count}) RETURNING image_id"
        )
        self.images += sorted(image_id for (image_id,) in rows)

    def fill(self, count: int) -> list[int]:
        """Add pictures without analyses; returns the ids of all pictures in progress."""
        last = self.scalar("SELECT coalesce(max(id), 0) FROM analysis_image")
        self._run_in_shell(f"seed_images.fill({count}, size={SIZE})")
        self.images += [image_id for (image_id,) in self.rows(f"SELECT id FROM analysis_image WHERE id > {last}")]
        return self.images

    def clear_queue(self) -> None:
        """Delete open analyses and outages of earlier faults."""
        self.rows("DELETE FROM analysis_outage RETURNING 1")
        self.rows("DELETE FROM analysis_analysis WHERE state IN ('queued', 'running') RETURNING 1")

    def reset_analyses(self) -> None:
        """Delete all analyses but no pictures; only while no worker runs."""
        with psycopg.connect(embedded.database_url(self.var), autocommit=True) as connection:
            connection.execute("TRUNCATE analysis_analysis CASCADE")
            connection.execute("DELETE FROM analysis_outage")

    def _queue_reserve(self, count: int) -> None:
        unanalyzed = self.scalar(
            "SELECT count(*) FROM analysis_image WHERE id NOT IN (SELECT image_id FROM analysis_analysis)"
        )
        missing = max(0, count - unanalyzed)
        self._run_in_shell(f"seed_images.fill({missing}, size={SIZE}); seed_images.queue({count})")
        self.rows(
            "UPDATE analysis_analysis SET state = 'paused' WHERE state = 'queued' "
            f"AND NOT (image_id = ANY('{{{','.join(map(str, self.images))}}}')) RETURNING 1"
        )

    def _run_in_shell(self, code: str) -> None:
        process = self.manage("shell", "-c", f"from bench import seed_images; {code}")
        if process.returncode:
            raise sandbox.ProgramEnded(process.stderr)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(embedded.database_url(self.var), autocommit=True, connect_timeout=5) as connection:
            return connection.execute(query).fetchall()

    def scalar(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def count_analyses(self, *states: str) -> int:
        """Number of analyses in these states, without those of earlier faults."""
        if not self.images:
            return 0
        state_list = ", ".join(f"'{state}'" for state in states)
        condition = f"image_id >= {self.images[0]} AND state IN ({state_list})"
        return int(self.scalar(f"SELECT count(*) FROM analysis_analysis WHERE {condition}"))

    def wait_for_done(self, count: int, *, seconds: float = 120.0) -> None:
        wait_until(
            lambda: self.count_analyses("done") >= count, seconds=seconds, description=f"{count} results", interval=0.1
        )

    def wait_for_end(self, *, seconds: float) -> None:
        """Wait until no analysis is open. Raises TimeoutError with states and logs."""

        def is_finished() -> bool:
            return self.count_analyses("queued", "running") == 0

        try:
            wait_until(is_finished, seconds=seconds, description="the end of all analyses", interval=0.2)
        except TimeoutError as error:
            states = self.rows("SELECT state, error_code, count(*) FROM analysis_analysis GROUP BY 1, 2")
            logs = "".join(f"\n--- {log.name}\n{log.read_text()[-3000:]}" for log in self.var.glob("*.log"))
            raise TimeoutError(f"{error} {states}{logs}") from error

    def stop_redis(self, *, loses_data: bool = True) -> None:
        """Kill Redis, and by default delete its append-only file."""
        server = redis._server(self.var)
        os.kill(server.pid() or 0, signal.SIGKILL)
        wait_until(lambda: not server.is_alive(), seconds=10, description="the end of Redis", interval=0.01)
        if loses_data:
            for file in (self.var / "redis").glob("*.aof"):
                file.unlink()

    def start_redis(self) -> None:
        redis.start(self.var)

    def restart_postgres(self, *, pause: float) -> None:
        postgres.stop(self.var)
        time.sleep(pause)
        postgres.start(self.var)

    @contextmanager
    def simulator_closed(self) -> Iterator[None]:
        """Close the simulator's port for the duration of the block."""
        with self.simulator.unreachable():
            yield


@contextmanager
def environment(var: Path, *, quota: int = QUOTA, schema: Path | None = None, **env: str) -> Iterator[Environment]:
    """A library in `var`, created if missing, with its own simulator.

    `schema`: an SQL dump of the migrated database, if any.
    """
    embedded.start(var)
    with run_simulator(latency=LATENCY, jitter=JITTER, tps=quota) as simulator, ExitStack() as stack:
        settings = {
            "RECOGNIZER": "simulator",
            "RECOGNIZER_APIS": "labels",
            "SIMULATOR_URL": simulator.address,
            "REKOGNITION_QUOTA": f"labels={quota}",
            "RECOGNITION_THREADS": str(THREADS),
            "LEASE_SECONDS": str(LEASE),
            "SWEEP_SECONDS": str(SWEEP),
            # The limiter keeps an account's rate for an hour, so each environment has its own account.
            "AWS_ACCOUNT": f"{os.getpid()}-{time.monotonic_ns()}",
        }
        chaos = Environment(var, simulator, sandbox.environment(var, **{**settings, **env}), stack, quota=quota)
        if not (var / "migrated").exists():
            _migrate(chaos, schema)
            (var / "migrated").touch()
        chaos.clear_queue()
        yield chaos


def _migrate(chaos: Environment, schema: Path | None) -> None:
    if schema is not None:
        sandbox.load_dump(schema, database=embedded.database_url(chaos.var))
        return
    migration = chaos.manage("migrate", "--verbosity", "0")
    if migration.returncode:
        raise sandbox.ProgramEnded(migration.stderr)


def _finish(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that is still running."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
