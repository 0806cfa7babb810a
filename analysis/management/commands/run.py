"""Everything at once on one machine: embedded servers, web, worker and scheduler, until Ctrl-C."""

import hashlib
import http.client
import os
import secrets
import socket
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from analysis.models import Image
from imagelib import embedded, process_manager
from imagelib.embedded.server import tail, take_lock
from imagelib.private_files import private_folder
from imagelib.sample_images import SAMPLES, write_samples

PATIENCE = 60.0  # seconds for the first answer of the web


class Command(BaseCommand):
    help = "Run imagelib on this machine: database, queue, web, worker and scheduler. Ctrl-C stops all of it."
    requires_system_checks = []  # the web and the worker check for themselves

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, help="default: the environment variable PORT, else 8000; 0 finds one")
        parser.add_argument("--samples", action="store_true", help="bring in scikit-image's sample photographs")

    def handle(self, *, host: str, port: int | None, samples: bool, **_: Any) -> None:
        try:
            with process_manager.ended_by_signal(), _only_one() as note, _door(host, _port(port)) as door:
                address = _address(host, door)
                note.write_text(f"{address} (process {os.getpid()})")
                with _servers(), process_manager.process_manager(folder=settings.BASE_DIR) as company:
                    self._prepare()
                    _start_programs(company, door)
                    _wait_for_web(company, door)
                    self._welcome(address)
                    if samples:
                        self._bring_samples()
                    self.stdout.write("Ctrl-C stops it.")
                    company.watch(until=lambda: False)
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")
        except process_manager.ProgramExited as ended:
            raise CommandError(str(ended)) from ended

    def _prepare(self) -> None:
        self.stdout.write("Preparing the database and the pages …")
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            raise CommandError(f"The database does not answer; look at DATABASE_URL. {error}") from error
        _collect_static()

    def _welcome(self, address: str) -> None:
        self.stdout.write(self.style.SUCCESS(f"imagelib is at {address}"))
        if settings.RECOGNIZER == "simulator":
            self.stdout.write(self.style.WARNING("The recognizer is a simulator: every label is INVENTED."))
        people = get_user_model()._default_manager
        if not people.exists():
            password = "-".join(_syllable() for _ in range(3))
            people.create_superuser("admin", password=password)
            self.stdout.write(f"Sign in as admin with the password {password} (it is shown this once)")

    def _bring_samples(self) -> None:
        owner = get_user_model()._default_manager.order_by("-is_superuser", "pk")[0]
        if Image.objects.filter(owner=owner).exists():
            return
        self.stdout.write(f"Bringing in {len(SAMPLES)} sample photographs …")
        with tempfile.TemporaryDirectory(prefix="imagelib-samples-") as folder:
            try:
                write_samples(Path(folder))
            except ModuleNotFoundError as error:
                raise CommandError("The samples come with requirements-dev.txt: use `make demo`.") from error
            call_command("import_images", folder, owner=owner.get_username(), stdout=self.stdout)


def _port(given: int | None) -> int:
    text = os.environ.get("PORT", "8000")
    if given is None and not text.isdecimal():
        raise CommandError(f"PORT is {text!r}, which is no number.")
    port = int(text) if given is None else given
    if not 0 <= port < 2**16:
        raise CommandError(f"There is no port {port}: the highest is 65535.")
    return port


@contextmanager
def _only_one() -> Iterator[Path]:
    """Holds the lock that says it runs here; yields the file, which tells others where."""
    file = settings.VAR / "run" / "run.lock"
    private_folder(file.parent)
    lock = take_lock(file)
    if lock is None:
        raise CommandError(
            f"imagelib runs here already, at {file.read_text()}. Stop that one first,"
            " or give this one a folder of its own with IMAGELIB_VAR."
        )
    try:
        yield file
    finally:
        os.close(lock)


@contextmanager
def _door(host: str, port: int) -> Iterator[socket.socket]:
    """The address, taken before anything else is started; the web inherits it and listens."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise CommandError(f"There is no address {host}: {error.strerror}.") from error
    with socket.socket(family, kind) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(place)
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used: {error.strerror}. Choose another, for example PORT={port + 1} make run."
            ) from error
        yield door


@contextmanager
def _servers() -> Iterator[None]:
    try:
        embedded.start(settings.VAR, services=settings.EMBEDDED)
    except embedded.ServerStartError as unstartable:
        raise CommandError(str(unstartable)) from unstartable
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's has one
        embedded.leave(settings.VAR)


def _address(host: str, door: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{door.getsockname()[1]}/"


def _start_programs(company: process_manager.ProcessManager, door: socket.socket) -> None:
    logs = settings.VAR / "log"
    web = ["imagelib.wsgi", "--config", str(settings.BASE_DIR / "gunicorn.conf.py"), "--no-control-socket"]
    web += ["--bind", f"fd://{door.fileno()}"]
    worker = ["-A", "imagelib", "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    if settings.RECOGNIZER == "simulator":
        company.start(_simulator(logs))
    beat = ["-A", "imagelib", "beat", "--loglevel", "WARNING"]
    for program in (
        process_manager.Program(
            name="web", module="gunicorn", arguments=web, log=logs / "web.log", keep=[door.fileno()]
        ),
        process_manager.Program(name="worker", module="celery", arguments=worker, log=logs / "worker.log"),
        process_manager.Program(name="scheduler", module="celery", arguments=beat, log=logs / "beat.log"),
    ):
        company.start(program)


def _simulator(logs: Path) -> process_manager.Program:
    """Rekognition's stand-in on a free port, where the programs started after it find it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    os.environ["SIMULATOR_URL"] = f"http://127.0.0.1:{port}"
    arguments = ["--port", str(port), "--latency", "300", "--jitter", "50"]
    return process_manager.Program(
        name="simulator", module="imagelib.simulator", arguments=arguments, log=logs / "simulator.log"
    )


def _wait_for_web(company: process_manager.ProcessManager, door: socket.socket) -> None:
    deadline = time.monotonic() + PATIENCE
    company.watch(until=lambda: _answers(door) or time.monotonic() > deadline)
    if time.monotonic() > deadline:
        log = settings.VAR / "log" / "web.log"
        raise CommandError(f"The web does not answer. {log} says:\n{tail(log)}")


def _answers(door: socket.socket) -> bool:
    host, port = door.getsockname()[:2]
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not listened on
    connection = http.client.HTTPConnection(here, port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _collect_static() -> None:
    """Collects only if a source changed: hashing and compressing take seconds."""
    mark = settings.VAR / "run" / "static"
    sources = _fingerprint_of_static()
    if settings.STATIC_ROOT.exists() and mark.exists() and mark.read_text() == sources:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(sources)


def _fingerprint_of_static() -> str:
    known = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            known.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return known.hexdigest()


def _syllable() -> str:
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4))
