"""The doctor's line about backups: silent without any, a warning when they stop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analysis.findings import State
from analysis.health.backups import check_backup
from analysis.models import Backup

pytestmark = pytest.mark.django_db


def create_backup(*, days: int, missing: int = 0) -> Backup:
    created_at = timezone.now() - timedelta(days=days)
    return Backup.objects.create(
        location="/mnt/a", name="name", created_at=created_at, pictures=1, files=3, bytes=9, missing=missing
    )


def test_nothing_is_wrong_without_backups() -> None:
    finding = check_backup()
    assert (finding.state, finding.sentence) == (State.OK, "`manage.py backup` has never been run.")


@pytest.mark.parametrize(
    ("days", "limit", "state"),
    [(6, 7, State.OK), (8, 7, State.WARNING), (8, 0, State.OK)],
    ids=["recent", "old", "without limit"],
)
def test_old_backups_are_warned_of(settings, days, limit, state) -> None:
    settings.BACKUP_WARNING_DAYS = limit
    create_backup(days=30)
    create_backup(days=days)
    finding = check_backup()
    assert finding.state == state
    assert finding.sentence.startswith("The last backup is name in /mnt/a (")
    assert finding.next_step == ("Run `manage.py backup /mnt/a`." if state == State.WARNING else "")


def test_missing_files_are_warned_of() -> None:
    create_backup(days=0, missing=1234)
    finding = check_backup()
    assert finding.state == State.WARNING
    assert finding.sentence.endswith(" 1,234 files of the library were missing or damaged.")
