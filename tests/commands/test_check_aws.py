"""Against moto's S3 and STS and the simulator, all over HTTP."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO

import boto3
import pytest
from django.core.management import call_command

from analysis.bucket_sync.connection_check import cors_rules
from analysis.health import aws
from analysis.models import Call
from analysis.recognition import aws_quotas, registry
from imagelib.simulator import run_simulator
from tests.factories import create_bucket
from tests.moto_server import moto_server
from tests.rekognition_server import RekognitionServer, serving
from tests.sts_server import ROLE, sts_server

pytestmark = pytest.mark.django_db
REGION = "eu-central-1"
BUCKET = [
    *("s3:ListBucket", "s3:PutObject", "s3:GetObject"),
    *("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:DeleteObject"),
]


@pytest.fixture(scope="module")
def moto_address():
    with moto_server() as address:
        yield address


@pytest.fixture(scope="module")
def service():
    with run_simulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def s3(moto_address):
    """The test's own client, whatever the settings say."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.session.Session(**keys).client("s3", region_name="us-east-1", endpoint_url=moto_address)
    yield client
    client.close()


@pytest.fixture
def simulator(service, moto_address, settings, monkeypatch):
    """Configuration with two Rekognition APIs, a bucket and credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_address)
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", service.address)
    settings.RECOGNIZER, settings.AWS_REGION, settings.RECOGNIZER_APIS = "rekognition", REGION, ["labels", "faces"]
    keep_in(settings, "pictures")
    registry.reset()
    yield service
    service.reset(settings=True)
    registry.reset()


@pytest.fixture
def bucket(simulator, s3):
    with made(s3, "pictures", region=REGION):
        yield s3


@contextmanager
def made(s3, name: str, *, region: str):
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    yield
    assert s3.list_objects_v2(Bucket=name).get("Contents", []) == []  # it leaves nothing behind
    s3.delete_bucket(Bucket=name)


def keep_in(settings, name: str, **options):
    options = {"bucket_name": name, "region_name": settings.AWS_REGION or None, "location": "library", **options}
    storage = {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": storage}


def run(*arguments) -> tuple[int, str]:
    """Exit status and what was printed."""
    out = StringIO()
    try:
        call_command("check_aws", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        return int(end.code), out.getvalue()
    return 0, out.getvalue()


def check() -> tuple[int, dict, dict]:
    """Exit status, the JSON, and the findings that are not fine: sentence by subject."""
    status, text = run("--json")
    report = json.loads(text)
    assert report["is_fine"] == (status == 0)
    return (
        status,
        report,
        {finding["subject"]: finding["sentence"] for finding in report["findings"] if not finding["is_fine"]},
    )


@pytest.mark.django_db
def test_all_is_fine(simulator, bucket):
    status, report, wrong = check()

    assert (status, wrong) == (0, {})
    assert [finding["subject"] for finding in report["findings"]] == [
        *("credentials", "bucket", *BUCKET, "rekognition:DetectLabels", "rekognition:DetectFaces")
    ]
    assert all(finding["milliseconds"] >= 0 for finding in report["findings"])
    assert (report["calls"], Decimal(report["dollars"]), report["missing_actions"]) == (2, Decimal("0.0024"), [])
    assert simulator.statistics()["paid"] == 2
    assert not Call.objects.exists()


def test_cors_rules_for_the_site_are_printed_where_they_lack(simulator, bucket, settings):
    settings.SITE_URL = "https://pictures.example.org/library"
    for origin, expected in (("https://other.example", 1), ("https://pictures.example.org", 0)):
        bucket.put_bucket_cors(Bucket="pictures", CORSConfiguration={"CORSRules": cors_rules(origin)})
        status, text = run()
        assert (status, '"AllowedOrigins"' in text) == (expected, bool(expected))


def test_in_words_it_says_what_it_costs_and_no_secret(simulator, bucket):
    status, text = run()

    lines = text.splitlines()
    assert status == 0
    assert lines[0] == "Calling Rekognition (labels, faces): at most $0.0024."
    assert [line.split()[:2] for line in lines[1:-1]] == [
        *(["ok", subject] for subject in ("credentials", "bucket", *BUCKET)),
        *(["ok", f"rekognition:{name}"] for name in ("DetectLabels", "DetectFaces")),
    ]
    assert "arn:aws:" in lines[1]
    assert lines[2].endswith("pictures is in eu-central-1.")
    assert lines[-2].endswith("Model faces-1; at most 25 calls per second (AWS default).")
    assert lines[-1] == "Sent to Rekognition: 2 calls, $0.0024; not recorded in the ledger."
    assert "very secret" not in text


def test_a_denied_api_is_named_with_the_policy_to_paste(simulator, bucket):
    simulator.set(denied=["DetectFaces"])

    status, text = run()

    words, policy = text.split("A policy with everything this configuration needs:\n")
    assert status == 1
    assert "Sent to Rekognition: 2 calls, $0.0012" in words
    assert "Missing: rekognition:DetectFaces. " in words
    assert "Allow the IAM action rekognition:DetectFaces." in words
    assert json.loads(policy)["Statement"][0] == {
        "Sid": "Recognize",
        "Effect": "Allow",
        "Action": ["rekognition:DetectFaces", "rekognition:DetectLabels"],
        "Resource": "*",
    }


def test_without_credentials_nothing_else_is_tried(simulator, bucket, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    status, report, wrong = check()

    assert status == 1
    assert wrong == {
        "credentials": "No AWS credentials were found."
        " Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or attach a role."
    }
    assert (len(report["findings"]), report["calls"], report["dollars"]) == (1, 0, "0")
    assert simulator.statistics()["requests"] == 0


def test_credentials_are_checked_alone_at_no_cost(simulator, monkeypatch):
    (finding,) = aws.check_credentials()
    assert (finding.subject, finding.is_fine, finding.calls) == ("credentials", True, 0)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    without_keys = [(finding.is_fine, finding.next_step) for finding in aws.check_credentials()]
    assert without_keys == [(False, "Run `manage.py check_aws`.")]


def test_a_bucket_that_is_not_there_is_told_and_rekognition_is_tried(simulator):
    status, report, wrong = check()

    assert status == 1
    assert wrong == {"bucket": "Bucket pictures does not exist. Create it, or correct AWS_STORAGE_BUCKET_NAME."}
    assert report["calls"] == 2


def test_a_bucket_in_another_region_is_told(simulator, s3, settings):
    keep_in(settings, "elsewhere")
    with made(s3, "elsewhere", region="us-west-2"):
        status, _, wrong = check()
        assert status == 1
        assert wrong == {
            "bucket": "elsewhere is in us-west-2, but AWS_REGION is eu-central-1. "
            "Set AWS_REGION=us-west-2, or use another bucket."
        }
        keep_in(settings, "elsewhere", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
        assert check()[0] == 0  # a server of one's own may call its region what it likes


def test_a_region_that_is_not_set_is_told(simulator, bucket, settings):
    settings.AWS_REGION = ""
    registry.reset()

    status, report, wrong = check()

    assert status == 1
    assert set(wrong) == {"region", "rekognition:DetectLabels", "rekognition:DetectFaces"}
    assert wrong["region"] == "Set AWS_REGION, for example to eu-central-1."
    assert report["calls"] == 0


def test_an_account_that_is_not_the_settings_one_is_told(simulator, bucket, settings):
    settings.AWS_ACCOUNT = "999999999999"

    assert check()[2] == {
        "credentials": "The credentials belong to account 123456789012, but AWS_ACCOUNT is 999999999999. "
        "Correct one of them."
    }


def test_a_lost_answer_may_have_been_paid_for(simulator, bucket):
    simulator.set(drops=100)

    status, report, wrong = check()

    assert (status, set(wrong)) == (1, {"rekognition:DetectLabels", "rekognition:DetectFaces"})
    assert (report["calls"], Decimal(report["dollars"]), report["missing_actions"]) == (2, Decimal("0.0024"), [])


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, {}),
        (
            {"s3": "absent"},
            {
                "REKOGNITION_READS_BUCKET": "InvalidS3ObjectException: Rekognition cannot read the object in S3: it "
                "was deleted, is in another region, or access was denied. Check the key, the bucket's region and the "
                "permission s3:GetObject."
            },
        ),
    ],
)
def test_rekognition_is_asked_to_read_the_bucket_where_it_should(simulator, bucket, settings, knobs, expected):
    settings.REKOGNITION_READS_BUCKET = True
    simulator.set(**knobs)

    _, report, wrong = check()

    assert wrong == expected
    assert (report["findings"][-1]["subject"], report["calls"]) == ("REKOGNITION_READS_BUCKET", 3)


def test_a_bucket_that_rekognition_cannot_reach_is_told(simulator, bucket, settings):
    settings.REKOGNITION_READS_BUCKET = True
    keep_in(settings, "pictures", endpoint_url=os.environ["AWS_ENDPOINT_URL"])

    assert check()[2] == {"REKOGNITION_READS_BUCKET": "This setting has no effect here; `manage.py check` says why."}


def test_the_quotas_are_read_where_they_should_be(simulator, settings, monkeypatch):
    settings.QUOTAS_FROM_AWS, settings.RECOGNIZER_APIS = True, []
    keep_in(settings, "")
    server = RekognitionServer()
    server.answers = [
        {"Quotas": [{"QuotaName": "DetectLabels TPS", "Value": 20.0}]},
        {"Quotas": []},
        (400, "AccessDeniedException"),
    ]
    aws_quotas.reset()
    with serving(server) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", address)
        finding, report = _quotas_finding()
        assert (finding["is_fine"], finding["sentence"]) == (True, "Calls per second: labels 20.")
        finding, report = _quotas_finding()
        assert finding["sentence"] == "None set; AWS's defaults are used."
        finding, report = _quotas_finding()
    aws_quotas.reset()
    refused = "ListServiceQuotas is not allowed (AccessDeniedException)."
    assert finding["sentence"] == f"{refused} Until this works, AWS's default quotas are used."
    assert report["missing_actions"] == ["servicequotas:ListServiceQuotas"]
    assert [statement["Sid"] for statement in report["policy"]["Statement"]] == ["Recognize", "ReadQuotas"]


def _quotas_finding() -> tuple[dict, dict]:
    _, report, _ = check()
    aws_quotas.reset()
    return next(
        finding for finding in report["findings"] if finding["subject"] == "servicequotas:ListServiceQuotas"
    ), report


def test_the_policy_alone_asks_nobody(simulator, settings):
    settings.RECOGNIZER_APIS = []  # labels alone: what is charged for is switched on by name

    status, text = run("--policy")

    assert status == 0
    assert {statement["Sid"]: statement["Resource"] for statement in json.loads(text)["Statement"]} == {
        "Recognize": "*",
        "FindPictures": "arn:aws:s3:::pictures",
        "KeepPictures": "arn:aws:s3:::pictures/library/*",
    }
    assert json.loads(text)["Statement"][0]["Action"] == ["rekognition:DetectLabels"]
    assert simulator.statistics()["requests"] == 0


def test_where_nothing_uses_aws_there_is_nothing_to_check():
    assert run() == (0, "AWS is not used: no bucket is set, and RECOGNIZER is not rekognition.\n")
    status, report, _ = check()
    assert (status, report["findings"], report["policy"]["Statement"]) == (0, [], [])


def test_roles_of_buckets_are_checked_and_in_the_policy(simulator, owner, monkeypatch):
    granted, refused = (create_bucket(owner, name=name, role_arn=ROLE) for name in ("granted", "refused"))
    with sts_server(monkeypatch, external_id=granted.external_id):
        _status, report, _problems = check()
    states = {item["subject"]: item["is_fine"] for item in report["findings"]}
    assert (states["role of granted"], states[f"role of {refused.name}"]) == (True, False)
    [statement] = [
        statement for statement in report["policy"]["Statement"] if statement["Action"] == ["sts:AssumeRole"]
    ]
    assert statement["Resource"] == ROLE
