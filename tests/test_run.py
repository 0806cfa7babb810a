"""`manage.py run` for real: its own `var`, its own port, its own processes."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from django.core.management import call_command
from django.core.management.base import CommandError

from analysis.management.commands.run import bound_socket
from imagelib import embedded
from imagelib.embedded.server import runtime_folder
from tests.process_helpers import IGNORING, limited

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="only Linux lists the processes left behind")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One database for all of them: migrating it takes longest."""
    folder = tmp_path_factory.mktemp("run") / "a clone"
    folder.mkdir()
    yield folder / "var"
    embedded.remove(folder / "var")


@pytest.fixture
def run(var: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    with ExitStack() as stack:

        def start(*options: str, prefix: Sequence[str] = (), **environment: str) -> subprocess.Popen:
            process = subprocess.Popen(
                [*prefix, sys.executable, "manage.py", "run", *options],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "IMAGELIB_VAR": str(var), "PORT": "0", "NO_COLOR": "1", **environment},
                start_new_session=True,
            )
            stack.enter_context(limited(process))
            stack.callback(lambda: process.poll() is None and process.send_signal(signal.SIGINT))
            return process

        yield start


def lines_until(process: subprocess.Popen, last: str) -> list[str]:
    lines: list[str] = []
    while not lines or lines[-1] != last:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        if not line.startswith(("Prepared the model", "No model for")):  # whatever this checkout has
            lines.append(line.rstrip("\n"))
    return lines


def address_in(lines: list[str]) -> tuple[str, int]:
    address = re.fullmatch(r"imagelib is running at http://(127\.0\.0\.1):(\d+)/", lines[1])
    return address[1], int(address[2])


def get(address: tuple[str, int], path: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location", ""), answer.read().decode()
    finally:
        connection.close()


def left_behind(var: Path) -> dict[int, str]:
    """Command lines by process id of live processes that use this `var`."""
    processes = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
        if os.fsencode(var) in known or os.fsencode(runtime_folder(var)) in known:
            processes[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
    return processes


def first_page(address: tuple[str, int], *, password: str) -> str:
    """The library as the first administrator sees it."""
    with requests.Session() as session:
        url = f"http://{address[0]}:{address[1]}/accounts/login/"
        session.get(url, timeout=30)
        form = {"username": "admin", "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        return session.post(url, form, timeout=30).text


def test_serves_until_ctrl_c_and_leaves_nothing_behind(run, var: Path) -> None:
    process = run("--samples")
    lines = lines_until(process, "Press Ctrl-C to stop.")
    assert lines[3:5] == ["Importing 18 sample photos…", "Imported 18, skipped 0 already in the library, rejected 0."]
    assert lines[0] == "Preparing the database and static files…"
    sentence = re.fullmatch(r"Sign in as admin, password (\w{4}-\w{4}-\w{4}) \(shown only once\)", lines[2])
    address = address_in(lines)
    assert "You still use the password that imagelib generated" in first_page(address, password=sentence[1])
    assert get(address, "/")[:2] == (302, "/accounts/login/?next=/")
    status, _, page = get(address, "/accounts/login/")
    assert status == 200
    style = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert get(address, style[1])[0] == 200
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(address, timeout=10))  # and never says anything
        assert get(address, "/accounts/login/")[0] == 200
    assert len(left_behind(var)) >= 8  # itself, web with two workers, worker, scheduler, servers

    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "\nStopped.\n", "")
    assert left_behind(var) == {}


def test_second_start_keeps_users_and_stops_with_a_program(run, var: Path) -> None:
    if not (var / "pictures").exists():  # the test before runs in another process of pytest
        first = run("--samples")
        lines_until(first, "Press Ctrl-C to stop.")
        first.send_signal(signal.SIGINT)
        first.communicate()
    process = run("--samples")
    lines = lines_until(process, "Press Ctrl-C to stop.")
    assert len(lines) == 3  # no password, no samples again
    host, port = address_in(lines)
    _, err = run().communicate()
    assert err == (
        f"CommandError: imagelib is already running at http://{host}:{port}/ (process {process.pid})."
        " Stop it first, or set IMAGELIB_VAR to another folder for this one.\n"
    )

    [scheduler] = [pid for pid, command in left_behind(var).items() if " beat " in command]
    os.kill(scheduler, signal.SIGKILL)
    _, err = process.communicate()
    first, *log = err.splitlines()
    assert first == f"CommandError: The scheduler exited (killed by SIGKILL). The end of {var}/log/beat.log:"
    assert log[0].startswith("  ")
    assert process.returncode == 1
    assert left_behind(var) == {}


def test_sigint_stops_run_started_with_it_ignored(run, var: Path) -> None:
    process = run(prefix=IGNORING)
    lines_until(process, "Press Ctrl-C to stop.")
    process.send_signal(signal.SIGHUP)  # stays ignored: that is what nohup is for
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "\nStopped.\n", "")
    assert left_behind(var) == {}


def test_used_port_is_reported_before_start(run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = run(IMAGELIB_VAR=str(tmp_path), PORT=str(port))
        out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert err == (
        f"CommandError: Port {port} cannot be used: Address already in use."
        f" Choose another, for example: PORT={port + 1} make run\n"
    )
    assert not (tmp_path / "postgres").exists()


def test_a_port_is_taken_before_its_web_server_starts() -> None:
    """Two checkouts may be started at the same moment."""
    with bound_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with (
            pytest.raises(CommandError, match=rf"^Port {port} cannot be used: "),
            bound_socket("127.0.0.1", port),
        ):
            pass


@pytest.mark.parametrize(
    ("port", "sentence"),
    [
        ("eighty", "PORT is 'eighty', which is not a number."),
        ("65536", "Port 65536 does not exist. Choose one from 0 to 65535."),
    ],
)
def test_invalid_port_is_refused(monkeypatch: pytest.MonkeyPatch, port: str, sentence: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(CommandError) as error:
        call_command("run")
    assert str(error.value) == sentence


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path, settings) -> None:
    settings.VAR = tmp_path / "file"
    settings.VAR.touch()
    with pytest.raises(CommandError) as error:
        call_command("run")
    assert str(error.value) == (
        f"IMAGELIB_VAR is {settings.VAR}, which cannot be used: Not a directory. Set it to a folder you own."
    )


def test_invalid_host_is_refused() -> None:
    with pytest.raises(CommandError, match=r"^The address 1\.2\.3\.4\.5 cannot be used: "):
        call_command("run", host="1.2.3.4.5")
