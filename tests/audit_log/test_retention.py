"""The audit log is append-only, except for its retention."""

from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from analysis.audit_log import retention
from analysis.models import AuditedImages, AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries(owner):
    """Entries that are 1000, 40 and 0 days old, each with pictures."""
    rows = []
    for days in (1000, 40, 0):
        at = timezone.now() - timedelta(days=days)
        entry = AuditEntry.objects.create(at=at, action="trash", source="page", actor_id=owner.pk)
        AuditedImages.objects.create(at=at, entry_id=entry.pk, image_ids=[1], number=1)
        rows.append(entry)
    return rows


CHANGES = {
    "update": lambda: AuditEntry.objects.update(actor_name="someone else"),
    "delete": lambda: AuditEntry.objects.all().delete(),
    "update pictures": lambda: AuditedImages.objects.update(number=0),
    "delete pictures": lambda: AuditedImages.objects.all().delete(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_database_refuses_changes(change, entries):
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        change()


def test_recent_entries_stay_even_for_retention(entries):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL imagelib.audit_retention = 'on'")
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entries[2].pk).delete()


@pytest.mark.parametrize(("days", "number"), [(730, 2), (30, 1), (1, 1), (0, 3)])
def test_entries_older_than_the_setting_are_deleted(entries, settings, days, number):
    settings.AUDIT_DAYS = days
    retention.delete_expired()
    assert list(AuditEntry.objects.order_by("at")) == entries[3 - number :]
    assert AuditedImages.objects.count() == number
