"""Permission checks against responses from S3's documentation."""

from __future__ import annotations

import io

import botocore.session
import pytest
from botocore.stub import ANY, Stubber

from analysis.aws import bucket_settings
from analysis.aws.errors import AWSError, MissingCredentials

OPERATIONS = {"s3:ListBucket": "ListObjectsV2", "s3:ListMultipartUploadParts": "ListParts"}
"""Operations that have another name than their action."""
METHODS = {
    "s3:ListBucket": ("list_objects_v2", {"Bucket": "pictures", "Prefix": "a/check.jpg", "MaxKeys": 1}),
    "s3:PutObject": ("put_object", {"Bucket": "pictures", "Key": "a/check.jpg", "Body": b"content"}),
    "s3:GetObject": ("get_object", {"Bucket": "pictures", "Key": "a/check.jpg"}),
    "s3:AbortMultipartUpload": (
        "abort_multipart_upload",
        {"Bucket": "pictures", "Key": "a/check.jpg", "UploadId": "none"},
    ),
    "s3:ListMultipartUploadParts": ("list_parts", {"Bucket": "pictures", "Key": "a/check.jpg", "UploadId": "none"}),
    "s3:DeleteObject": ("delete_object", {"Bucket": "pictures", "Key": "a/check.jpg"}),
}


@pytest.fixture
def stub():
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    client = session.create_client("s3", region_name="eu-central-1")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answers(stub, **refusals: str):
    """Respond to all requests, with AWS's error for the methods named."""
    for method, expected in METHODS.values():
        if code := refusals.get(method):
            stub.add_client_error(
                method, code, "User: arn:aws:iam::123456789012:user/me", 403, expected_params=expected
            )
        elif method in {"abort_multipart_upload", "list_parts"}:
            stub.add_client_error(method, "NoSuchUpload", "…", 404, expected_params=expected)
        else:
            body = {"Body": io.BytesIO(b"content")} if method == "get_object" else {}
            stub.add_response(method, body, expected)


def refused(stub) -> dict[str, str]:
    steps = list(bucket_settings.permissions(stub.client, "pictures", key="a/check.jpg", content=b"content"))
    assert [step.action for step in steps] == list(METHODS)
    assert all(step.milliseconds >= 0 for step in steps)
    return {step.action: str(step.refusal) for step in steps if step.refusal}


def test_bucket_that_allows_everything(stub):
    answers(stub)
    assert refused(stub) == {}


@pytest.mark.parametrize("action", METHODS)
def test_missing_permission_is_reported_and_others_are_tested(stub, action):
    answers(stub, **{METHODS[action][0]: "AccessDenied"})
    operation = OPERATIONS.get(action, action.removeprefix("s3:"))
    assert refused(stub) == {action: f"{operation} is not allowed (AccessDenied)."}


def test_missing_object_proves_the_permission_to_read(stub):
    answers(stub, put_object="AccessDenied", get_object="NoSuchKey")
    assert set(refused(stub)) == {"s3:PutObject"}


@pytest.mark.parametrize(
    ("response", "region"),
    [
        ({"BucketRegion": "eu-central-1"}, "eu-central-1"),
        ({"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "us-east-1"}}}, "us-east-1"),
        ({}, ""),
    ],
)
def test_region_is_reported_by_the_server(stub, response, region):
    stub.add_response("head_bucket", response, {"Bucket": "pictures"})
    assert bucket_settings.region_of(stub.client, "pictures") == region


@pytest.mark.parametrize(
    ("code", "kind", "is_denied"),
    [("403", AWSError, True), ("404", AWSError, False), ("ExpiredToken", MissingCredentials, False)],
)
def test_failed_request_may_report_the_region(stub, code, kind, is_denied):
    headers = {"HTTPHeaders": {"x-amz-bucket-region": "us-west-2"}}
    stub.add_client_error("head_bucket", code, "", 403, response_meta=headers)
    with pytest.raises(kind) as raised:
        bucket_settings.region_of(stub.client, "pictures")
    assert (raised.value.code, raised.value.is_denied) == (code, is_denied)
    assert raised.value.region == ("" if kind is MissingCredentials else "us-west-2")


def test_test_object_is_deleted_even_after_a_failure(stub):
    stub.add_response("put_object", {}, {"Bucket": "pictures", "Key": "a.jpg", "Body": ANY})
    stub.add_response("delete_object", {}, {"Bucket": "pictures", "Key": "a.jpg"})
    with (
        pytest.raises(RuntimeError),
        bucket_settings.put_test_object(stub.client, "pictures", key="a.jpg", content=b"content"),
    ):
        raise RuntimeError
