"""One line for each thing that must work, whatever does not."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from analysis import pipeline, tasks
from analysis.findings import Finding
from analysis.health import doctor
from analysis.health.bounded import bounded
from analysis.models import Heartbeat, Outage, PendingBlob, Spend
from analysis.recognition.aws_quotas import QUOTA_SHARE
from analysis.recognition.local.prepared_models import DETECTOR
from analysis.storage import blobs
from tests import pictures
from tests.factories import create_analysis, create_image
from tests.recognition.local import own_models

ROOT = Path(__file__).resolve().parents[2]
SUBJECTS = [
    *("versions", "configuration", "database", "migrations", "redis", "queue", "workers", "scheduler", "analyses"),
    *("stuck jobs", "failures", "outages", "similar pictures", "storage", "missing files", "unused files"),
    *("deletions", "disk", "backup", "models", "deliveries", "two-step sign-in", "budget", "rate limits"),
]


def run(*arguments) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        return int(end.code), out.getvalue()
    return 0, out.getvalue()


def finding_on(subject: str) -> Finding:
    """The finding, of the look that makes it alone."""
    (finding,) = [finding for check in doctor.all_checks() for finding in _of(check, subject)]
    return finding


def _of(check, subject: str) -> list[Finding]:
    if check.subject not in {subject, "files"} or (check.subject == "files" and "files" not in subject):
        return []
    return [finding for finding in doctor.run_check(check) if finding.subject == subject]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("celery_worker_thread")
def test_all_is_well(owner, monkeypatch):
    monkeypatch.setattr("analysis.health.services.PING_TIMEOUT", 1.5)  # long enough for a busy worker
    tasks.heartbeat()
    pipeline.ingest_file(BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk)
    status, output = run("--json")
    report = json.loads(output)
    without_npm = {"models"} if DETECTOR.record() is None else set()
    assert {finding["subject"] for finding in report["findings"] if finding["state"] != "ok"} == without_npm
    assert (status, report["is_fine"], [finding["subject"] for finding in report["findings"]]) == (0, True, SUBJECTS)
    status, output = run()
    assert status == 0
    assert re.search(r"^ok +redis +Valkey \d+\.\d+\.\d+, ", output, re.MULTILINE)
    assert [line.split("  ")[0] for line in output.splitlines()].count("ok") == len(SUBJECTS) - len(without_npm)


@pytest.mark.django_db
def test_what_is_wrong_is_told_with_the_next_step(owner):
    status, output = run()
    lines = {line[9:28].strip(): line for line in output.splitlines()}
    assert status == 1
    assert lines["workers"] == (
        "failed   workers            No worker is running. "
        "Start one with `celery -A imagelib worker`, or everything with `make run`."
    )
    assert lines["scheduler"].endswith("No heartbeat yet. Start exactly one scheduler: `celery -A imagelib beat`.")


def doctor_elsewhere(tmp_path, **env) -> tuple[int, dict[str, dict], str]:
    """Exit status, findings and standard error of the command."""
    env = {"PATH": os.environ["PATH"], "IMAGELIB_ENV_FILE": os.devnull, "IMAGELIB_VAR": str(tmp_path / "var"), **env}
    command = [sys.executable, "manage.py", "doctor", "--json"]
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    return (
        ended.returncode,
        {finding["subject"]: finding for finding in json.loads(ended.stdout)["findings"]},
        ended.stderr,
    )


@contextmanager
def frozen():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as door:
        yield door.getsockname()[1]


@contextmanager
def nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    yield port


@pytest.mark.parametrize("away", [nobody_there, frozen])
def test_without_database_and_redis_it_tells_what_can_be_told(tmp_path, away):
    with away() as port:
        services = {
            "DATABASE_URL": f"postgresql://me:secret@127.0.0.1:{port}/pictures",
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        }
        status, findings, complaint = doctor_elsewhere(tmp_path, **services)
    assert (status, complaint) == (1, "")
    assert findings["database"]["sentence"].startswith("PostgreSQL is not available: ")
    assert findings["database"]["next_step"] == "Check DATABASE_URL and that the server is running."
    assert findings["redis"]["sentence"].startswith("Redis is not available: ")
    assert {findings[name]["sentence"] for name in ("migrations", "analyses", "stuck jobs", "files")} == {
        "Not checked because PostgreSQL is not available."
    }
    assert findings["workers"]["sentence"] == "Not checked because Redis is not available."
    assert {name for name, finding in findings.items() if finding["state"] == "failed"} == {"database", "redis"}
    assert findings["storage"]["state"] == "ok"
    assert "secret" not in json.dumps(findings)


def test_credentials_in_the_address_of_an_endpoint_are_not_told(tmp_path):
    with nobody_there() as port:
        endpoint = f"http://me:secret@127.0.0.1:{port}"
        _, findings, complaint = doctor_elsewhere(
            tmp_path,
            DATABASE_URL=f"postgresql://127.0.0.1:{port}/pictures",
            REDIS_URL=f"redis://127.0.0.1:{port}/0",
            AWS_STORAGE_BUCKET_NAME="pictures",
            AWS_REGION="eu-central-1",
            AWS_ENDPOINT_URL=endpoint,
            AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY="testing",
            RECOGNIZER="rekognition",
        )
    assert findings["storage"]["state"] == "failed"
    assert f"127.0.0.1:{port}" in json.dumps(findings["storage"])
    assert "secret" not in json.dumps(findings) + complaint


@pytest.mark.django_db
def test_migrations_that_are_pending_are_named():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    finding = finding_on("migrations")
    assert (finding.sentence, finding.next_step) == (
        "1 migration is not applied: sessions.0001_initial.",
        "Run `manage.py migrate`.",
    )


@pytest.mark.django_db
def test_a_table_that_is_missing_is_no_traceback():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE analysis_outage RENAME TO elsewhere")
    assert finding_on("outages").sentence == (
        'The database rejected the query: relation "analysis_outage" does not exist.'
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "state", "sentence"),
    [
        (timedelta(seconds=20), "ok", "Last heartbeat through scheduler, broker and worker: 20 seconds ago."),
        (timedelta(hours=3), "failed", "Last heartbeat through scheduler, broker and worker: 3 hours ago."),
    ],
)
def test_the_scheduler_is_known_by_its_heartbeat(age, state, sentence):
    Heartbeat.objects.create(name="queue", at=timezone.now() - age)
    assert (finding_on("scheduler").state, finding_on("scheduler").sentence) == (state, sentence)


@pytest.mark.django_db
def test_what_waits_and_what_waits_in_vain(owner):
    assert finding_on("analyses").sentence == "The queue is empty."
    for minutes in (4, 9):
        at = timezone.now() - timedelta(minutes=minutes, seconds=30)
        create_analysis(create_image(owner), requested_at=at, next_attempt_at=at)
    assert (finding_on("analyses").state, finding_on("analyses").sentence) == (
        "ok",
        "2 analyses in the queue, the oldest for 10 minutes.",
    )
    at = timezone.now() - timedelta(minutes=20)
    create_analysis(create_image(owner), requested_at=at, next_attempt_at=at)
    assert finding_on("analyses").state == "failed"
    assert finding_on("analyses").sentence.startswith("Labels: work is waiting, but there have been no results for ")


@pytest.mark.django_db
def test_claims_that_nobody_freed_are_stuck(owner):
    create_analysis(create_image(owner), state="running", claimed_until=timezone.now() - timedelta(seconds=20))
    assert finding_on("stuck jobs").state == "ok"
    create_analysis(create_image(owner), state="running", claimed_until=timezone.now() - timedelta(minutes=20))
    assert (finding_on("stuck jobs").state, finding_on("stuck jobs").sentence) == (
        "failed",
        "1 analysis is still claimed by a worker that stopped.",
    )


@pytest.mark.django_db
def test_failures_are_counted_by_cause(owner):
    for code, hours in (("original-missing", 1), ("original-missing", 2), ("storage", 3), ("storage", 25)):
        finished_at = timezone.now() - timedelta(hours=hours)
        create_analysis(create_image(owner), state="failed", error_code=code, finished_at=finished_at)
    finding = finding_on("failures")
    assert (finding.state, finding.sentence) == (
        "warning",
        "3 analyses failed in the last 24 hours: original-missing 2, storage 1.",
    )


@pytest.mark.django_db
def test_an_outage_is_told_with_its_sentence():
    since = timezone.now() - timedelta(hours=5, minutes=1)
    Outage.objects.create(
        recognizer="rekognition", api="labels", code="x", message="Denied.", since=since, probe_at=since
    )
    assert (finding_on("outages").state, finding_on("outages").sentence) == (
        "failed",
        "Labels unavailable for 5 hours: Denied.",
    )


def test_a_storage_that_takes_nothing_is_told(pictures_folder):
    pictures_folder.write_text("a file where the folder should be")
    assert (finding_on("storage").state, finding_on("storage").next_step) == (
        "failed",
        "Check the free disk space and the folder's owner and permissions.",
    )


def test_the_probe_leaves_nothing(pictures_folder):
    assert finding_on("storage").state == "ok"
    assert [path for path in pictures_folder.rglob("*") if path.is_file()] == []


@pytest.mark.django_db
def test_rows_without_blobs_and_blobs_without_rows_are_sampled(owner):
    pipeline.ingest_file(BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk)
    assert (finding_on("missing files").state, finding_on("unused files").state) == ("ok", "ok")
    lost = create_image(owner)
    for number in range(256):
        blobs.put(f"originals/{number:02x}/stray.jpg", b"picture")
    finding = finding_on("missing files")
    assert finding.state == "failed"
    assert finding.sentence.startswith(f"Checked a sample of 2 pictures: 3 files are missing: {lost.key}, renditions/")
    assert finding.next_step == "Check all files with `manage.py audit_library`."
    assert finding_on("unused files").state == "warning"


@pytest.mark.django_db
def test_leftovers_that_nobody_swept_are_told():
    PendingBlob.objects.create(key="originals/aa/x", since=timezone.now() - timedelta(hours=3))
    PendingBlob.objects.create(key="originals/aa/y")
    assert finding_on("deletions").sentence == "1 unused file should have been deleted hours ago."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("dollars", "state", "words"),
    [
        ("1", "ok", ""),
        ("8.5", "warning", ""),
        ("10", "warning", " Bulk runs are paused."),
        ("20", "warning", " All analyses are paused."),
    ],
)
def test_the_budget(settings, dollars, state, words):
    settings.MONTHLY_BUDGET, settings.INTERACTIVE_BUDGET = Decimal(10), Decimal(20)
    Spend.objects.create(day=timezone.now().date(), recognizer="local", api="labels", dollars=Decimal(dollars))
    sentence = f"Spent this month: ${Decimal(dollars):.2f}. Limit for bulk runs: $10.00; with uploads: $20.00."
    assert (finding_on("budget").state, finding_on("budget").sentence) == (state, sentence + words)


def test_the_pace_that_throttles_left(rekognition):
    from analysis.recognition import engine_runner

    limiter = engine_runner.limiter("rekognition", "labels")
    assert finding_on("rate limits").sentence == "Calls per second, current limit/quota: labels 1000/1000."
    lowered = {"cut": 200 * QUOTA_SHARE, "ceiling": 200 * QUOTA_SHARE, "cut_at": limiter._redis.time()[0]}
    limiter._redis.hset(limiter._key, mapping=lowered)
    finding = finding_on("rate limits")
    assert finding.state == "warning"
    assert re.fullmatch(r"Calls per second, current limit/quota: labels 2\d\d(\.\d)?/1000\.", finding.sentence)
    limiter._redis.delete(limiter._key)


def test_a_mistake_in_the_configuration_is_a_line(settings):
    settings.MAX_LABELS = 0
    assert (finding_on("configuration").state, finding_on("configuration").sentence) == ("failed", "MAX_LABELS is 0.")


def test_what_never_answers_is_not_waited_for():
    with pytest.raises(TimeoutError), frozen() as port, socket.create_connection(("127.0.0.1", port)) as line:
        bounded(lambda: line.recv(1), seconds=0.05)


def test_models_that_do_not_run_are_reported(settings, tmp_path):
    settings.LOCAL_DETECTOR = str(tmp_path / "own.onnx")
    assert finding_on("models").sentence == f"The model file {tmp_path}/own.onnx is missing."
    own_models.write(tmp_path / "own.onnx", OWN_MODEL, b=[[0, 0, 1, 1]], s=[[0.5, 0.5, 0.5]])
    assert finding_on("models").sentence == (
        "The output of own.onnx is 1 x 3, but by its description it should be 1 x 2."
    )
    own_models.write(tmp_path / "own.onnx", OWN_MODEL, b=[[0, 0, 1, 1]], s=[[0.5, 0.5]])
    assert finding_on("models").state == "ok"


OWN_MODEL = """
kind = "detector"
classes = ["cat", "dog"]
[input]
size = [8, 8]
[output]
boxes = "b"
scores = "s"
"""


def test_models_that_are_not_prepared_are_reported(settings, tmp_path):
    settings.LOCAL_MODELS = tmp_path
    finding = finding_on("models")
    assert (finding.state, finding.next_step) == ("warning", "Install npm and run `manage.py prepare_models`.")
    settings.RECOGNIZER = "simulator"
    assert finding_on("models").sentence == "Not used: RECOGNIZER is simulator."
