"""The Lambda handler, with events as moto's SQS delivers them, and its template."""

import json

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from django.conf import settings as ours
from moto.awslambda.models import LambdaBackend
from moto.sqs.models import sqs_backends

from analysis import pipeline
from analysis.models import BucketObject, WorkLease
from analysis.work import run_lease
from imagelib import aws_lambda
from tests import pictures
from tests.factories import create_bucket
from tests.moto_server import moto_server
from tests.recognition.test_engine import states, stored_images
from tests.s3_event_messages import notice, record
from tests.work.conftest import simulator, without_redis

ACCOUNT, REGION = "123456789012", "us-east-1"
TEMPLATE = ours.BASE_DIR / "infra" / "lambda.yaml"
PARAMETERS = {
    "Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/imagelib:1",
    "EventsQueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:events",
    "PicturesBucket": "my-pictures",
    "SettingsSecret": "imagelib",
}


class Context:
    function_name = "imagelib-work"

    def __init__(self, seconds: float = 900) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)


@pytest.fixture(scope="module")
def moto():
    with moto_server() as address:
        yield address


@pytest.fixture
def client(moto, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    session = boto3.session.Session()
    return lambda service: session.client(service, region_name=REGION, endpoint_url=moto)


@pytest.fixture
def lambda_endpoint(client, moto, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", moto)


@pytest.fixture
def deliver(client):
    """Send messages to moto's queue; the events of its event source mapping for them."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]

    class Functions(LambdaBackend):
        def invoke(self, *args, body: str, **kwargs):
            events.append(json.loads(body))
            return "", {}

    events: list[dict] = []

    def send(*bodies: str) -> dict:
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)
        messages = sqs_backends[ACCOUNT][REGION].receive_message("events", len(bodies), 1, 60)
        Functions(REGION, ACCOUNT).send_sqs_batch("work", messages, PARAMETERS["EventsQueueArn"])
        return {"Records": [row for event in events for row in event["Records"]]}

    yield send
    sqs.delete_queue(QueueUrl=url)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("without_redis")
def test_events_are_recorded_and_unusable_messages_reported_one_by_one(owner, deliver):
    create_bucket(owner)
    event = deliver(notice(record("a.jpg"), record("b%2Bc.jpg")), "{", notice(record("c.jpg", bucket="strange")))
    answer = aws_lambda.handler(event, Context())
    assert sorted(BucketObject.objects.values_list("key", flat=True)) == ["a.jpg", "b+c.jpg"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": row["messageId"]} for row in event["Records"][1:]]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("without_redis")
def test_a_scheduled_event_does_the_work(owner, simulator, s3):
    bucket = create_bucket(owner)
    s3.put("a.jpg", pictures.jpeg())
    pipeline.start_sync(bucket.pk)
    event = {"source": "aws.events", "detail-type": "Scheduled Event", "resources": [], "detail": {}}
    answer = aws_lambda.handler(event, Context())
    assert (answer["state"], answer["analyses"], answer["failed"], states()) == ("idle", 1, 0, {"done": 1})
    with run_lease.acquired(on_loss=pytest.fail):
        assert aws_lambda.handler(event, Context()) == {"state": "already running"}
    assert WorkLease.objects.get().token is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("without_redis")
def test_what_does_not_fit_into_the_time_is_left_and_the_function_started_again(
    owner,
    simulator,
    settings,
    lambda_endpoint,
    caplog,
):
    simulator.set(latency=300)
    settings.RECOGNITION_THREADS = 1
    pipeline.request_analysis(image_ids=[image.pk for image in stored_images(owner, 30)])
    answer = aws_lambda.handler({}, Context(aws_lambda.MARGIN_SECONDS + 1))
    assert answer["state"] == "stopped"
    assert 0 < states()["done"] < 30
    assert "imagelib-work could not be started: " in caplog.text  # moto has no such function
    with pytest.raises(ValueError, match="timeout above 60 s"):
        aws_lambda.handler({}, Context(30))


@pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")
def test_the_template_makes_both_functions_and_joins_queue_and_schedule(client):
    client("sqs").create_queue(QueueName="events")
    secrets = json.dumps({"DATABASE_URL": "postgresql://database/imagelib", "SECRET_KEY": "secret"})
    client("secretsmanager").create_secret(Name="imagelib", SecretString=secrets)
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()]
    client("cloudformation").create_stack(
        StackName="imagelib", TemplateBody=TEMPLATE.read_text(), Parameters=given, Capabilities=["CAPABILITY_IAM"]
    )
    stack = client("cloudformation").describe_stacks(StackName="imagelib")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    [mapping] = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert (mapping["EventSourceArn"], mapping["BatchSize"]) == (PARAMETERS["EventsQueueArn"], 100)
    [rule] = client("events").list_rules()["Rules"]
    assert rule["ScheduleExpression"] == "rate(1 hour)"


def test_the_functions_may_do_no_more_than_they_need():
    resources = cfn_yaml.loads(TEMPLATE.read_text())["Resources"]
    statements = [
        statement["Fn::If"][1] if "Fn::If" in statement else statement
        for role in ("EventsRole", "WorkRole")
        for policy in resources[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert not any("*" in str(statement["Action"]) for statement in statements)
    assert [statement["Sid"] for statement in statements if statement["Resource"] == "*"] == ["Recognize"]
    mapping = resources["QueueOfEvents"]["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = cfn_yaml.loads(TEMPLATE.with_name("cloudformation.yaml").read_text())["Resources"]["Events"]
    assert resources["Events"]["Properties"]["Timeout"] < queue["Properties"]["VisibilityTimeout"]
