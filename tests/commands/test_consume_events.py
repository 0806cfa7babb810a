"""consume_events: SQS messages processed once, invalid ones moved to the DLQ."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from io import StringIO

import boto3
import pytest
from django.core.management import CommandError, call_command
from django.db import InternalError, connection

from analysis import pipeline
from analysis.aws import sqs as queues
from analysis.bucket_sync import event_consumer
from analysis.bucket_sync.event_consumer import StopFlag
from analysis.models import BucketObject
from tests.factories import create_bucket
from tests.moto_server import moto_server
from tests.s3_event_messages import bridged, notice, record, through_sns

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def moto():
    with moto_server() as address:
        yield address


@pytest.fixture
def sqs(moto, settings, monkeypatch):
    """Client of a queue and its dead-letter queue, with URLs `events` and `dead`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", moto)
    settings.AWS_REGION = "us-east-1"
    client = boto3.session.Session().client("sqs", region_name="us-east-1", endpoint_url=moto)
    client.dead = client.create_queue(QueueName="dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=client.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    client.events = client.create_queue(QueueName="events", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    settings.EVENTS_QUEUE_URL = client.events
    yield client
    for url in (client.events, client.dead):
        client.delete_queue(QueueUrl=url)
    client.close()


@pytest.fixture
def bucket(owner):
    return create_bucket(owner)


def send(sqs, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=sqs.events, MessageBody=body)


def consume(*, has_poison: bool = False) -> str:
    output = StringIO()
    with pytest.raises(SystemExit, match=r"^1$") if has_poison else nullcontext():
        call_command("consume_events", "--until-empty", stdout=output, stderr=output)
    return output.getvalue()


def left(sqs, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(counts[name]) for name in names)


def heard() -> list[str]:
    return sorted(BucketObject.objects.values_list("key", flat=True))


def test_all_event_formats_are_processed_and_deleted(bucket, sqs):
    send(
        sqs,
        notice(record("a.jpg"), record("b%2Bc+d.jpg")),
        through_sns(notice(record("sns.jpg"))),
        bridged("bridge.jpg"),
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"}),
        notice(record("a.jpg")),
    )
    assert "5 messages with 5 events processed, 0 moved to the dead-letter queue." in consume()
    assert heard() == ["a.jpg", "b+c d.jpg", "bridge.jpg", "sns.jpg"]
    assert (left(sqs, sqs.events), left(sqs, sqs.dead)) == (0, 0)


def test_invalid_messages_move_to_dlq_with_reason(bucket, sqs):
    send(sqs, "{", notice(record("a.jpg")), notice(record("b.jpg", bucket="strange")))
    output = consume(has_poison=True)
    assert heard() == ["a.jpg"]
    buried = sqs.receive_message(
        QueueUrl=sqs.dead, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )["Messages"]
    reasons = {message["Body"][:1]: message["MessageAttributes"]["Reason"]["StringValue"] for message in buried}
    assert len(buried) == 2
    unknown = "Unknown bucket strange. Add it on the Buckets page, or stop its notifications."
    assert (left(sqs, sqs.events), "2 moved to the dead-letter queue" in output) == (0, True)
    assert {message["MessageAttributes"]["Reason"]["StringValue"] for message in buried} >= {unknown}
    assert all(reason.startswith(("The message is not JSON: ", unknown)) for reason in reasons.values())


def test_replay_processes_valid_dead_letters(owner, bucket, sqs):
    send(sqs, "{", notice(record("b.jpg", bucket="strange")))
    consume(has_poison=True)
    create_bucket(owner, name="strange")
    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("consume_events", "--replay-dlq", stdout=output, stderr=output)
    assert "1 message of the dead-letter queue processed, 1 left." in output.getvalue()
    assert "The message is not JSON: " in output.getvalue()
    assert (heard(), left(sqs, sqs.dead)) == (["b.jpg"], 1)


def test_invalid_message_stays_without_dlq(bucket, sqs):
    sqs.set_queue_attributes(QueueUrl=sqs.events, Attributes={"RedrivePolicy": ""})
    send(sqs, "{", notice(record("a.jpg")))
    assert "The queue has no dead-letter queue" in consume(has_poison=True)
    assert (heard(), left(sqs, sqs.events)) == (["a.jpg"], 1)
    with pytest.raises(CommandError, match="has no dead-letter queue"):
        call_command("consume_events", "--replay-dlq")


def refuse_rows(*, sqlstate: str) -> None:
    """Have the database refuse objects whose key is odd.jpg."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""CREATE FUNCTION refuse_odd() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'too odd' USING ERRCODE = '{sqlstate}'; END $$"""
        )
        cursor.execute(
            """CREATE TRIGGER refuse_odd BEFORE INSERT ON analysis_bucketobject
            FOR EACH ROW WHEN (NEW.key = 'odd.jpg') EXECUTE FUNCTION refuse_odd()"""
        )


