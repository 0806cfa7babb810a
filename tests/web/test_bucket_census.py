"""The last census on the page of its bucket."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.urls import reverse

from analysis.models import BucketCensus
from tests import inventories
from tests.factories import create_bucket
from tests.inventories import csv_part, row
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(owner):
    return create_bucket(owner)


@pytest.fixture
def prices(settings):
    settings.AWS_REGION, settings.RECOGNIZER_APIS, settings.IMAGE_PROPERTIES = "us-east-1", ["labels", "faces"], False
    settings.REKOGNITION_QUOTA = {"labels": "1", "faces": "2"}


def page_of(browser, bucket) -> Page:
    return Page(browser.get(reverse("bucket", args=[bucket.pk])))


def test_the_page_names_the_command_until_there_is_a_census(bucket, staff, signed_in):
    page = page_of(signed_in(staff), bucket)
    assert "manage.py census s3://…/manifest.json --bucket photos" in page.text
    assert "Run a new census" not in page.text


def test_figures_are_shown_and_keys_escaped(tmp_path, bucket, staff, signed_in, prices):
    rows = [row("<b>x/a.jpg"), row("b.jpg", etag="b"), row("c.jpg", etag="b"), row("d.jpg", StorageClass="GLACIER")]
    parts = {"data/1.csv.gz": csv_part(rows), "data/2.csv.gz": csv_part([])}
    manifest = inventories.write(tmp_path, parts)
    (tmp_path / "data/2.csv.gz").unlink()
    call_command("census", str(manifest), "--allow-missing")
    page = page_of(signed_in(staff), bucket)
    for text in (
        "Counted just now, from the inventory of 30 November 2025, 00:00:00 UTC.",
        "Incomplete: 1 part of the inventory was not counted. data/2.csv.gz",
        "Pictures 3 3 kB",
        "Duplicates, at least 1 1 kB",
        "To analyze 2 2 kB",
        "Archived: GLACIER 1 1 kB",
        "All of these $0.004 2 seconds",
        "Restore archived objects first: imagelib never downloads them.",
        "<b>x/ 1",
    ):
        assert text in page.text
    assert page.inline() == []


def test_owners_without_rights_see_no_census(bucket, owner, signed_in):
    BucketCensus.objects.create(
        bucket=bucket, made_at="2026-01-01T00:00:00Z", location="s3://x", is_complete=True, figures={}
    )
    page = page_of(signed_in(owner), bucket)
    assert "Census" not in page.text
