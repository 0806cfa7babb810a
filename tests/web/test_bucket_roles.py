"""Buckets of other accounts: the form, the check and the policies of their roles."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from analysis.bucket_sync import object_reader, sync
from analysis.models import Bucket, BucketObject
from analysis.storage import originals
from tests.factories import create_bucket, create_bucket_image
from tests.sts_server import ACCOUNT, KEY, ROLE, sts_server
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
FORM = {"name": "photos", "region": "us-east-1", "visibility": 0, "role_arn": ROLE}


@pytest.fixture
def bucket(owner, s3):
    return create_bucket(owner, role_arn=ROLE)


def hidden_external_id(answer) -> str:
    return re.search(r'name="external_id" value="([^"]+)"', answer.content.decode())[1]


def check(browser, bucket) -> Page:
    return Page(browser.get(reverse("bucket", args=[bucket.pk]), {"check": "1"}))


def test_the_form_shows_an_external_id_that_the_saved_bucket_has(staff, s3, signed_in, monkeypatch):
    browser = signed_in(staff)
    with sts_server(monkeypatch) as server:
        first = browser.get(reverse("bucket-add"))
        form = {**FORM, "owner": staff.pk, "external_id": hidden_external_id(first)}
        refused = browser.post(reverse("bucket-add"), form)
        assert (refused.status_code, "The bucket's role cannot be assumed" in Page(refused).text) == (422, True)
        [external_id] = set(re.findall(r"sts:ExternalId&quot;: &quot;(\w{32})&quot;", refused.content.decode()))
        assert (external_id in first.content.decode(), f"arn:aws:iam::{ACCOUNT}:root" in Page(refused).text) == (
            True,
            True,
        )
        server.external_id = external_id
        assert browser.post(reverse("bucket-add"), form).status_code == 302
    assert (Bucket.objects.get().external_id, Bucket.objects.get().role_arn) == (external_id, ROLE)


def test_nobody_chooses_the_external_id(staff, bucket, s3, signed_in):
    browser = signed_in(staff)
    for chosen in (bucket.external_id, "", "x:y"):
        form = {**FORM, "prefix": f"{len(chosen)}/", "owner": bucket.owner_id, "external_id": chosen, "anyway": "on"}
        assert browser.post(reverse("bucket-add"), form).status_code == 302
        browser.post(reverse("bucket-edit", args=[bucket.pk]), {**FORM, "owner": bucket.owner_id, **form})
    ids = list(Bucket.objects.values_list("external_id", flat=True))
    assert (len(ids), len(set(ids)), {len(external_id) for external_id in ids}) == (4, 4, {32})


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::1:role/x", "arn:aws:iam::222222222222:user/x", "role/x", f"{ROLE} x", f"{ROLE}/ü"]
)
def test_what_is_no_role_is_not_saved(staff, s3, signed_in, arn):
    answer = signed_in(staff).post(reverse("bucket-add"), {**FORM, "owner": staff.pk, "role_arn": arn, "anyway": "on"})
    assert (answer.status_code, "Enter the ARN of an IAM role" in Page(answer).text) == (422, True)


def test_the_check_tells_what_is_wrong_with_the_role(staff, bucket, s3, signed_in, monkeypatch):
    browser = signed_in(staff)
    with sts_server(monkeypatch, external_id="another") as server:
        assert (
            "role The bucket's role cannot be assumed (AccessDenied). Its trust policy" in check(browser, bucket).text
        )
        server.denial = "because no identity-based policy allows the sts:AssumeRole action"
        page = check(browser, bucket)
        assert "role imagelib is not allowed to assume the bucket's role (AccessDenied)." in page.text
        assert (
            "Missing permissions: sts:AssumeRole Attach the policy that allows assuming the bucket's role" in page.text
        )
        assert s3.requests == []
        server.external_id = bucket.external_id
        assert "role The role can be assumed with the external ID." in check(browser, bucket).text
        server.requires_external_id = False
        assert "role The role can also be assumed without the external ID." in check(browser, bucket).text
        s3.faults = {"list": ["AccessDenied!"]}
        page = check(browser, bucket)
        assert "Missing permissions: s3:ListBucket Attach the policy below to the bucket's role" in page.text
    assert {key[:8] for key in s3.access_keys} == {KEY}


def test_owners_see_neither_the_role_nor_the_external_id(owner, staff, bucket, signed_in):
    address = reverse("bucket", args=[bucket.pk])
    seen = [signed_in(user).get(address).content.decode() for user in (owner, staff)]
    assert [(bucket.external_id in page, ROLE in page) for page in seen] == [(False, False), (True, True)]


def test_a_sync_and_downloads_use_the_role(owner, bucket, s3, monkeypatch):
    s3.put("a.jpg", b"x")
    image = create_bucket_image(bucket, "b.jpg", etag="")
    s3.put("b.jpg", b"picture")
    with sts_server(monkeypatch, external_id=bucket.external_id):
        list(sync.sync(bucket, options=sync.SyncOptions()))
        with originals.get(image) as file:
            assert file.read() == b"picture"
    assert set(BucketObject.objects.values_list("key", flat=True)) == {"a.jpg", "b.jpg"}
    assert set(s3.access_keys) == {f"{KEY}1"}


def test_a_refused_role_pauses_the_import_with_the_reason(owner, bucket, s3, monkeypatch):
    BucketObject.objects.create(bucket=bucket, key="a.jpg", state="waiting")
    with sts_server(monkeypatch, external_id="another"):
        row = object_reader.claim(bucket.pk)
        assert object_reader.read(row) is None
    bucket.refresh_from_db()
    assert (bucket.last_error.startswith("The bucket's role cannot be assumed"), bucket.paused_until is None) == (
        True,
        False,
    )
    assert s3.requests == []


def test_rekognition_is_not_sent_to_a_bucket_that_only_the_role_reads(owner, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    image = create_bucket_image(create_bucket(owner), "a.jpg")
    assert originals.reference(image, region="us-east-1") is not None
    image.bucket.role_arn = ROLE
    assert originals.reference(image, region="us-east-1") is None


def test_the_policy_to_assume_names_this_role_alone(staff, bucket, signed_in):
    page = signed_in(staff).get(reverse("bucket", args=[bucket.pk]))
    assert json.loads(page.context["assume_policy"])["Statement"] == [
        {"Sid": "AssumeBucketRole", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": ROLE}
    ]
