"""work as a program: what it needs is missing, it is killed, or started twice."""

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from django.conf import settings as ours
from django.db import connection
from django.utils import timezone

from analysis import pipeline
from analysis.models import Analysis, WorkLease
from tests.process_helpers import limited
from tests.recognition.test_engine import states, stored_images
from tests.work.conftest import simulator, without_redis
from tests.work.test_runner import run as run_here

ROOT = ours.BASE_DIR


def start(**variables: str) -> subprocess.Popen:
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "IMAGELIB_PICTURES": str(ours.STORAGES["default"]["OPTIONS"]["location"]),
        "REDIS_URL": "none",
        "RECOGNIZER": "rekognition",
        "AWS_REGION": "us-east-1",
        "SIMILAR_PICTURES": "0",
        "SECRET_KEY": "secret",
        **variables,
    }
    command = [sys.executable, "manage.py", "work", "--until-idle"]
    output = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True)


def run(**variables: str) -> tuple[int, str]:
    with limited(start(**variables), seconds=60) as process:
        output = process.communicate()[0]
    return process.returncode, output


@pytest.fixture
def closed_port():
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    listening.close()
    return port


def test_without_database_it_says_so(closed_port, tmp_path):
    address = f"postgresql://me:secret@127.0.0.1:{closed_port}/pictures"
    status, output = run(DATABASE_URL=address, IMAGELIB_VAR=str(tmp_path))
    assert status == 3
    assert "PostgreSQL is not available: " in output
    assert "Check DATABASE_URL and that the server is running." in output
    assert "secret" not in output


@pytest.mark.django_db(transaction=True)
def test_it_works_where_nothing_can_be_written(owner, simulator):
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    # Not even root can make a folder there.
    status, output = run(IMAGELIB_VAR="/proc/imagelib")
    assert (status, states()) == (0, {"done": 1}), output
    assert output.endswith("All due work is done.\n")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("without_redis")
def test_what_a_killed_run_leaves_is_done_by_one_after_its_lease(owner, simulator, tmp_path):
    simulator.set(latency=30_000)
    pipeline.request_analysis(image_ids=[image.pk for image in stored_images(owner, 3)])
    with limited(start(IMAGELIB_VAR=str(tmp_path)), seconds=60) as process:
        for _ in range(600):
            if states()["running"] == 3:
                break
            threading.Event().wait(0.05)
        process.send_signal(signal.SIGKILL)
    simulator.set(latency=0)
    status, output = run_here()
    assert (status, "Already running on " in output) == (4, True), output
    WorkLease.objects.update(expires_at=timezone.now())
    Analysis.objects.update(claimed_until=timezone.now())
    assert (run_here()[0], states()) == (0, {"done": 3})
