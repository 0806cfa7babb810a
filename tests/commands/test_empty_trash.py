"""`manage.py empty_trash`."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from analysis.models import AuditEntry, Image, TrashDeletion
from tests.factories import create_image

pytestmark = pytest.mark.django_db


def run(*options: str) -> str:
    output = io.StringIO()
    call_command("empty_trash", *options, stdout=output)
    return output.getvalue().strip()


@pytest.fixture
def images(owner, colleague):
    """In the trash for 40, 40 and 10 days; the second is the colleague's."""
    now = timezone.now()
    return [
        create_image(person, trashed_at=now - timedelta(days=days))
        for person, days in ((owner, 40), (colleague, 40), (owner, 10))
    ]


def test_dry_run_counts(images):
    assert run("--older-than", "30d", "--dry-run") == "2 pictures (2 kB) would be deleted forever."
    assert run("--older-than", "0d", "--owner", "owner", "--dry-run").startswith("2 pictures")
    assert run("--older-than", "41d", "--yes") == "0 pictures (0 bytes) would be deleted forever."
    assert (Image.objects.count(), TrashDeletion.objects.count()) == (3, 0)


def test_pictures_are_deleted_with_a_receipt(images):
    assert run("--older-than", "1w", "--owner", "owner", "--yes") == "Deleted 2 pictures, 2 kB freed."
    assert list(Image.objects.all()) == [images[1]]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id, entry.details) == ("delete", None, {"reason": "manage.py empty_trash"})


def test_nothing_is_deleted_without_confirmation(images, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="Nothing was deleted"):
        run("--older-than", "30d")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run("--older-than", "30d").endswith("Deleted 2 pictures, 2 kB freed.")


@pytest.mark.parametrize("span", ["30", "", "-1d", "1y", "9999999d", "999999w"])
def test_invalid_spans_are_refused(span):
    with pytest.raises(CommandError, match="is not a time span"):
        run(f"--older-than={span}")


def test_unknown_owner_is_refused(images):
    with pytest.raises(CommandError, match="There is no user"):
        run("--older-than", "30d", "--owner", "nobody")
