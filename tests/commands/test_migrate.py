"""`migrate` on databases of other versions. Sentences, since a failed migration is told in nobody's words."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def applied() -> set[str]:
    return {name for app, name in MigrationRecorder(connection).applied_migrations() if app == "analysis"}


def test_a_database_of_this_version_is_taken() -> None:
    call_command("migrate", verbosity=0)


def test_one_of_an_earlier_version_is_refused_with_what_to_do(settings) -> None:
    settings.EMBEDDED = frozenset({"postgres"})
    recorder = MigrationRecorder(connection)
    for name in applied():
        recorder.record_unapplied("analysis", name)
    for name in ("0001_a_first_draft", "0002_more"):
        recorder.record_applied("analysis", name)
    with pytest.raises(CommandError) as refused:
        call_command("migrate", verbosity=0)
    assert str(refused.value) == (
        "This database was made by an earlier version of imagelib, and this version cannot read it: its migration"
        f" 0001_a_first_draft is unknown here. To start afresh, rename {settings.VAR} and run this again."
        " Then carry your pictures over from the old library's folder:"
        " manage.py import_images OLD/pictures/originals --owner NAME."
        " To keep labels, tags and history, stay with the version that made it."
    )
    assert applied() == {"0001_a_first_draft", "0002_more"}


def test_where_the_database_is_named_another_one_is_to_be_named(settings) -> None:
    settings.EMBEDDED = frozenset()
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("analysis", max(applied()))
    recorder.record_applied("analysis", "0001_a_first_draft")
    with pytest.raises(CommandError, match=r"To start afresh, name an empty database with DATABASE_URL\."):
        call_command("migrate", verbosity=0)


def test_one_of_a_newer_version_is_refused() -> None:
    MigrationRecorder(connection).record_applied("analysis", "9999_of_next_year")
    with pytest.raises(CommandError) as refused:
        call_command("migrate", verbosity=0)
    assert str(refused.value) == (
        "This database was made by a newer version of imagelib: its migration 9999_of_next_year is unknown here."
        " Update imagelib, or restore a backup from before the update."
    )


def test_the_record_of_another_version_can_be_pruned() -> None:
    MigrationRecorder(connection).record_applied("analysis", "9999_of_next_year")
    call_command("migrate", "analysis", prune=True, verbosity=0)
    assert "9999_of_next_year" not in applied()
