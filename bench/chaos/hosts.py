"""A library on several hosts: one with the servers, others with web and worker."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench import photos, sandbox
from bench.chaos import namespaces
from bench.chaos.environment import CELERY, WORKER_OPTIONS, Program
from bench.chaos.namespaces import Host
from bench.recognition_env import wait_until
from imagelib.embedded.binaries import wheel_folder
from imagelib.embedded.redis import bundled

SERVICES, CLIENT = 1, 9  # numbers of hosts; those with a web process and a worker are between them
QUOTA, LATENCY = 20, 800  # calls a second; milliseconds
LEASE, SWEEP = 30, 1  # seconds; the defaults are 120 and 10. The lease must outlast the time that a host is cut off.
# Ports, which can't collide, as each host has its own.
WEB, POSTGRES, REDIS, RECOGNIZER = 8120, 5432, 6379, 9797
clock = time.time  # as in the database and the logs
READ = "import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1], timeout=5).read().decode())"
TOKEN = """
from bench import seed_images
seed_images.fill({pictures}, size=5_000)
seed_images.queue({pictures})
from django.contrib.auth import get_user_model
from imagelib.accounts import api_tokens
user = get_user_model().objects.get(username="bench")
print(api_tokens.create(user, name="load", scopes=["read", "write"], days=1)[1])
"""
# Claims as a worker does; the host loses power in the middle of it.
CLAIM = """
import pathlib, sys, time
from django.db import transaction
from analysis.recognition import ledger
while not pathlib.Path({flag!r}).exists():
    time.sleep(0.05)
with transaction.atomic():
    ledger.lock_budget()
    print("claiming", flush=True)
    time.sleep(600)
