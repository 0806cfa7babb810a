"""Run imagelib on one machine: embedded servers, web, worker, scheduler."""

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
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis.formatting import plural, translated
from analysis.management.translated_command import TranslatedCommand
from analysis.models import Image
from imagelib import embedded, process_manager
from imagelib.embedded.server import tail, take_lock
from imagelib.private_files import private_folder
from imagelib.sample_images import SAMPLES, write_samples

WEB_START_TIMEOUT = 60.0  # seconds


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Run imagelib on this machine: database, queue, web, worker and scheduler. Ctrl-C stops all of them."
    )
    requires_system_checks = []  # the web server and the worker run them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help=_("the address to listen on (default: %(default)s)"))
        parser.add_argument(
            "--port", type=int, help=_("the port (default: the environment variable PORT, or 8000); 0 picks a free one")
        )
        parser.add_argument("--samples", action="store_true", help=_("import scikit-image's sample photos"))

    def handle(self, *, host: str, port: int | None, samples: bool, **_options: Any) -> None:
        try:
            with (
                process_manager.ended_by_signal(),
                _single_instance() as lock_file,
                bound_socket(host, _port(port)) as web_socket,
            ):
                url = _url(host, web_socket)
                os.environ.setdefault("SITE_URL", url)  # for links in messages, which the worker sends
                os.environ.setdefault("LOG_FORMAT", "console")  # its log files are read by people
                lock_file.write_text(f"{url} (process {os.getpid()})")
                if samples:
                    call_command("prepare_models", stdout=self.stdout, stderr=self.stdout)
                with _servers(), process_manager.process_manager(folder=settings.BASE_DIR) as manager:
                    self._prepare()
                    _start_programs(manager, web_socket)
                    _wait_for_web(manager, web_socket)
                    self._welcome(url)
                    if samples:
                        self._import_samples()
                    self.stdout.write(_("Press Ctrl-C to stop."))
                    manager.watch(until=lambda: False)
        except KeyboardInterrupt:
            self.stdout.write("\n" + _("Stopped."))
        except process_manager.ProgramExited as error:
            raise CommandError(str(error)) from error

    def _prepare(self) -> None:
        self.stdout.write(_("Preparing the database and static files…"))
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            sentence = _("The database is not available. Check DATABASE_URL. %(error)s")
            raise CommandError(sentence % {"error": error}) from error
        _collect_static()

    def _welcome(self, url: str) -> None:
        self.stdout.write(self.style.SUCCESS(_("imagelib is running at %(url)s") % {"url": url}))
        if settings.RECOGNIZER == "simulator":
            self.stdout.write(self.style.WARNING(_("Simulator mode: labels and costs are MADE UP.")))
        users = get_user_model()._default_manager
        if not users.exists():
            password = "-".join(_syllable() for _number in range(3))
            users.create_superuser("admin", password=password, has_generated_password=True)
            sentence = _("Sign in as admin, password %(password)s (shown only once)")
            self.stdout.write(sentence % {"password": password})

    def _import_samples(self) -> None:
        owner = get_user_model()._default_manager.order_by("-is_superuser", "pk")[0]
        if Image.objects.filter(owner=owner).exists():
            return
        number = len(SAMPLES)
        sentence = ngettext("Importing %(number)s sample photo…", "Importing %(number)s sample photos…", number)
        self.stdout.write(plural(sentence, number))
        with tempfile.TemporaryDirectory() as parent:
            # Its name is shown on the Folders page.
            folder = Path(parent) / "samples"
            folder.mkdir()
            try:
                write_samples(folder)
            except ModuleNotFoundError as error:
                sentence = _("The samples need requirements-dev.txt; use: %(command)s")
                raise CommandError(sentence % {"command": "make demo"}) from error
            call_command("import_images", str(folder), owner=owner.get_username(), stdout=self.stdout)


def _port(option: int | None) -> int:
    text = os.environ.get("PORT", "8000")
    if option is None and not text.isdecimal():
        raise CommandError(_("PORT is %(value)s, which is not a number.") % {"value": repr(text)})
    port = int(text) if option is None else option
    if not 0 <= port < 2**16:
        raise CommandError(_("Port %(port)s does not exist. Choose one from 0 to 65535.") % {"port": port})
    return port


@contextmanager
def _single_instance() -> Iterator[Path]:
    """Hold the lock of this VAR folder; yields the lock file, which contains the URL."""
    file = settings.VAR / "run" / "run.lock"
    try:
        private_folder(file.parent)
        lock = take_lock(file)
    except OSError as error:
        sentence = _("IMAGELIB_VAR is %(path)s, which cannot be used: %(error)s. Set it to a folder you own.")
        raise CommandError(sentence % {"path": settings.VAR, "error": error.strerror}) from error
    if lock is None:
        raise CommandError(
            _(
                "imagelib is already running at %(url)s. Stop it first, or set IMAGELIB_VAR to another folder for this"
                " one."
            )
            % {"url": file.read_text()}
        )
    try:
        yield file
    finally:
        os.close(lock)


