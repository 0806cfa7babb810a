"""Runner of the visitors' process, which also samples the servers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import psycopg

from bench import sandbox
from bench.dataset import LoadedLibrary
from bench.load.servers import Servers
from bench.load.usage import SAMPLE_SECONDS, Sampler, Usage, server_of
from bench.load.visitors import PREVIEW, THUMB, Kind, Outcome, Plan
from bench.search.pages import session_key
from bench.search.workload import WorkloadGenerator

PUBLIC = "SELECT public_id FROM analysis_image WHERE visibility = 2 AND trashed_at IS NULL ORDER BY id LIMIT 500"


@dataclass(frozen=True)
class Visit:
    """A visit: number of people, duration, and pauses on a page."""

    people: int
    anonymous: int
    think: tuple[float, float]
    arrive: float  # seconds in which they arrive; not measured
    seconds: float


@dataclass(frozen=True)
class Run:
    """Results of people and servers; with `signs`, the proxy sent thumbnails itself."""

    outcome: Outcome
    usage: Usage
    signs: bool

    @property
    def clicks(self) -> int:
        return max(1, self.outcome.actions)

    @property
    def web_requests(self) -> int:
        """Requests that reached the web processes."""
        kinds = self.outcome.kinds
        by_proxy = [kinds[kind].requests for kind in (THUMB, PREVIEW) if self.signs and kind in kinds]
        return self.outcome.requests - sum(by_proxy)

    @property
    def cores(self) -> Mapping[str, float]:
        """Processor cores used by each server, and by the visitors' process."""
        spent = {**self.usage.processor, "people": self.outcome.processor_seconds}
        return {name: seconds / self.outcome.seconds for name, seconds in spent.items()}

    def milliseconds_of(self, server: str) -> float:
        """Processor time for each click."""
        return 1_000 * self.usage.processor[server] / self.clicks


class VisitRunner:
    """Runs visits of a library's owners, with their sessions and searches."""

    def __init__(self, library: LoadedLibrary, connection: psycopg.Connection, *, signed_in: int) -> None:
        workload = WorkloadGenerator(connection, pictures=library.pictures)
        self._queries = [case.text for case in (*workload.cases(), *workload.other_terms())]
        self._public_ids = [str(row[0]) for row in connection.execute(PUBLIC).fetchall()]
        self._cookies = [f"sessionid={session_key(owner)}" for owner in range(1, signed_in + 1)]
        self._connection = connection

    def browse(self, servers: Servers, visit: Visit, *, replica: int | None = None) -> Run:
        """Run a visit. Raises RuntimeError if the visitors' process failed."""
        cookies = [*self._cookies[: visit.people - visit.anonymous], *[""] * visit.anonymous]
        plan = Plan(
            *("127.0.0.1", servers.port, cookies, self._queries, self._public_ids),
            *(visit.arrive, visit.seconds, visit.think),
        )
        command, env = [sys.executable, "-m", "bench.load.visitors"], sandbox.environment()
        with subprocess.Popen(
            command, cwd=sandbox.ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin
            process.stdin.write(json.dumps(asdict(plan)))
            process.stdin.close()
            try:
                time.sleep(visit.arrive)
                usage = self._watch(process, servers, replica)
            finally:
                process.kill()
            return Run(_outcome(process), usage, servers.signs)

    def _watch(self, process: subprocess.Popen[str], servers: Servers, replica: int | None) -> Usage:
        pids = {"web processes": servers.web, "nginx": servers.proxy, "PostgreSQL": server_of(self._connection)}
        pids |= {"replica": replica} if replica else {}
        sampler = Sampler(self._connection, web=servers.web, servers=pids)
        while process.poll() is None:
            sampler.sample()
            try:
                process.wait(SAMPLE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        return sampler.end()


def _outcome(process: subprocess.Popen[str]) -> Outcome:
    assert process.stdout
    output = process.stdout.read()
    if process.wait() != 0:
        raise RuntimeError(f"bench.load.visitors ended with status {process.returncode}.")
    fields = json.loads(output)
    kinds = {name: Kind(**kind) for name, kind in fields.pop("kinds").items()}
    return Outcome(**fields, kinds=kinds)