def test_message_that_the_database_rejects_goes_alone_to_the_dead_letter_queue(bucket, sqs):
    refuse_rows(sqlstate="22000")  # a data exception
    send(sqs, *(notice(record(f"{name}.jpg")) for name in ("a", "odd")))
    counts = event_consumer.EventCounts()
    events = queues.connect(sqs.events, region="us-east-1")
    recorded = event_consumer.handle_messages(events, events.receive(wait=1), counts=counts)
    assert (heard(), recorded.buckets) == (["a.jpg"], {bucket.pk})
    assert (counts.messages, counts.events, counts.buried) == (2, 1, 1)
    (reason,) = counts.reasons
    assert reason.startswith("The database rejected it: too odd")
    assert (left(sqs, sqs.events), left(sqs, sqs.dead)) == (0, 1)
    replayed = event_consumer.replay(events.dead_letter_queue())
    assert [message.reason for message in replayed] == [reason]


def test_messages_are_not_deleted_unless_saved(bucket, sqs):
    refuse_rows(sqlstate="XX000")  # an internal error
    send(sqs, notice(record("odd.jpg")))
    events = queues.connect(sqs.events, region="us-east-1")
    messages = events.receive(wait=1)
    with pytest.raises(InternalError):
        event_consumer.handle_messages(events, messages, counts=event_consumer.EventCounts())
    assert (heard(), left(sqs, sqs.events)) == ([], 1)
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse_odd ON analysis_bucketobject")
    events.hide(messages, seconds=0)
    consume()
    assert (heard(), left(sqs, sqs.events)) == (["odd.jpg"], 0)


def test_visibility_is_renewed_during_long_processing(sqs):
    send(sqs, notice(record("a.jpg")))
    mine, theirs = (queues.connect(sqs.events, region="us-east-1") for _ in range(2))
    mine.visibility_timeout = 1
    messages = mine.receive(wait=1)
    with mine.keep_invisible(messages):
        assert theirs.receive(wait=2) == []
    assert len(theirs.receive(wait=2)) == 1


def test_tasks_are_sent_on_commit(bucket, sqs, django_capture_on_commit_callbacks):
    send(sqs, notice(record("a.jpg")))
    events = queues.connect(sqs.events, region="us-east-1")
    with django_capture_on_commit_callbacks() as callbacks:
        list(pipeline.consume_events(events, stop=StopFlag(), until_empty=True))
    assert len(callbacks) == 1


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "Set EVENTS_QUEUE_URL to the queue of S3's event notifications, or pass --queue."),
        ("{moto}/123456789012/nowhere", "There is no queue {moto}/123456789012/nowhere. Correct EVENTS_QUEUE_URL."),
    ],
)
def test_missing_queue_is_reported(moto, sqs, address, sentence):
    with pytest.raises(CommandError) as error:
        call_command("consume_events", "--queue", address.format(moto=moto))
    assert str(error.value) == sentence.format(moto=moto)


def test_unreachable_queue_is_reported(sqs, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
    with pytest.raises(
        CommandError, match=r"is not available: The service cannot be reached: Could not connect to the endpoint"
    ):
        call_command("consume_events")


def test_unreachable_queue_is_retried(bucket, sqs, caplog, monkeypatch):
    """It is unreachable at first; the consumer pauses and tries again."""
    events = queues.connect(sqs.events, region="us-east-1")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
        gone = queues.connect("http://127.0.0.1:9/queue", region="us-east-1")
    stop = StopFlag()
    addresses = iter([gone, events])

    class Flaky(queues.SqsQueue):
        def receive(self, *, wait=20):
            return next(addresses, events).receive(wait=wait)

    send(sqs, notice(record("a.jpg")))
    flaky = Flaky(sqs.events, events.client)
    tallies = list(pipeline.consume_events(flaky, stop=stop, until_empty=True))
    assert (tallies[-1].events, heard()) == (1, ["a.jpg"])
    (message,) = [
        record.getMessage() for record in caplog.records if record.name == "analysis.bucket_sync.event_consumer"
    ]
    assert message.startswith(f"events: {sqs.events}: The service cannot be reached: Could not connect to the endpoint")
    assert message.endswith(" Trying again in 1 s.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_waiting_consumer_at_once(owner, sqs, number, settings):
    from django.db import connection

    bucket = create_bucket(owner)
    program = (
        "import django; django.setup(); from django.core.management import call_command; call_command('consume_events')"
    )
    settings_dict = connection.settings_dict
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "imagelib.settings",
        "EVENTS_QUEUE_URL": sqs.events,
        "AWS_REGION": "us-east-1",
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": f"postgresql://{settings_dict['USER']}@/{settings_dict['NAME']}?host={settings_dict['HOST']}",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    clock = threading.Timer(60, process.kill)
    clock.start()
    assert "Processing events of" in process.stdout.readline()
    send(sqs, notice(record("a.jpg")))
    for _ in range(600):  # half a minute on a busy machine
        if BucketObject.objects.filter(bucket=bucket).exists():
            break
        threading.Event().wait(0.05)
    process.send_signal(number)
    rest, _ = process.communicate(timeout=10)
    clock.cancel()
    assert (process.returncode, "1 message with 1 events processed" in rest) == (0, True), rest
    assert left(sqs, sqs.events) == 0
