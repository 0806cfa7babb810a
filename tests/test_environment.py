"""The tests' own PostgreSQL and Redis end with them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process_helpers import limited

ROOT = Path(__file__).resolve().parents[1]
WAITING = """
import os, sys
import psycopg, redis

def test_waits():
    from django.conf import settings
    options = settings.DATABASES["default"]
    with psycopg.connect(host=options["HOST"], user=options["USER"], password=options["PASSWORD"] or None,
                         port=options["PORT"] or None, dbname="postgres") as connection:
        (text,) = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
    server = redis.Redis.from_url(settings.REDIS)
    print("ready", text.split()[0], server.info()["process_id"], flush=True)
    server.close()
    sys.stdin.read()
"""


# Under nohup signals arrive ignored, and children inherit that.
PYTEST = """
import signal, sys
import pytest
signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.exit(pytest.main(sys.argv[1:]))
"""


def is_running(pid: int) -> bool:
    """False also for a zombie: in a container there may be nobody to wait for it."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_tests_that_are_told_to_end_stop_their_servers(number, tmp_path):
    (tmp_path / "test_waiting.py").write_text(WAITING)
    options = ["-p", "no:cacheprovider", "-q", "-s", "-c", str(ROOT / "pyproject.toml"), str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-c", PYTEST, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    with limited(process):
        line = next((line for line in process.stdout if "ready" in line), "")
        servers = [int(pid) for pid in line.split()[-2:]]
        assert [is_running(pid) for pid in servers] == [True, True]
        process.send_signal(number)
        assert process.wait() == pytest.ExitCode.INTERRUPTED
    assert [is_running(pid) for pid in servers] == [False, False]