"""


@dataclass
class Cluster:
    """The hosts and what runs on them."""

    folder: Path
    network: namespaces.Network
    services: Host
    stack: ExitStack
    env: dict[str, str]
    token: str = ""
    hosts: dict[int, Host] = field(default_factory=dict)

    def start(self, name: str, host: Host, *command: str, **env: str) -> Program:
        log, own = self.folder / f"{name}.log", {**self.env, **env}
        with log.open("wb") as output:
            process = subprocess.Popen(
                host.command(*command), cwd=sandbox.ROOT, env=own, stdout=output, stderr=output, start_new_session=True
            )
        self.stack.callback(process.wait)  # its host has ended by then
        return Program(name, list(command), own, log, process)

    def boot(self, number: int) -> Host:
        """Start a host, also one that was powered off."""
        self.hosts[number] = self.network.host(number)
        return self.hosts[number]

    def web(self, name: str, host: Host) -> Program:
        command = [sys.executable, "-m", "gunicorn", "imagelib.wsgi", "--no-control-socket", "--workers", "1"]
        return self.start(name, host, *command, "--bind", f"{host.address}:{WEB}", **self._own(host))

    def worker(self, name: str, host: Host) -> Program:
        command = [*CELERY, "worker", "--loglevel", "INFO", *WORKER_OPTIONS, "-n", f"worker@host-{host.number}"]
        return self.start(name, host, *command, **self._own(host))

    def beat(self, name: str, host: Host) -> Program:
        schedule = str(self.folder / f"{name}-schedule")
        return self.start(name, host, *CELERY, "beat", "--loglevel", "INFO", "-s", schedule, **self._own(host))

    def manage(self, name: str, host: Host, *arguments: str) -> Program:
        return self.start(name, host, sys.executable, "manage.py", *arguments, **self._own(host))

    def load(self, name: str, client: Host, host: Host) -> Program:
        picture = self.folder / "picture.jpg"
        command = [sys.executable, "bench/chaos/load.py", f"http://{host.address}:{WEB}", self.token, str(picture)]
        return self.start(name, client, *command)

    def _own(self, host: Host) -> dict[str, str]:
        return {"IMAGELIB_VAR": str(self.folder / f"var-{host.number}")}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query through PostgreSQL's Unix socket, which needs no network."""
        with psycopg.connect(_socket_url(self.folder), autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def simulator(self, what: str) -> Any:
        """Counts of the recognizer: "statistics" or "pictures"."""
        address = f"http://127.0.0.1:{RECOGNIZER}/simulator/{what}"
        read = self.services.command(sys.executable, "-c", READ, address)
        return json.loads(subprocess.run(read, check=True, capture_output=True, timeout=20).stdout)


@contextmanager
def cluster(folder: Path, *, schema: Path | None) -> Iterator[Cluster]:
    """The started services; `schema`: an SQL dump of the migrated database, if any.

    Raises NoNamespaces.
    """
    with ExitStack() as stack, namespaces.network() as network:
        services = network.host(SERVICES)
        cluster = Cluster(folder, network, services, stack, _environment(folder, services))
        photos.photo(1, 640, 480).save(folder / "picture.jpg", "JPEG")
        _start_postgres(cluster)
        _start_redis(cluster)
        address = ["--host", "0.0.0.0", "--port", str(RECOGNIZER)]
        quota = ["--tps", str(QUOTA), "--latency", str(LATENCY)]
        cluster.start("simulator", services, sys.executable, "-m", "imagelib.simulator", *address, *quota)
        _migrate(cluster, schema)
        yield cluster


def _environment(folder: Path, services: Host) -> dict[str, str]:
    password = secrets.token_hex(8)
    settings = {
        "DATABASE_URL": f"postgresql://imagelib:{password}@{services.address}:{POSTGRES}/imagelib",
        "REDIS_URL": f"redis://:{password}@{services.address}:{REDIS}/0",
        "SIMULATOR_URL": f"http://{services.address}:{RECOGNIZER}",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": f".localhost,127.0.0.1,{','.join(f'{namespaces.SUBNET}.{n}' for n in range(2, CLIENT))}",
        "HTTPS": "false",
        "IMAGELIB_PICTURES": str(folder / "pictures"),
        "RECOGNIZER": "simulator",
        "RECOGNIZER_APIS": "labels",
        "REKOGNITION_QUOTA": f"labels={QUOTA}",
        "LEASE_SECONDS": str(LEASE),
        "SWEEP_SECONDS": str(SWEEP),
        "API_REQUESTS_PER_MINUTE": "0",
        "PGPASSWORD": password,
    }
    return sandbox.environment(None, **settings)


def _socket_url(folder: Path) -> str:
    return f"host={folder} port={POSTGRES} user=imagelib dbname=imagelib"


def _start_postgres(cluster: Cluster) -> None:
    binaries, data = wheel_folder(), cluster.folder / "postgres"
    assert binaries is not None
    # PostgreSQL refuses to run as root, which the user is in its namespace.
    other = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
    password = cluster.folder / "password"
    password.write_text(cluster.env["PGPASSWORD"])
    options = ["--username=imagelib", f"--pwfile={password}", "--auth-local=trust", "--auth-host=scram-sha-256"]
    options += ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C", f"--pgdata={data}"]
    subprocess.run(
        cluster.services.command(*other, binaries / "initdb", *options), check=True, capture_output=True, timeout=60
    )
    with (data / "pg_hba.conf").open("a") as access:
        access.write(f"host all all {namespaces.SUBNET}.0/24 scram-sha-256\n")
    settings = {"listen_addresses": "*", "port": POSTGRES, "unix_socket_directories": cluster.folder, "fsync": "off"}
    given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    cluster.start("postgres", cluster.services, *other, str(binaries / "postgres"), "-D", str(data), *given)

    def is_ready() -> bool:
        try:
            psycopg.connect(_socket_url(cluster.folder).replace("dbname=imagelib", "dbname=postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    wait_until(is_ready, seconds=30, description="PostgreSQL", interval=0.1)


def _start_redis(cluster: Cluster) -> None:
    server = os.environ.get("IMAGELIB_REDIS_SERVER") or bundled() or shutil.which("redis-server")
    options = ["--port", str(REDIS), "--bind", cluster.services.address, "--requirepass", cluster.env["PGPASSWORD"]]
    cluster.start("redis", cluster.services, str(server), *options, "--save", "", "--dir", str(cluster.folder))


def _migrate(cluster: Cluster, schema: Path | None) -> None:
    with psycopg.connect(
        _socket_url(cluster.folder).replace("dbname=imagelib", "dbname=postgres"), autocommit=True
    ) as connection:
        connection.execute("CREATE DATABASE imagelib")
    if schema is None:
        _succeeds(cluster.manage("migrate", cluster.services, "migrate", "--verbosity", "0"))
        return
    sandbox.load_dump(schema, database=_socket_url(cluster.folder))


def seed(cluster: Cluster, *, pictures: int) -> None:
    """Queue analyses of pictures, and create a token for the load."""
    program = cluster.manage(
        "seed", cluster.services, "shell", "--verbosity", "0", "-c", TOKEN.format(pictures=pictures)
    )
    _succeeds(program)
    cluster.token = program.output.split()[-1]


def claim_when(cluster: Cluster, host: Host, flag: Path) -> Program:
    """Start a worker's transaction that begins once the flag exists, and never ends."""
    return cluster.manage("claim", host, "shell", "--verbosity", "0", "-c", CLAIM.format(flag=str(flag)))


def _succeeds(program: Program) -> None:
    if program.process.wait(timeout=120):
        raise sandbox.ProgramEnded(f"{program.name}:\n{program.output[-4000:]}")


def start_host(cluster: Cluster, host: Host, *, name: str = "first") -> list[Program]:
    """Web process and worker of a host."""
    return [cluster.web(f"web-{host.number}-{name}", host), cluster.worker(f"worker-{host.number}-{name}", host)]


def wait_until_ready(programs: Sequence[Program]) -> None:
    for program in programs:
        program.wait_until_ready(" ready." if program.name.startswith("worker") else "Booting worker")


def start_loads(cluster: Cluster, hosts: Sequence[Host]) -> list[Program]:
    """Send requests to each host from the client; returns once all have responded."""
    client = cluster.network.host(CLIENT)
    loads = [cluster.load(f"load-{host.number}", client, host) for host in hosts]
    for load in loads:
        wait_for_response(load, since=0.0, limit=30)
    return loads


def requests(load: Program, *, since: float = 0.0, until: float = float("inf")) -> list[dict[str, Any]]:
    """Finished requests of a load that were sent in this time span."""
    lines = [json.loads(line) for line in load.output.splitlines() if line.endswith("}")]
    return [line for line in lines if since <= line["at"] < until]


def wait_for_requests(load: Program, *, until: float) -> None:
    """Wait until a request that was sent after this time has ended."""
    wait_until(lambda: bool(requests(load, since=until)), seconds=60, description="a request", interval=0.1)


def wait_for_response(load: Program, *, since: float, limit: float) -> float:
    def has_response() -> bool:
        return any(line["outcome"] in {"200", "201"} for line in requests(load, since=since))

    return seconds_until(has_response, limit=limit, description=f"a response to {load.name}")


def wait_for_task(worker: Program, *, since: int, limit: float) -> float:
    """Wait until the log after `since` shows a received task that succeeded."""

    def has_worked() -> bool:
        received = re.findall(r"Task \S+?\[(\S+?)\] received", worker.output[since:])
        succeeded = re.findall(r"Task \S+?\[(\S+?)\] succeeded", worker.output[since:])
        return not set(received).isdisjoint(succeeded)

    return seconds_until(has_worked, limit=limit, description=f"a task of {worker.name}")


def wait_for_text(program: Program, text: str, *, since: int, limit: float) -> float:
    return seconds_until(
        lambda: text in program.output[since:], limit=limit, description=f"{text!r} in the log of {program.name}"
    )


def seconds_until(condition: Callable[[], bool], *, limit: float, description: str) -> float:
    began = clock()
    wait_until(condition, seconds=limit, description=description, interval=0.1)
    return clock() - began
