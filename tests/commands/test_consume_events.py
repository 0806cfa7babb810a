"""consume_events: messages of moto's SQS processed once, invalid ones moved to the DLQ."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from io import StringIO

import boto3  # noqa: TID251
import pytest
from django.core.management import CommandError, call_command
from django.db import DataError
from moto.server import ThreadedMotoServer

from analysis import pipeline, tasks
from analysis.aws import sqs as queues
from analysis.bucket_sync import event_consumer, object_queue
from analysis.bucket_sync.event_consumer import StopFlag
from analysis.models import BucketObject
from tests.factories import create_bucket
from tests.s3_event_messages import bridged, notice, record, through_sns

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def sqs(moto, settings, monkeypatch):
    """A queue with a dead-letter queue: its client, with the addresses as `events` and `dead`."""
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
    for each in (client.events, client.dead):
        client.delete_queue(QueueUrl=each)
    client.close()


@pytest.fixture
def bucket(owner):
    return create_bucket(owner)


def send(sqs, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=sqs.events, MessageBody=body)


def consume(*, has_poison: bool = False) -> str:
    said = StringIO()
    with pytest.raises(SystemExit, match=r"^1$") if has_poison else nullcontext():
        call_command("consume_events", "--until-empty", stdout=said, stderr=said)
    return said.getvalue()


def left(sqs, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(said[name]) for name in names)


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
    said = consume(has_poison=True)
    assert heard() == ["a.jpg"]
    buried = sqs.receive_message(
        QueueUrl=sqs.dead, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )["Messages"]
    reasons = {each["Body"][:1]: each["MessageAttributes"]["Reason"]["StringValue"] for each in buried}
    assert len(buried) == 2
    unknown = "No bucket called strange is known here: add it on the page Buckets, or stop its notifications."
    assert (left(sqs, sqs.events), "2 moved to the dead-letter queue" in said) == (0, True)
    assert {each["MessageAttributes"]["Reason"]["StringValue"] for each in buried} >= {unknown}
    assert all(reason.startswith(("The message is no JSON: ", unknown)) for reason in reasons.values())


def test_replay_processes_valid_dead_letters(owner, bucket, sqs):
    send(sqs, "{", notice(record("b.jpg", bucket="strange")))
    consume(has_poison=True)
    create_bucket(owner, name="strange")
    said = StringIO()
    with pytest.raises(SystemExit):
        call_command("consume_events", "--replay-dlq", stdout=said, stderr=said)
    assert "1 message of the dead-letter queue processed, 1 left." in said.getvalue()
    assert "The message is no JSON: " in said.getvalue()
    assert (heard(), left(sqs, sqs.dead)) == (["b.jpg"], 1)


def test_invalid_message_stays_without_dlq(bucket, sqs):
    sqs.set_queue_attributes(QueueUrl=sqs.events, Attributes={"RedrivePolicy": ""})
    send(sqs, "{", notice(record("a.jpg")))
    assert "The queue has no dead-letter queue" in consume(has_poison=True)
    assert (heard(), left(sqs, sqs.events)) == (["a.jpg"], 1)
    with pytest.raises(CommandError, match="has no dead-letter queue"):
        call_command("consume_events", "--replay-dlq")


def test_message_rejected_by_database_moves_to_dlq_alone(owner, bucket, sqs):
    odd = create_bucket(owner, name="odd")

    def announce(noted) -> None:
        if odd.pk in noted.buckets:
            raise DataError("too odd")

    send(sqs, *(notice(record(f"{name}.jpg", bucket=name)) for name in ("photos", "odd")))
    tally = event_consumer.EventCounts()
    events = queues.connect(sqs.events, region="us-east-1")
    event_consumer.handle_message(events, events.receive(wait=1), announce=announce, tally=tally)
    assert heard() == ["photos.jpg"]
    assert (tally.messages, tally.events, tally.buried) == (2, 1, 1)
    assert tally.reasons == ["It cannot be written down: too odd"]
    assert (left(sqs, sqs.events), left(sqs, sqs.dead)) == (0, 1)
    replayed = event_consumer.replay(events.dead(), announce=announce)
    assert [reason for _, reason in replayed] == ["It cannot be written down: too odd"]


def test_messages_are_not_deleted_unless_saved(bucket, sqs):
    send(sqs, notice(record("a.jpg")))
    events = queues.connect(sqs.events, region="us-east-1")
    messages = events.receive(wait=1)

    def fails(_noted) -> None:
        raise RuntimeError("before the commit")

    with pytest.raises(RuntimeError):
        event_consumer.handle_message(events, messages, announce=fails, tally=event_consumer.EventCounts())
    assert (heard(), left(sqs, sqs.events)) == ([], 1)
    events.hide(messages, seconds=0)
    consume()
    assert (heard(), left(sqs, sqs.events)) == (["a.jpg"], 0)


def test_visibility_is_renewed_during_long_processing(sqs):
    send(sqs, notice(record("a.jpg")))
    mine, theirs = (queues.connect(sqs.events, region="us-east-1") for _ in range(2))
    mine.hides = 1
    messages = mine.receive(wait=1)
    with mine.hidden(messages):
        assert theirs.receive(wait=2) == []
    assert len(theirs.receive(wait=2)) == 1


def test_tasks_are_sent_on_commit(bucket, sqs, django_capture_on_commit_callbacks):
    noted = object_queue.RecordedEvents(buckets={bucket.pk})
    with django_capture_on_commit_callbacks() as callbacks:
        tasks.announce_events(noted)
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
    with pytest.raises(CommandError, match=r"does not answer: It cannot be reached: Could not connect to the endpoint"):
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
    (told,) = [each.getMessage() for each in caplog.records if each.name == "analysis.bucket_sync.event_consumer"]
    assert told.startswith(f"events: {sqs.events}: It cannot be reached: Could not connect to the endpoint")
    assert told.endswith(" Trying again in 1 s.")


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
    clock = threading.Timer(30, process.kill)
    clock.start()
    assert "Processing events of" in process.stdout.readline()
    send(sqs, notice(record("a.jpg")))
    for _ in range(200):
        if BucketObject.objects.filter(bucket=bucket).exists():
            break
        threading.Event().wait(0.05)
    process.send_signal(number)
    rest, _ = process.communicate(timeout=10)
    clock.cancel()
    assert (process.returncode, "1 message with 1 events processed" in rest) == (0, True), rest
    assert left(sqs, sqs.events) == 0
