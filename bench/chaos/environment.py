"""The world of a fault: services, simulator, pictures under way, and programs that are started, frozen and killed."""

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
from imagelib.simulator.server import Running, running

QUOTA = 100  # calls a second
THREADS = 48  # calls under way at most
LATENCY, JITTER = 300, 50  # milliseconds
LEASE, SWEEP = 15, 1  # seconds; a library in earnest has 120 and 10
# An answer waits up to nine seconds for a database that is away for four: the claim on it must last longer than that.
SIZE = 5_000  # bytes of a picture
STOCK = 2_000  # pictures put in at once
LATER = "next_attempt_at > now() + interval '1 day'"
READY = 60.0  # seconds for a program to start
FAREWELL = 30.0  # seconds in which a worker that is told to end has ended
CELERY = (sys.executable, "-m", "celery", "-A", "imagelib")
QUIET = ("--without-gossip", "--without-mingle")


@dataclass
class Program:
    """A process of the library and its log."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self, words: str) -> None:
        def is_ready() -> bool:
            if self.process.poll() is not None:
                raise sandbox.ProgramEnded(f"The {self.name} ended:\n{self.said[-4000:]}")
            return words in self.said

        wait_until(is_ready, seconds=READY, what=f"the start of the {self.name}", glance=0.1)

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self, *, seconds: float = FAREWELL) -> float:
        """Tell it to end; the seconds it took. Raises subprocess.TimeoutExpired."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=seconds)
        return time.monotonic() - began


