"""The Dockerfile, its context, and the words of its entrypoint."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bench.container import dockerfile

ROOT = Path(__file__).resolve().parent.parent.parent
STAGES = dockerfile.parse((ROOT / "Dockerfile").read_text())
ENTRYPOINT = ROOT / "containers/imagelib"


def of(name: str) -> list[dockerfile.Instruction]:
    return [instruction for instruction in STAGES[-1].instructions if instruction.name == name]


def test_no_secret_and_no_data_enters_the_build(tmp_path):
    included = ["analysis/tasks.py", "containers/imagelib", "imagelib/settings.py", "manage.py", "templates/a.html"]
    left = [".env", ".env.local", ".git/config", "var/secret_key", "var/pictures/a.jpg", "tests/test_a.py", "id_rsa"]
    left += [
        "analysis/.env",
        "analysis/__pycache__/tasks.pyc",
        "imagelib/a.pyc",
        ".venv/bin/python",
        "credentials.json",
    ]
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    for name in (*included, *left):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert dockerfile.context_files(tmp_path) == included


def test_the_context_is_the_code_that_is_in_version_control():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )
    folders = {name.partition("/")[0] for name in dockerfile.context_files(ROOT)}
    assert folders <= {"LICENSE", "analysis", "containers", "gunicorn.conf.py", "imagelib", "locale", "manage.py"} | {
        "requirements.txt",
        "templates",
    }
    code = {name for name in tracked if name.startswith(("analysis/", "imagelib/", "templates/", "containers/"))}
    assert code - set(dockerfile.context_files(ROOT)) == set()


def test_the_dockerfile_is_clean_by_hadolint():
    hadolint = shutil.which("hadolint", path=ROOT / ".venv/bin")
    ended = subprocess.run([hadolint, ROOT / "Dockerfile"], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_image_is_pinned_runs_as_a_number_and_gets_all_from_the_build():
    assert [stage.base for stage in STAGES] == ["node:24-slim", "python:3.13-slim", "requirements", "python:3.13-slim"]
    [user] = of("USER")
    assert (user.arguments, of("VOLUME")[0].words) == ("10001:10001", ["/var/lib/imagelib", "/tmp"])
    assert [copy.words for copy in of("COPY")] == [["--from=build", "/opt/imagelib", "/opt/imagelib"]]
    commands = " ".join(run.arguments for run in of("RUN"))
    assert [word for word in ("apt", "pip", "npm", "gcc", "curl") if word in commands] == []
    labels = dockerfile.assignments(of("LABEL")[0])
    assert {name.rpartition(".")[2] for name in labels} == {"title", "description", "licenses", "version", "revision"}
    assert of("HEALTHCHECK")[0].arguments.endswith('CMD ["imagelib", "health"]')


@pytest.fixture
def image(tmp_path):
    """A folder like the image's, whose programs say how they were started."""
    (tmp_path / "app/containers").mkdir(parents=True)
    shutil.copy(ENTRYPOINT, tmp_path / "app/containers")
    shutil.copy(ROOT / "containers/health.py", tmp_path / "app/containers")
    (tmp_path / "bin").mkdir()
    for name in ("gunicorn", "celery", "python"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho "{name} $@ in $(basename "$PWD") with $(basename "$TMPDIR")"\n')
        program.chmod(0o755)
    return tmp_path


def start(image, *words: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [image / "app/containers/imagelib", *words],
        env={
            "PATH": f"{image}/bin:{os.defpath}",
            "IMAGELIB_VAR": str(image / "var"),
            "IMAGELIB_LIVENESS_FILE": str(image / "alive"),
            "DATABASE_URL": "postgresql://x",
            "REDIS_URL": "redis://x",
            **env,
        },
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("words", "command", "touches"),
    [
        (["web"], "gunicorn imagelib.wsgi --bind 0.0.0.0:8000 --worker-tmp-dir /tmp --no-control-socket", False),
        (
            ["worker", "-c", "4"],
            "celery -A imagelib worker --loglevel INFO --without-gossip --without-mingle -c 4",
            True,
        ),
        (["beat"], "celery -A imagelib beat --loglevel WARNING --pidfile=", True),
        (["consumer"], "python manage.py consume_events", True),
        (["migrate"], "python manage.py migrate --no-input", False),
        (["manage", "work", "--until-idle"], "python manage.py work --until-idle", False),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_each_word_starts_its_program(image, words, command, touches):
    ended = start(image, *words)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{command} in app with tmp\n", "")
    assert (image / "alive").exists() == touches


@pytest.mark.parametrize("words", [[], ["server"]], ids=["no word", "unknown word"])
def test_another_word_is_refused_with_those_there_are(image, words):
    ended = start(image, *words)
    assert (ended.returncode, ended.stderr.startswith("Usage: imagelib web | worker")) == (2, True)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_a_container_starts_no_servers_of_its_own(image, name):
    ended = start(image, "web", **{name: ""})
    assert (ended.returncode, ended.stderr) == (2, f"Set {name}. Containers do not run servers of their own.\n")


def test_yesterdays_unfinished_files_are_deleted(image):
    old, new = (image / "var/tmp/old", image / "var/tmp/new")
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (0, 0))
    start(image, "web")
    assert (old.exists(), new.exists(), new.parent.exists()) == (False, True, True)


@pytest.fixture
def web():
    """A web server with a status to answer with, and the request it saw."""

    class Handler(BaseHTTPRequestHandler):
        status, seen = 200, None

        def do_GET(self) -> None:
            type(self).seen = (self.path, self.headers["Host"], self.headers["X-Forwarded-Proto"])
            self.send_response(self.status)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server, Handler
    server.shutdown()
    server.server_close()


def health(tmp_path, **env: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-S", ROOT / "containers/health.py"],
        env={"PATH": os.environ["PATH"], "IMAGELIB_LIVENESS_FILE": str(tmp_path / "alive"), **env},
        check=False,
        capture_output=True,
        text=True,
    )
    return ended.returncode, ended.stdout.strip()


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (301, 0), (404, 1), (503, 1)])
def test_the_web_server_is_asked_as_its_proxy_asks(tmp_path, web, status, expected):
    server, handler = web
    handler.status = status
    env = {"PORT": str(server.server_port), "ALLOWED_HOSTS": ".example.org,other.org"}
    assert health(tmp_path, **env)[0] == expected
    assert handler.seen == ("/healthz", "example.org", "https")


def test_a_web_server_that_is_not_there_is_unhealthy(tmp_path):
    assert health(tmp_path, PORT="1")[0] == 1


@pytest.mark.parametrize(("seconds", "expected"), [(0, (0, "ok")), (86_400, (1, "No progress for"))])
def test_a_worker_is_healthy_while_it_makes_progress(tmp_path, seconds, expected):
    file = tmp_path / "alive"
    file.touch()
    then = file.stat().st_mtime - seconds
    os.utime(file, (then, then))
    status, text = health(tmp_path, PORT="1")
    assert (status, text[: len(expected[1])]) == expected
