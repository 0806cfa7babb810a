"""Bucket pages: access, connection check, sync and AWS configuration."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.models import Analysis, Bucket, BucketObject
from tests.factories import create_analysis, create_bucket, create_bucket_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(owner, s3):
    return create_bucket(owner, prefix="2024/")


def check(browser, bucket) -> Page:
    return Page(browser.get(reverse("bucket", args=[bucket.pk]), {"check": "1"}))


def test_check_lists_granted_permissions(owner, bucket, s3, signed_in):
    s3.put("2024/a.jpg", b"x")
    page = check(signed_in(owner), bucket)
    for text in (
        "photos is in us-east-1.",
        "s3:ListBucket Allowed.",
        "s3:GetObject Allowed.",
        "All required permissions are granted.",
    ):
        assert text in page.text
    assert ("s3:DeleteObject Allowed" in page.text, page.inline()) == (False, [])
    assert {method for method, _ in s3.requests} == {"HEAD", "GET"}


@pytest.mark.parametrize(
    ("operation", "action"), [("list", "s3:ListBucket"), ("get", "s3:GetObject"), ("delete", "s3:DeleteObject")]
)
def test_check_names_missing_permissions(bucket, s3, signed_in, operation, action):
    Bucket.objects.update(may_delete=True)
    s3.put("2024/a.jpg", b"x")
    s3.faults = {operation: ["AccessDenied!"]}
    page = check(signed_in(bucket.owner), bucket)
    assert f"Missing permissions: {action} Attach the policy below" in page.text
    assert f"{action} Not allowed (AccessDenied)." in page.text
    assert page.text.count("Allowed.") == 2
    assert "2024/a.jpg" in s3.objects


def test_check_tests_the_cors_rules_of_the_bucket_for_uploads(owner, bucket, s3, signed_in, settings):
    settings.AWS_STORAGE_BUCKET_NAME = "photos"
    page = check(signed_in(owner), bucket)
    assert "do not allow POST and PUT from http://testserver, so browsers can't upload." in page.text
    assert len([item for item in page.all("details") if item == {"open": ""}]) == 1


def test_check_of_an_empty_bucket_reads_a_random_key(owner, bucket, s3, signed_in):
    assert "All required permissions are granted." in check(signed_in(owner), bucket).text


@pytest.mark.parametrize(
    ("faults", "name", "sentence"),
    [
        ({}, "other", "There is no bucket other. Correct the name, or create it."),
        ({"list": ["ExpiredToken!"]}, "photos", "AWS rejects the credentials (ExpiredToken). Renew them"),
        ({"list": ["SlowDown!"]}, "photos", "AWS is throttling requests (SlowDown). Try again in a moment."),
    ],
)
def test_check_explains_aws_errors(bucket, s3, signed_in, faults, name, sentence):  # noqa: PLR0917
    Bucket.objects.update(name=name)
    s3.faults = faults
    assert sentence in check(signed_in(bucket.owner), bucket).text


def test_check_names_the_right_region(owner, bucket, s3, signed_in):
    Bucket.objects.update(region="eu-central-1")
    sentence = "photos is in us-east-1, but eu-central-1 is configured here. Set its region to us-east-1."
    assert sentence in check(signed_in(owner), bucket).text


def test_check_names_missing_credentials(owner, bucket, s3, signed_in, monkeypatch):
    from analysis.aws import s3_objects

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    s3_objects.reset()
    assert "No AWS credentials were found. Set AWS_ACCESS_KEY_ID" in check(signed_in(owner), bucket).text


def test_aws_configuration_names_this_bucket_queue_and_site(owner, bucket, signed_in, settings):
    settings.EVENTS_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/210987654321/events"
    page = Page(signed_in(owner).get(reverse("bucket", args=[bucket.pk])))
    for text in (
        '"Resource": "arn:aws:s3:::photos/2024/*"',
        '"s3:prefix": [ "2024/*" ]',
        '"QueueArn": "arn:aws:sqs:us-east-1:210987654321:events"',
        '"AllowedOrigins": [ "http://testserver" ]',
    ):
        assert text in page.text
    assert "s3:DeleteObject" not in page.text
    Bucket.objects.update(may_delete=True)
    assert "s3:DeleteObject" in Page(signed_in(owner).get(reverse("bucket", args=[bucket.pk]))).text


def test_sync_starts_and_its_findings_can_be_repaired(owner, bucket, s3, signed_in, django_capture_on_commit_callbacks):
    browser, address = signed_in(owner), reverse("bucket-sync", args=[bucket.pk])
    with django_capture_on_commit_callbacks() as announced:
        browser.post(address)
        browser.post(address, {"repair": "missing"})
    assert len(announced) == 2
    create_analysis(create_bucket_image(bucket, "2024/a.jpg"), state="failed")
    Bucket.objects.update(report={"listed": 3, "missing": 1, "failed_analyses": 1})
    page = Page(browser.get(reverse("bucket", args=[bucket.pk])))
    assert "Missing from the bucket 1 Move to trash" in page.text
    assert "Analysis failed 1 Retry" in page.text
    browser.post(address, {"repair": "failed"})
    assert Analysis.objects.filter(state="queued").count() == 1
    assert "Retrying 1 picture." in Page(browser.get(reverse("bucket", args=[bucket.pk]))).text


def test_skipped_files_are_listed_with_their_reason(owner, bucket, signed_in):
    def row(key: str, state: str, reason: str) -> None:
        BucketObject.objects.create(bucket=bucket, key=key, state=state, reason=reason)

    browser, address = signed_in(owner), reverse("bucket", args=[bucket.pk])
    row("2024/a.jpg", "refused", "the file is empty")
    assert "Skipped files 2024/a.jpg the file is empty Retry AWS configuration" in Page(browser.get(address)).text
    row("2024/b.jpg", "failed", "It is archived.")
    sentence = "It is archived. 1 file could not be read. Fix the cause, then choose “Retry”."
    assert sentence in Page(browser.get(address)).text
    # The reason may be gone, such as a limit of the settings or a machine without memory; a sync would skip the first.
    row("2024/c.jpg", "dropped", "")
    browser.post(reverse("bucket-sync", args=[bucket.pk]), {"repair": "skipped"})
    assert "Retrying 2 files." in Page(browser.get(address)).text
    assert list(BucketObject.objects.order_by("key").values_list("state", "revision")) == [
        ("waiting", 1),
        ("waiting", 1),
        ("dropped", 0),
    ]


def test_staff_add_buckets(owner, staff, s3, signed_in):
    browser = signed_in(staff)
    assert "Add bucket" in Page(browser.get(reverse("buckets"))).text
    form = {"name": "photos", "owner": owner.pk, "visibility": 1, "include": "*.jpg,*.png", "apis": ["labels", "text"]}
    answer = browser.post(reverse("bucket-add"), form)
    bucket = Bucket.objects.get()
    assert answer.url == reverse("bucket", args=[bucket.pk])
    assert (bucket.include, bucket.apis, bucket.may_delete, bucket.owner) == (
        ["*.jpg", "*.png"],
        ["labels", "text"],
        False,
        owner,
    )
    again = browser.post(reverse("bucket-add"), form)
    assert (again.status_code, "already exists" in Page(again).text) == (422, True)


def test_people_see_their_own_buckets_and_staff_see_all(owner, colleague, staff, signed_in):
    create_bucket(owner), create_bucket(colleague, name="others")
    seen = [sorted(Page(signed_in(person).get(reverse("buckets"))).links) for person in (owner, colleague, staff)]
    assert ["photos" in links for links in seen] == [True, False, True]
    assert ["others" in links for links in seen] == [False, True, True]
    assert signed_in(staff).get(reverse("bucket", args=[Bucket.objects.first().pk])).status_code == 200


@pytest.mark.parametrize("number", [1, 3])
def test_list_takes_four_queries(owner, signed_in, number, django_assert_num_queries):
    for index in range(number):
        create_bucket_image(create_bucket(owner, name=f"bucket-{index}"), "a.jpg")
    browser = signed_in(owner)
    with django_assert_num_queries(4):  # session, person, groups, buckets
        browser.get(reverse("buckets"))


FORM = {"name": "photos", "region": "us-east-1", "visibility": 0}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"region": "evil.com/"}, "Enter a region such as eu-central-1: letters, digits and hyphens only."),
        ({"region": "-"}, "Enter a region such as eu-central-1"),
        ({"region": "1"}, "Enter a region such as eu-central-1"),
        ({"region": "eu-central-1\n"}, "There is no bucket"),  # Django strips it
        ({"name": "Photos"}, "Enter an S3 bucket name: 3 to 63 lowercase letters, digits, hyphens and dots"),
        ({"name": "a..b"}, "Enter an S3 bucket name"),
        ({"name": "192.168.0.1"}, "Enter an S3 bucket name"),
        ({"name": "xn--photos"}, "Enter an S3 bucket name"),
        ({"name": "ab"}, "Enter an S3 bucket name"),
        ({"name": "photos/2024"}, "Enter an S3 bucket name"),
        ({"name": "others"}, "There is no bucket others. Correct the name, or create it."),
    ],
)
def test_invalid_bucket_is_not_saved(staff, s3, signed_in, fields, sentence):
    form = {**FORM, "owner": staff.pk, "name": "others" if "region" in fields else "photos", **fields}
    answer = signed_in(staff).post(reverse("bucket-add"), form)
    assert (answer.status_code, sentence in Page(answer).text, Bucket.objects.count()) == (422, True, 0)


def test_unreachable_bucket_is_saved_on_request(staff, s3, signed_in):
    s3.faults = {"list": ["ExpiredToken!"]}
    form, browser = {**FORM, "owner": staff.pk}, signed_in(staff)
    page = Page(browser.post(reverse("bucket-add"), form))
    assert "AWS rejects the credentials (ExpiredToken)" in page.text
    assert "Save without a connection" in page.text
    assert browser.post(reverse("bucket-add"), {**form, "anyway": "on"}).status_code == 302


def test_invalid_region_in_the_database_is_an_error_message(owner, staff, bucket, signed_in):
    Bucket.objects.update(region="evil.com/")
    image = create_bucket_image(bucket, "2024/a.jpg")
    assert "evil.com/" in check(signed_in(owner), bucket).text
    assert signed_in(owner).get(reverse("original", args=[image.pk])).status_code < 500


def test_staff_edit_and_remove_a_bucket(owner, staff, bucket, signed_in):
    browser, address = signed_in(staff), reverse("bucket", args=[bucket.pk])
    page = Page(browser.get(address))
    assert page.links["Edit bucket"] == reverse("bucket-edit", args=[bucket.pk])
    form = {**FORM, "owner": owner.pk, "prefix": "2025/", "may_delete": "on"}
    assert "Edit bucket" in Page(browser.get(page.links["Edit bucket"])).text
    assert browser.post(page.links["Edit bucket"], form).url == address
    bucket.refresh_from_db()
    assert (bucket.prefix, bucket.may_delete) == ("2025/", True)
    image = create_bucket_image(bucket, "2025/a.jpg")
    refused = browser.post(reverse("bucket-remove", args=[bucket.pk]), follow=True)
    sentence = "photos/2025/ was not removed: delete its 1 picture first, including those in the trash."
    assert sentence in Page(refused).text
    image.delete()
    removed = browser.post(reverse("bucket-remove", args=[bucket.pk]), follow=True)
    assert "Removed photos/2025/. Nothing was changed in S3." in Page(removed).text
    assert not Bucket.objects.exists()


def test_page_says_whether_originals_are_deleted(owner, bucket, signed_in):
    address = reverse("bucket", args=[bucket.pk])
    assert "Originals in this bucket are never changed or deleted." in Page(signed_in(owner).get(address)).text
    Bucket.objects.update(may_delete=True)
    page = Page(signed_in(owner).get(address))
    assert "Deleting a picture forever also deletes its original from this bucket." in page.text
    assert "never delete" not in page.text
    assert ("Edit bucket" in page.links, "Remove bucket" in page.text) == (False, False)


def test_empty_list_says_when_originals_are_deleted(owner, signed_in):
    text = Page(signed_in(owner).get(reverse("buckets"))).text
    assert (
        "Originals are never changed. They are deleted only if “Delete originals from the bucket” is on for the bucket"
        in text
    )


def test_form_folds_what_few_buckets_need_and_shows_what_is_set(staff, bucket, signed_in):
    browser = signed_in(staff)

    def folded(page) -> list[bool]:
        return ["open" in item for item in Page(page).all("details") if item.get("class") == "form-section"]

    assert folded(browser.get(reverse("bucket-add"))) == [False, False, False]
    Bucket.objects.update(exclude=["*/thumbs/*"], may_delete=True)
    assert folded(browser.get(reverse("bucket-edit", args=[bucket.pk]))) == [False, True, True]