@contextmanager
def bound_socket(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens, which the web server inherits. Raises CommandError."""
    # Before anything starts, so that a port in use is reported at once.
    try:
        family, kind, _protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        sentence = _("The address %(host)s cannot be used: %(error)s.")
        raise CommandError(sentence % {"host": host, "error": error.strerror}) from error
    with socket.socket(family, kind) as web_socket:
        web_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            web_socket.bind(address)
            # With SO_REUSEADDR, Linux lets two programs bind a port until one of them listens. Otherwise, two
            # checkouts started at once would both begin, and one of them end in the middle.
            web_socket.listen()
        except OSError as error:
            sentence = _("Port %(port)s cannot be used: %(error)s. Choose another, for example: %(command)s")
            values = {"port": port, "error": error.strerror, "command": f"PORT={port + 1} make run"}
            raise CommandError(sentence % values) from error
        yield web_socket


@contextmanager
def _servers() -> Iterator[None]:
    try:
        embedded.start(settings.VAR, services=settings.EMBEDDED)
    except embedded.ServerStartError as error:
        raise CommandError(translated(error)) from error
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's has one
        embedded.leave(settings.VAR)


def _url(host: str, web_socket: socket.socket) -> str:
    url_host = f"[{host}]" if ":" in host else host
    return f"http://{url_host}:{web_socket.getsockname()[1]}/"


def _start_programs(manager: process_manager.ProcessManager, web_socket: socket.socket) -> None:
    logs = settings.VAR / "log"
    web = ["imagelib.wsgi", "--config", str(settings.BASE_DIR / "gunicorn.conf.py"), "--no-control-socket"]
    web += ["--bind", f"fd://{web_socket.fileno()}"]
    if settings.RECOGNIZER == "simulator":
        manager.start(_simulator(logs))
    for program in (
        process_manager.Program(
            name="web", module="gunicorn", arguments=web, log=logs / "web.log", keep=[web_socket.fileno()]
        ),
        *_background_programs(logs),
    ):
        manager.start(program)


def _background_programs(logs: Path) -> list[process_manager.Program]:
    if not settings.CELERY_BROKER_URL:
        return [process_manager.Program(name="work", module="django", arguments=["work"], log=logs / "work.log")]
    worker = ["-A", "imagelib", "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    beat = ["-A", "imagelib", "beat", "--loglevel", "WARNING"]
    return [
        process_manager.Program(name="worker", module="celery", arguments=worker, log=logs / "worker.log"),
        process_manager.Program(name="scheduler", module="celery", arguments=beat, log=logs / "beat.log"),
    ]


def _simulator(logs: Path) -> process_manager.Program:
    with socket.create_server(("127.0.0.1", 0)) as free_port:
        port = free_port.getsockname()[1]
    # For the settings of the worker and the web server, which are started later.
    os.environ["SIMULATOR_URL"] = f"http://127.0.0.1:{port}"
    arguments = ["--port", str(port), "--latency", "300", "--jitter", "50"]
    return process_manager.Program(
        name="simulator", module="imagelib.simulator", arguments=arguments, log=logs / "simulator.log"
    )


def _wait_for_web(manager: process_manager.ProcessManager, web_socket: socket.socket) -> None:
    deadline = time.monotonic() + WEB_START_TIMEOUT
    manager.watch(until=lambda: _responds(web_socket) or time.monotonic() > deadline)
    if time.monotonic() > deadline:
        log = settings.VAR / "log" / "web.log"
        sentence = _("The web server did not start. The end of %(log)s:")
        raise CommandError(f"{sentence % {'log': log}}\n{tail(log)}")


def _responds(web_socket: socket.socket) -> bool:
    host, port = web_socket.getsockname()[:2]
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a client, no listener
    connection = http.client.HTTPConnection(loopback, port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _collect_static() -> None:
    # Hashing and compressing all files takes seconds, so it is skipped if no source has changed.
    fingerprint_file = settings.VAR / "run" / "static"
    fingerprint = _static_fingerprint()
    if settings.STATIC_ROOT.exists() and fingerprint_file.exists() and fingerprint_file.read_text() == fingerprint:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    fingerprint_file.write_text(fingerprint)


def _static_fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _syllable() -> str:
    # Without characters that look alike: i, l, 1, o, 0.
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _number in range(4))
