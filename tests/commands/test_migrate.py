"""migrate: databases of other versions are refused with a next step."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def applied() -> set[str]:
    return {name for app, name in MigrationRecorder(connection).applied_migrations() if app == "analysis"}


def test_current_database_is_migrated() -> None:
    call_command("migrate", verbosity=0)


def test_earlier_database_is_refused_with_next_step(settings) -> None:
    settings.EMBEDDED = frozenset({"postgres"})
    recorder = MigrationRecorder(connection)
    for name in applied():
        recorder.record_unapplied("analysis", name)
    for name in ("0001_a_first_draft", "0002_more"):
        recorder.record_applied("analysis", name)
    with pytest.raises(CommandError) as error:
        call_command("migrate", verbosity=0)
    assert str(error.value) == (
        "This database belongs to an earlier version of imagelib that this version can't upgrade (unknown migration"
        f" 0001_a_first_draft). To start with an empty library, rename {settings.VAR} and run this command again."
        " Then import the originals of the old library:"
        " manage.py import_images OLD/pictures/originals --owner USERNAME."
        " To keep labels, tags and history, keep using the earlier version."
    )
    assert applied() == {"0001_a_first_draft", "0002_more"}


def test_external_earlier_database_is_refused(settings) -> None:
    settings.EMBEDDED = frozenset()
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("analysis", max(applied()))
    recorder.record_applied("analysis", "0001_a_first_draft")
    with pytest.raises(CommandError, match=r"To start with an empty library, set DATABASE_URL to an empty database\."):
        call_command("migrate", verbosity=0)


def test_newer_database_is_refused() -> None:
    MigrationRecorder(connection).record_applied("analysis", "9999_of_next_year")
    with pytest.raises(CommandError) as error:
        call_command("migrate", verbosity=0)
    assert str(error.value) == (
        "This database belongs to a newer version of imagelib (unknown migration 9999_of_next_year). Update imagelib,"
        " or restore a backup from before the update."
    )


def test_unknown_migration_can_be_pruned() -> None:
    MigrationRecorder(connection).record_applied("analysis", "9999_of_next_year")
    call_command("migrate", "analysis", prune=True, verbosity=0)
    assert "9999_of_next_year" not in applied()
