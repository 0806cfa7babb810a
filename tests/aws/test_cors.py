"""CORS rules of a bucket against moto, over HTTP."""

from __future__ import annotations

import boto3
import pytest

from analysis.aws import cors
from analysis.aws.errors import EndpointUnreachable
from analysis.bucket_sync.connection_check import cors_rules

ORIGIN = "https://pictures.example.org"


@pytest.fixture
def client(moto, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.session.Session().client("s3", region_name="us-east-1", endpoint_url=moto)
    client.create_bucket(Bucket="photos")
    yield client
    client.close()


@pytest.mark.parametrize(
    ("rules", "refused"),
    [
        (cors_rules(ORIGIN), []),
        (cors_rules("https://other.example"), ["POST", "PUT"]),
        ([{**cors_rules(ORIGIN)[0], "AllowedMethods": ["POST", "GET"]}], ["PUT"]),
    ],
)
def test_methods_that_the_rules_refuse(rules, refused, client):
    client.put_bucket_cors(Bucket="photos", CORSConfiguration={"CORSRules": rules})
    assert cors.refused_methods(client, "photos", origin=ORIGIN) == refused


def test_server_that_does_not_respond(client):
    client = boto3.session.Session().client("s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(EndpointUnreachable):
        cors.refused_methods(client, "photos", origin=ORIGIN)
