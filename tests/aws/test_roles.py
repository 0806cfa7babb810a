"""Credentials of a bucket's role: requested by botocore, with our external ID."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analysis.aws import iam_policy, s3_objects, sts
from analysis.aws.errors import RoleRefused
from analysis.aws.object_refs import AssumedRole, S3Object
from tests.sts_server import KEY, ROLE, sts_server

ASSUMED = AssumedRole(ROLE, "ours")
OBJECT = S3Object("photos", "a.jpg")


def read(s3, number: int) -> list[str]:
    """The keys that signed this number of requests."""
    s3.put("a.jpg", b"x")
    for _request in range(number):
        s3_objects.head(s3_objects.client(region="us-east-1", role=ASSUMED), OBJECT)
    return s3.access_keys


def test_a_role_is_assumed_once_and_signs_all_requests(s3, monkeypatch):
    with sts_server(monkeypatch, external_id="ours") as server:
        assert read(s3, 3) == [f"{KEY}1"] * 3
    assert [(request["RoleArn"], request["ExternalId"], request["RoleSessionName"]) for request in server.requests] == [
        (ROLE, "ours", "imagelib")
    ]


def test_credentials_are_renewed_before_they_expire(s3, monkeypatch):
    with sts_server(monkeypatch, external_id="ours", lifetime=timedelta(minutes=5)):
        assert read(s3, 2) == [f"{KEY}1", f"{KEY}2"]


def test_without_a_role_the_own_credentials_sign(s3):
    s3.put("a.jpg", b"x")
    s3_objects.head(s3_objects.client(region="us-east-1"), OBJECT)
    assert s3.access_keys == ["testing"]


def test_an_address_to_download_is_signed_by_the_role(s3, monkeypatch):
    with sts_server(monkeypatch, external_id="ours"):
        client = s3_objects.client(region="us-east-1", role=ASSUMED)
        url = s3_objects.download_url(client, OBJECT, seconds=60, disposition="attachment")
    assert (f"X-Amz-Credential={KEY}1%2F" in url, "X-Amz-Security-Token=t" in url) == (True, True)


@pytest.mark.parametrize(
    ("denial", "lacks_own_permission"),
    [
        ("User: x is not authorized to perform: sts:AssumeRole on resource: y", False),
        (
            "User: x is not authorized to perform: sts:AssumeRole on resource: y"
            " because no identity-based policy allows the sts:AssumeRole action",
            True,
        ),
    ],
    ids=["trust policy", "own policy"],
)
def test_a_refusal_says_which_policy_and_names_no_principal(s3, monkeypatch, denial, lacks_own_permission):
    with sts_server(monkeypatch, external_id="another", denial=denial), pytest.raises(RoleRefused) as refusal:
        read(s3, 1)
    assert refusal.value.lacks_own_permission == lacks_own_permission
    assert ("trust policy" in str(refusal.value), "User: x" in str(refusal.value)) == (not lacks_own_permission, False)
    assert s3.requests == []


def test_a_refused_role_is_tried_again_as_soon_as_it_is_granted(s3, monkeypatch):
    with sts_server(monkeypatch, external_id="another") as server:
        with pytest.raises(RoleRefused):
            read(s3, 1)
        server.external_id = "ours"
        assert read(s3, 1) == [f"{KEY}2"]


def test_a_role_without_the_external_id_is_told_apart(monkeypatch):
    with sts_server(monkeypatch, external_id="ours", requires_external_id=False) as server:
        sts.assume(ASSUMED, region="us-east-1", with_external_id=False)
        server.requires_external_id = True
        with pytest.raises(RoleRefused):
            sts.assume(ASSUMED, region="us-east-1", with_external_id=False)


@pytest.mark.parametrize(("region", "partition"), [("eu-central-1", "aws"), ("cn-north-1", "aws-cn")])
def test_the_trust_policy_requires_the_external_id(region, partition):
    policy = iam_policy.trust_policy(account="111111111111", external_id="ours", region=region)
    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition}:iam::111111111111:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "ours"}},
        }
    ]
