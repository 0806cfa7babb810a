"""Uploads in parts to S3: signed parts, resuming, completion, expiry."""

from __future__ import annotations

import hashlib
import urllib.request
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from analysis import tasks
from analysis.models import Image, Upload
from tests import pictures

pytestmark = pytest.mark.django_db
PICTURE = pictures.jpeg(200, 150) + bytes(2_000) + b"\xff\xd9"
PART = 1_000
NUMBERS = list(range(1, -(-len(PICTURE) // PART) + 1))


@pytest.fixture(autouse=True)
def small_parts(settings):
    settings.MULTIPART_UPLOAD_BYTES = settings.MULTIPART_PART_BYTES = PART


@pytest.fixture
def browser(owner, signed_in, bucket):
    return signed_in(owner)


def ask(browser, content: bytes = PICTURE, **fields) -> dict:
    sha256 = hashlib.sha256(content).hexdigest()
    return browser.post(
        reverse("uploads"), {"name": "dog.jpg", "size": len(content), "sha256": sha256, **fields}
    ).json()


def urls(browser, ticket: dict, numbers: list[int]) -> dict[str, str]:
    return browser.post(ticket["parts"], {"number": numbers}).json()["urls"]


def send(browser, ticket: dict, numbers: list[int], content: bytes = PICTURE) -> None:
    for number, url in urls(browser, ticket, numbers).items():
        start = (int(number) - 1) * PART
        # Without a type, urllib sends one that moto reads as a form.
        headers = {"Content-Type": "application/octet-stream"}
        part = urllib.request.Request(url, content[start : start + PART], headers, method="PUT")
        urllib.request.urlopen(part, timeout=30).close()


def unfinished(bucket) -> int:
    return len(bucket.list_multipart_uploads(Bucket="pictures").get("Uploads", []))


def test_large_file_is_sent_in_parts_and_checked(browser, bucket):
    ticket = ask(browser)
    assert (ticket["part_size"], ticket["arrived"]) == (PART, [])
    send(browser, ticket, NUMBERS)
    assert 'data-outcome="checking"' in browser.post(ticket["complete"]).content.decode()
    assert browser.post(ticket["complete"]).status_code == 200  # again, as after a lost response
    tasks.check_uploads()
    image = Image.objects.get()
    assert image.sha256 == hashlib.sha256(PICTURE).hexdigest()
    assert (Upload.objects.get().state, unfinished(bucket)) == ("taken", 0)


def test_small_file_has_a_form_as_before(browser):
    content = PICTURE[:PART]
    assert set(ask(browser, content)) == {"upload", "complete", "url", "fields", "shown_at"}


def test_interrupted_upload_goes_on_at_the_missing_part(browser):
    first = ask(browser)
    send(browser, first, [1, 3])
    again = ask(browser, upload=first["upload"])
    assert (again["upload"], again["arrived"], Upload.objects.count()) == (first["upload"], [1, 3], 1)
    send(browser, again, [number for number in NUMBERS if number not in {1, 3}])
    browser.post(again["complete"])
    tasks.check_uploads()
    assert Image.objects.get().sha256 == hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.parametrize("fields", [{"upload": str(uuid4())}, {"upload": "x"}, {"sha256": "b" * 64}, {"sha256": ""}])
def test_other_file_or_upload_starts_anew(browser, fields):
    first = ask(browser)
    send(browser, first, [1])
    again = ask(browser, **{"upload": first["upload"], **fields})
    assert (again["upload"] == first["upload"], again["arrived"]) == (False, [])


def test_parts_that_s3_deleted_are_sent_again(browser, bucket):
    first = ask(browser)
    send(browser, first, [1])
    upload = Upload.objects.get()
    bucket.abort_multipart_upload(Bucket="pictures", Key=upload.key, UploadId=upload.multipart_id)
    again = ask(browser, upload=first["upload"])
    assert (again["upload"], again["arrived"]) == (first["upload"], [])


def test_missing_part_is_told_and_can_follow(browser):
    ticket = ask(browser)
    send(browser, ticket, NUMBERS[:-1])
    answer = browser.post(ticket["complete"])
    sent = PART * (len(NUMBERS) - 1)
    assert (answer.status_code, answer.content.decode()) == (
        409,
        f"{sent:,} bytes of {len(PICTURE):,} bytes arrived; please send it again",
    )
    send(browser, ticket, NUMBERS[-1:])
    assert browser.post(ticket["complete"]).status_code == 200


def test_wrong_bytes_are_refused_by_their_hash(browser):
    ticket = ask(browser)
    send(browser, ticket, NUMBERS, PICTURE[:-9] + b"1234567\xff\xd9")
    browser.post(ticket["complete"])
    tasks.check_uploads()
    assert Upload.objects.get().reason == "the file was corrupted in transit; please send it again"


def test_part_url_is_bound_to_key_number_size_and_time(browser, settings):
    ticket = ask(browser)
    signed = urls(browser, ticket, [0, 1, NUMBERS[-1], NUMBERS[-1] + 1])
    assert list(signed) == ["1", str(NUMBERS[-1])]
    parts = urlsplit(signed["1"])
    query = parse_qs(parts.query)
    assert (parts.path, query["partNumber"]) == (f"/pictures/{Upload.objects.get().key}", ["1"])
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert query["X-Amz-Expires"] == [str(settings.UPLOAD_TICKET_SECONDS)]


def test_upload_of_another_person_is_not_found(browser, colleague, signed_in):
    ticket, other = ask(browser), signed_in(colleague)
    assert other.post(ticket["parts"], {"number": 1}).status_code == 404
    assert ask(other, upload=ticket["upload"])["upload"] != ticket["upload"]
    assert other.post(reverse("upload-abort", args=[ticket["upload"]])).status_code == 204
    assert browser.post(ticket["parts"], {"number": 1}).status_code == 200  # it is still there


def test_aborted_upload_leaves_nothing(browser, bucket):
    ticket = ask(browser)
    send(browser, ticket, [1, 2])
    for _ in range(2):
        assert browser.post(reverse("upload-abort", args=[ticket["upload"]])).status_code == 204
    assert (unfinished(bucket), browser.post(ticket["complete"]).status_code) == (0, 410)


def test_expired_upload_is_aborted_by_the_sweeper(browser, bucket):
    send(browser, ask(browser), [1, 2])
    tasks.delete_expired()
    assert unfinished(bucket) == 1
    Upload.objects.update(expires_at=Now() - timedelta(seconds=1))
    tasks.delete_expired()
    assert (unfinished(bucket), Upload.objects.get().multipart_id) == (0, "")


def test_right_lost_during_an_upload_ends_it(browser, owner):
    ticket = ask(browser)
    owner.is_active = False
    owner.save()
    with_right = browser.post(ticket["parts"], {"number": 1})
    assert with_right.status_code == 302


def test_file_that_arrived_before_the_interruption_is_not_sent_again(browser, settings, bucket):
    settings.MULTIPART_UPLOAD_BYTES = 10**9
    ticket = ask(browser)
    bucket.put_object(Bucket="pictures", Key=ticket["fields"]["key"], Body=PICTURE)
    again = ask(browser, upload=ticket["upload"])
    assert (again["upload"], "url" in again, "parts" in again) == (ticket["upload"], False, False)
    browser.post(again["complete"])
    row = ask(browser, upload=ticket["upload"])["row"]
    assert 'data-outcome="checking"' in row  # nothing to send while it is checked
    tasks.check_uploads()
    assert Image.objects.count() == 1
