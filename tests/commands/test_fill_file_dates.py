"""manage.py fill_file_dates, with S3's metadata of objects."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from analysis.curation import file_date_backfill
from analysis.models import Backfill, Image
from analysis.permissions import viewer_of
from analysis.search.results import page
from analysis.search.syntax.parser import parse
from tests.factories import START, create_bucket, create_bucket_image

pytestmark = pytest.mark.django_db
FILE_DATE = datetime(2019, 4, 12, 14, 30, tzinfo=UTC)
OBJECTS = {
    "rclone.jpg": {"mtime": "1555079400.25"},
    "sync.jpg": {"file-mtime": "1555079400000000000ns"},
    "unix.jpg": {"mtime": "0"},
    "young.jpg": {"mtime": str(int(START.timestamp()))},
    "plain.jpg": {},
}


@pytest.fixture
def bucket(owner, s3):
    bucket = create_bucket(owner)
    for key, metadata in OBJECTS.items():
        s3.put(key, b"x")
        s3.metadata[key] = metadata
        create_bucket_image(bucket, key, etag=s3.etag(key).strip('"'), added_at=START)
    create_bucket_image(bucket, "gone.jpg")
    create_bucket_image(bucket, "edited.jpg", file_values={"taken": None})
    dated = create_bucket_image(bucket, "dated.jpg")
    Image.objects.filter(pk=dated.pk).update(taken_at=START)
    return bucket


def filled() -> dict[str, datetime]:
    return dict(Image.objects.filter(is_file_date=True).values_list("key", "taken_at"))


def test_kept_times_become_the_dates_of_undated_pictures(bucket, owner, capsys, monkeypatch):
    monkeypatch.setattr(file_date_backfill, "WINDOW", 2)
    call_command("fill_file_dates")
    assert capsys.readouterr().out == "photos: checked 6 pictures without a date, 2 have one now.\n"
    assert {key: taken.astimezone(UTC) for key, taken in filled().items()} == {
        "rclone.jpg": FILE_DATE,
        "sync.jpg": FILE_DATE,
    }
    images = page(parse("taken:2019"), viewer=viewer_of(owner)).images
    assert {image.key for image in images} == {"rclone.jpg", "sync.jpg"}
    assert not Backfill.objects.filter(name__startswith="file dates").exists()


def test_stopped_run_continues(bucket, monkeypatch):
    monkeypatch.setattr(file_date_backfill, "WINDOW", 1)
    assert file_date_backfill.fill_file_dates(bucket, is_stopped=lambda: True).checked == 1
    assert list(filled()) == ["rclone.jpg"]
    assert file_date_backfill.fill_file_dates(bucket, is_stopped=lambda: False) == file_date_backfill.FileDates(
        checked=5, filled=1
    )


def test_bucket_that_cannot_be_read_is_named(owner, s3, capsys):
    create_bucket(owner, name="absent")
    with pytest.raises(CommandError, match="Some buckets could not be read"):
        call_command("fill_file_dates", "absent")
    assert capsys.readouterr().err.startswith("absent: ")
    with pytest.raises(CommandError, match="There is no bucket other in imagelib"):
        call_command("fill_file_dates", "other")
