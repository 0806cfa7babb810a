"""`manage.py`: commands that start the embedded servers, errors for missing parts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagelib import embedded
from manage import needs_servers

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "var"
    embedded.remove(tmp_path / "var")


def manage(var: Path, *words: str, python: tuple[str, ...] = (sys.executable,), **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*python, "manage.py", *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "IMAGELIB_VAR": str(var), **environment},
    )


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        ([], False),
        (["help", "migrate"], False),
        (["migrate", "--help"], False),
        (["collectstatic", "--no-input"], False),
        (["check", "--deploy"], False),
        (["check", "--database", "default"], True),
        (["run", "--samples"], False),
        (["migrate"], True),
        (["import_images", "folder"], True),
    ],
)
def test_which_commands_need_servers(words: list[str], needs: bool) -> None:
    assert needs_servers(words) is needs


def test_a_command_that_needs_no_servers_starts_none(var: Path) -> None:
    process = manage(var, "check")
    assert process.communicate()[1] == ""
    assert not (var / "postgres").exists()


def test_a_terminal_without_utf_8_shows_question_marks(var: Path) -> None:
    process = manage(var, "export_images", "--help", PYTHONIOENCODING="ascii")
    out, err = process.communicate()
    assert ("freeze the next version of ?Dogs?" in out, err, process.returncode) == (True, "", 0)


def test_a_reader_that_ends_first_gets_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "manage.py", "diffsettings"]
    ended = subprocess.run(command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(write)
    assert (ended.stderr, ended.returncode) == ("", 128 + signal.SIGPIPE)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process = manage(tmp_path / "file", "migrate")
    sentence = f"IMAGELIB_VAR is {tmp_path / 'file'}, which cannot be used: Not a directory."
    assert process.communicate()[1] == f"{sentence} Set it to a folder you own.\n"
    assert process.returncode == 1


def test_a_command_that_is_told_to_end_leaves_no_server(var: Path) -> None:
    code = "from django.db import connection as c; c.ensure_connection(); print('in', flush=True); input()"
    process = manage(var, "shell", "--verbosity", "0", "--command", code)
    assert process.stdout.readline() == "in\n"
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    log = (var / "log" / "postgres.log").read_text()
    assert log.rstrip().endswith("database system is shut down")


def test_without_django_it_says_how_to_get_it(var: Path) -> None:
    process = manage(var, "migrate", python=(sys.executable, "-I", "-S"))
    assert process.communicate() == (
        "",
        "django is not installed. Run `make setup`, then use .venv/bin/python manage.py …\n",
    )
    assert process.returncode == 1


def test_a_server_that_does_not_start_is_said_without_a_traceback(var: Path) -> None:
    process = manage(var, "migrate", IMAGELIB_REDIS_SERVER="/bin/false")
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[0] == f"Redis exited while starting. The end of {var}/log/redis.log:"


@pytest.mark.parametrize(
    ("command", "name", "value", "sentence"),
    [
        (
            "migrate",
            "DATABASE_POOL_SIZE",
            "many",
            'Environment variable "DATABASE_POOL_SIZE" invalid: Not a valid integer.',
        ),
        (
            "run",
            "TIME_ZONE",
            "Mars/X",
            "TIME_ZONE is 'Mars/X', which this server does not know. Set it to a name such as Europe/Berlin.",
        ),
        ("check", "LOG_LEVEL", "loud", "LOG_LEVEL is 'loud'. Set it to one of: DEBUG, INFO, WARNING, ERROR, CRITICAL."),
        (
            "help",
            "DATABASE_URL",
            "mysql://me:secret@db/x",
            "DATABASE_URL is not the URL of a PostgreSQL database. Set it to postgresql://user:password@host/name.",
        ),
    ],
)
def test_a_setting_that_cannot_be_read_is_said_without_a_traceback(
    var: Path, command: str, name: str, value: str, sentence: str
) -> None:
    process = manage(var, command, **{name: value})
    assert (*process.communicate(), process.returncode) == ("", f"{sentence}\n", 1)
