"""No program starts with a database of a newer version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from analysis.findings import failed
from analysis.health.services import check_migrations
from imagelib import newer_database
from imagelib.database_connection import parameters

ROOT = Path(__file__).resolve().parent.parent
SENTENCE = (
    "This database belongs to a newer version of imagelib (unknown migration 9999_of_next_year). Update imagelib,"
    " or restore a backup from before the update."
)
PROGRAMS = {
    "web": ["-m", "gunicorn", "imagelib.wsgi", "--check-config"],
    "scheduler": ["-m", "celery", "-A", "imagelib", "beat"],
    "command": ["manage.py", "createsuperuser", "--noinput", "--username", "a", "--email", "a@example.org"],
}


@pytest.mark.django_db
def test_current_database_is_accepted() -> None:
    assert newer_database.newer_migration() == ""
    assert newer_database.known_migrations("analysis") >= {"0001_initial", "0034_upload_targets"}


def test_database_that_does_not_answer_is_not_judged(settings, monkeypatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", "/nowhere")
    assert newer_database.newer_migration() == ""


@pytest.mark.django_db(transaction=True)
def test_no_program_starts_with_a_newer_database(tmp_path) -> None:
    MigrationRecorder(connection).record_applied("analysis", "9999_of_next_year")
    database = parameters()
    url = f"postgresql://{database['user']}@{quote(database['host'], safe='')}:{database['port']}/{database['dbname']}"
    env = {**os.environ, "DATABASE_URL": url, "PYTHONWARNINGS": "ignore"}
    try:
        assert check_migrations() == failed("migrations", SENTENCE, "")
        running = {
            name: subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name, command in PROGRAMS.items()
        }
        outputs = {name: process.communicate(timeout=120)[0] for name, process in running.items()}
    finally:
        MigrationRecorder(connection).record_unapplied("analysis", "9999_of_next_year")
    assert {name: SENTENCE in output for name, output in outputs.items()} == dict.fromkeys(PROGRAMS, True), outputs
    assert {name for name, process in running.items() if process.returncode == 0} <= {"scheduler"}  # Celery's way
