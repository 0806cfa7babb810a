"""Rolling restart: web processes and workers one by one while they are used."""

from __future__ import annotations

import http.client
import itertools
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench import sandbox
from bench.chaos.environment import Environment, Program

CLIENTS = 3
PATHS = ("/api/v1/images?limit=20", "/api/v1/images?q=dog", "/api/v1/labels")
REQUEST_SECONDS = 60.0
TOKEN = """
from bench import seed_images
from django.contrib.auth import get_user_model
from imagelib.accounts import api_tokens
user = get_user_model().objects.get(username="bench")
print(api_tokens.create(user, name="restart", scopes=["read"], days=1)[1])
"""


@dataclass
class RoundRobin:
    """Clients behind a proxy, which sends a refused connection to the next process.

    An accepted request must get a response. Only connections that no process has accepted are retried: refused
    ones, and those still in the backlog of a socket that is closed, which the kernel resets.
    """

    ports: list[int]
    token: str
    answered: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send requests until the end of the block."""
        end = threading.Event()
        threads = [threading.Thread(target=self._send_until, args=[end, number]) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            end.set()
            for thread in threads:
                thread.join()

    def _send_until(self, end: threading.Event, number: int) -> None:
        ports = itertools.cycle(self.ports[number % len(self.ports) :] + self.ports[: number % len(self.ports)])
        for path in itertools.cycle(PATHS):
            if end.is_set():
                return
            outcome = self._send(path, ports)
            with self._lock:
                self.answered += outcome == "200"
                if outcome != "200":
                    self.failures.append(f"{path}: {outcome}")

    def _send(self, path: str, ports: Iterator[int]) -> str:
        """The status, or the error of the last process that was tried."""
        error = ""
        for _attempt in self.ports:
            connection = http.client.HTTPConnection("127.0.0.1", next(ports), timeout=REQUEST_SECONDS)
            try:
                connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
                response = connection.getresponse()
                response.read()
                return str(response.status)
            except http.client.RemoteDisconnected as disconnected:
                return f"accepted, but not answered: {disconnected}"
            except (ConnectionRefusedError, ConnectionResetError) as refusal:
                error = str(refusal)
                with self._lock:
                    self.refused += 1
            except (ConnectionError, TimeoutError) as failure:
                return f"{type(failure).__name__} {failure}"
            finally:
                connection.close()
        return error


def create_token(chaos: Environment) -> str:
    process = chaos.manage("shell", "--verbosity", "0", "-c", TOKEN)
    if process.returncode:
        raise sandbox.ProgramEnded(process.stderr)
    return process.stdout.strip()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _number in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def start_web(chaos: Environment, port: int, *, generation: int) -> Program:
    """A web server as deployed, with one worker process."""
    command = [sys.executable, "-m", "gunicorn", "imagelib.wsgi", "--no-control-socket", "--workers", "1"]
    program = chaos.start(
        f"web-{port}-{generation}", *command, "--bind", f"127.0.0.1:{port}", API_REQUESTS_PER_MINUTE="0"
    )
    program.wait_until_ready("Booting worker")
    return program


def restart_all(chaos: Environment, webs: dict[int, Program], workers: list[Program]) -> float:
    """Stop each program by SIGTERM, start its successor; returns the longest stop."""
    longest = 0.0
    for number, worker in enumerate(workers):
        longest = max(longest, worker.stop())
        chaos.worker(f"new-worker-{number}")
    for port, web in webs.items():
        longest = max(longest, web.stop())
        start_web(chaos, port, generation=2)
        time.sleep(0.2)  # the successor must respond before the other one is stopped
    return longest