@dataclass
class Environment:
    """A library, its simulator, and the programs that work on it."""

    var: Path
    simulator: Running
    env: dict[str, str]
    stack: ExitStack
    quota: int = QUOTA
    begun: int = 50
    """Answers after which something breaks."""
    images: list[int] = field(default_factory=list)

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
        """A worker that takes work from now on."""
        program = self.start(name, *CELERY, "worker", "--loglevel", "INFO", *QUIET, "-n", name, **env)
        program.wait_until_ready(" ready.")
        return program

    def scheduler(self, name: str = "scheduler") -> Program:
        schedule = str(self.var / f"{name}-schedule")
        return self.start(name, *CELERY, "beat", "--loglevel", "INFO", "-s", schedule)

    def lose(self, worker: Program) -> int:
        """Kill a worker; how many requests may have been under way, those of the others included."""
        worker.kill()
        time.sleep(0.3)  # what it had sent to the database before is done by then
        return self.number("running")

    def manage(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words]
        environment = {**self.env, **env}
        return subprocess.run(
            command, cwd=sandbox.ROOT, env=environment, check=False, capture_output=True, text=True, timeout=300
        )

    def put_in_progress(self, number: int) -> None:
        """So many pictures wait to be asked about, and nobody is told: the sweeper finds them."""
        free = f"SELECT id FROM analysis_analysis WHERE state = 'queued' AND {LATER}"
        if self.one(f"SELECT count(*) FROM ({free}) _") < number:
            self._stock(max(STOCK, number))
        rows = self.rows(
            f"UPDATE analysis_analysis SET next_attempt_at = now() WHERE id IN ({free} ORDER BY id LIMIT {number}) "
            "RETURNING image_id"
        )
        self.images += sorted(image_id for (image_id,) in rows)

    def fill(self, number: int) -> list[int]:
        """So many pictures that nobody asked about; their ids."""
        last = self.one("SELECT coalesce(max(id), 0) FROM analysis_image")
        self._shell(f"seed_images.fill({number}, size={SIZE})")
        self.images += [image_id for (image_id,) in self.rows(f"SELECT id FROM analysis_image WHERE id > {last}")]
        return self.images

    def forget(self) -> None:
        """Nothing is left of what was under way before."""
        self.rows("DELETE FROM analysis_outage RETURNING 1")
        self.rows(f"DELETE FROM analysis_analysis WHERE state IN ('queued', 'running') AND NOT {LATER} RETURNING 1")

    def begin_anew(self) -> None:
        """The pictures stay; nobody has ever asked about them. Only while no worker runs."""
        with psycopg.connect(embedded.database_url(self.var), autocommit=True) as connection:
            connection.execute("TRUNCATE analysis_analysis CASCADE")
            connection.execute("DELETE FROM analysis_outage")

    def _stock(self, number: int) -> None:
        there = self.one("SELECT count(*) FROM analysis_image WHERE id NOT IN (SELECT image_id FROM analysis_analysis)")
        missing = max(0, number - there)
        self._shell(f"seed_images.fill({missing}, size={SIZE}); seed_images.queue({number})")
        self.rows(
            "UPDATE analysis_analysis SET next_attempt_at = now() + interval '1 year' WHERE state = 'queued' "
            f"AND NOT (image_id = ANY('{{{','.join(map(str, self.images))}}}')) RETURNING 1"
        )

    def _shell(self, words: str) -> None:
        ended = self.manage("shell", "-c", f"from bench import seed_images; {words}")
        if ended.returncode:
            raise sandbox.ProgramEnded(ended.stderr)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(embedded.database_url(self.var), autocommit=True, connect_timeout=5) as connection:
            return connection.execute(query).fetchall()

    def one(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def number(self, *states: str) -> int:
        """How many of the pictures under way are in these states; those of earlier faults have lower ids."""
        if not self.images:
            return 0
        named = ", ".join(f"'{state}'" for state in states)
        these = f"image_id >= {self.images[0]} AND state IN ({named}) AND NOT {LATER}"
        return int(self.one(f"SELECT count(*) FROM analysis_analysis WHERE {these}"))

    def wait_for_done(self, number: int, *, seconds: float = 120.0) -> None:
        wait_until(lambda: self.number("done") >= number, seconds=seconds, what=f"{number} answers", glance=0.1)

    def wait_for_end(self, *, seconds: float) -> None:
        """Until nothing of it waits any more."""

        def is_over() -> bool:
            return self.number("queued", "running") == 0

        try:
            wait_until(is_over, seconds=seconds, what="the end", glance=0.2)
        except TimeoutError as error:
            states = self.rows("SELECT state, error_code, count(*) FROM analysis_analysis GROUP BY 1, 2")
            logs = "".join(f"\n--- {log.name}\n{log.read_text()[-3000:]}" for log in self.var.glob("*.log"))
            raise TimeoutError(f"{error} {states}{logs}") from error

    def stop_redis(self, *, is_forgetting: bool = True) -> None:
        """Kill it; what it had written down is gone as well."""
        server = redis._server(self.var)
        os.kill(server.pid() or 0, signal.SIGKILL)
        wait_until(lambda: not server.is_alive(), seconds=10, what="Redis' end", glance=0.01)
        for written in (self.var / "redis").glob("*.aof" if is_forgetting else "nothing"):
            written.unlink()

    def start_redis(self) -> None:
        redis.start(self.var)

    def restart_postgres(self, *, pause: float) -> None:
        postgres.stop(self.var)
        time.sleep(pause)
        postgres.start(self.var)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Meanwhile the simulator's port is closed."""
        with self.simulator.away():
            yield


@contextmanager
def environment(var: Path, *, quota: int = QUOTA, **env: str) -> Iterator[Environment]:
    """A library in `var`, which is made if it is not there yet; its simulator, whose count begins now."""
    embedded.start(var)
    with running(latency=LATENCY, jitter=JITTER, tps=quota) as simulator, ExitStack() as stack:
        own = {
            "RECOGNIZER": "simulator",
            "RECOGNIZER_APIS": "labels",
            "SIMULATOR_URL": simulator.address,
            "REKOGNITION_QUOTA": f"labels={quota}",
            "RECOGNITION_THREADS": str(THREADS),
            "LEASE_SECONDS": str(LEASE),
            "SWEEP_SECONDS": str(SWEEP),
            "AWS_ACCOUNT": f"{os.getpid()}-{time.monotonic_ns()}",  # a limiter of its own
        }
        made = Environment(var, simulator, sandbox.environment(var, **{**own, **env}), stack, quota=quota)
        if not (var / "migrated").exists():
            migrated = made.manage("migrate", "--verbosity", "0")
            if migrated.returncode:
                raise sandbox.ProgramEnded(migrated.stderr)
            (var / "migrated").touch()
        made.forget()
        yield made


def _finish(process: subprocess.Popen[bytes]) -> None:
    """Whatever state it is in, it is gone afterwards."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
