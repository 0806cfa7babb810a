"""Channels of AWS services: forms, limits, order, errors of single messages."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from analysis.aws.shared_clients import shared_client
from analysis.delivery.base import Message, Outcome
from analysis.delivery.channels.dynamodb import DynamoDBChannel
from analysis.delivery.channels.eventbridge import EventBridgeChannel
from analysis.delivery.channels.image_bodies import body_of
from analysis.delivery.channels.object_tags import ObjectTagsChannel, TaggedBucket
from analysis.delivery.channels.sns import SnsChannel
from analysis.delivery.channels.sqs import SqsChannel
from analysis.delivery.sink_options import BusOptions, MessageOptions, TableOptions, TagOptions
from tests.delivery.aws_services import ACCOUNT, REGION
from tests.delivery.test_sinks_of_aws import check

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
IMAGE = {
    "id": 7,
    "file_name": "dog.jpg",
    "url": "https://pictures.example.org/images/7/",
    "width": 1200,
    "height": 800,
    "format": "jpeg",
    "size": 1000,
    "sha256": "0" * 64,
    "owner": "owner",
    "bucket": "pictures",
    "key": "dog.jpg",
    "version_id": None,
    "added_at": "2026-11-01T00:00:00+00:00",
    "taken_at": None,
    "labels": [],
    "models": {},
    "faces": None,
    "celebrities": None,
    "text": None,
    "moderation": None,
    "colors": None,
    "quality": None,
}
BUCKETS = (TaggedBucket("pictures", "", REGION),)


def label(name: str, confidence: float = 99.0, kind: str = "label") -> dict:
    return {
        "name": name,
        "kind": kind,
        "category": "",
        "confidence": confidence,
        "instances": 0,
        "verdict": None,
    }


def message(*labels: dict, after: timedelta = timedelta(), **image) -> Message:
    payload = {"version": 1, "event": "image", "image": IMAGE | {"labels": list(labels)} | image}
    return Message(str(uuid.uuid4()), "image", payload, MOMENT + after)


def message_of_a_test() -> Message:
    payload = {
        "version": 1,
        "event": "test",
        "search": {"name": "Dogs", "query": "dog", "url": None},
        "count": 0,
        "images": [],
    }
    return Message(str(uuid.uuid4()), "test", payload, MOMENT)


TEST = message_of_a_test()
DOG, HAPPY = label("Dog", 98.5), label("Happy", 97.0, "emotion")
LONG = [label(f"Label {number} {'x' * 150}") for number in range(1_000)]


def test_fifo_queue_keeps_the_order_of_a_picture_and_drops_repetitions(aws):
    queue = aws.create_queue("pictures.fifo")
    first, second = message(DOG), message()
    channel = SqsChannel(queue, REGION, MessageOptions())
    assert channel.send([first, second]) == [Outcome(), Outcome()]
    assert channel.send([second]) == [Outcome()]
    received = aws.received(queue)
    assert [message["json"]["id"] for message in received] == [first.delivery_id, second.delivery_id]
    assert {message["Attributes"]["MessageGroupId"] for message in received} == {"7"}


def test_fifo_topic_passes_the_group_on(aws):
    queue = aws.create_queue("pictures.fifo")
    sent = message(DOG)
    assert SnsChannel(aws.create_topic("pictures.fifo", queue=queue), REGION, MessageOptions()).send([sent]) == [
        Outcome()
    ]
    [delivered] = aws.received(queue)
    assert (delivered["json"]["id"], delivered["Attributes"]["MessageGroupId"]) == (sent.delivery_id, "7")


def test_simple_form_has_labels_and_tags_only(aws):
    queue = aws.create_queue("pictures")
    assert SqsChannel(queue, REGION, MessageOptions(form="simple")).send([message(DOG, HAPPY)]) == [Outcome()]
    [delivered] = aws.received(queue)
    assert delivered["json"] == {"file_name": "dog.jpg", "labels": [{"Name": "Dog", "Confidence": 98.5}]}
    check(delivered["json"], "labels-message")


@pytest.mark.parametrize(("form", "schema"), [("full", "image-message"), ("simple", "labels-message")])
def test_message_over_the_limit_says_what_was_left_out(aws, form, schema):
    queue = aws.create_queue("pictures", MaximumMessageSize="16384")
    [outcome] = SqsChannel(queue, REGION, MessageOptions(form=form, kilobytes=16)).send([message(*LONG)])
    [delivered] = aws.received(queue)
    check(delivered["json"], schema)
    label_count = len(delivered["json"]["labels"] if form == "simple" else delivered["json"]["image"]["labels"])
    assert 8_000 < len(delivered["Body"]) < 16_384
    assert delivered["json"]["omitted"] == [{"field": "labels", "count": 1_000 - label_count}]
    assert (outcome.error, outcome.note) == (
        "",
        f"Left out because the message would have been too large: labels: {1_000 - label_count}.",
    )


def test_simple_form_is_not_shortened_for_what_it_does_not_have(aws):
    text = [{"text": "x" * 500, "confidence": 99.0, "box": None}] * 100
    queue = aws.create_queue("pictures")
    channel = SqsChannel(queue, REGION, MessageOptions(form="simple", kilobytes=16))
    assert channel.send([message(DOG, *[HAPPY] * 1_000, text=text)]) == [Outcome()]
    assert aws.received(queue)[0]["json"] == {"file_name": "dog.jpg", "labels": [{"Name": "Dog", "Confidence": 98.5}]}
    table = DynamoDBChannel(aws.create_table("pictures", key="ImageID"), REGION, TableOptions())
    assert table.send([message(*LONG * 4, text=text * 100)])[0].note.count(":") == 2


def test_message_that_cannot_be_shortened_fails_for_good(aws):
    channel = SqsChannel(aws.create_queue("pictures"), REGION, MessageOptions(kilobytes=1))
    [outcome] = channel.send([message(file_name="x" * 600)])
    assert (outcome.error, outcome.is_permanent) == ("It is larger than 512 bytes.", True)


def test_batch_is_split_where_it_would_be_too_large(aws):
    queue = aws.create_queue("pictures")
    messages = [message(*LONG[:400]) for _ in range(10)]  # 100 kB each
    assert SqsChannel(queue, REGION, MessageOptions()).send(messages) == [Outcome()] * 10
    assert len(aws.received(queue)) == 10


def test_missing_queue_is_tried_again(aws):
    url = f"{aws.address}/{ACCOUNT}/missing"
    [outcome] = SqsChannel(url, REGION, MessageOptions()).send([message()])
    assert (outcome.is_permanent, "NonExistentQueue" in outcome.error or "does not exist" in outcome.error) == (
        False,
        True,
    )


def test_test_messages_have_the_form_of_others(aws):
    queue = aws.create_queue("pictures")
    assert SqsChannel(queue, REGION, MessageOptions()).send([TEST]) == [Outcome()]
    assert SqsChannel(queue, REGION, MessageOptions(form="simple")).send([TEST]) == [Outcome()]
    full, simple = (message["json"] for message in aws.received(queue))
    check(full, "test-message")
    check(simple, "labels-message")


def test_event_has_the_source_of_the_sink(aws):
    queue = aws.create_queue("of-bus")
    bus = aws.create_bus("pictures", queue=queue)
    assert EventBridgeChannel(bus, REGION, BusOptions(source="other")).send([message()]) == [Outcome()]
    assert EventBridgeChannel(bus, REGION, BusOptions()).send([message(bucket=None), TEST]) == [Outcome()] * 2
    events = [(event["json"]["detail-type"], event["json"]["resources"]) for event in aws.received(queue)]
    assert events == [("Image Changed", []), ("Test", [])]


@pytest.mark.parametrize("key", ["ImageID", "filename"])
def test_older_message_never_replaces_a_newer_item(aws, key):
    channel = DynamoDBChannel(aws.create_table("pictures", key=key), REGION, TableOptions(key=key))
    newer, older = message(DOG, after=timedelta(seconds=1)), message()
    assert channel.send([newer, newer]) == [Outcome(), Outcome()]
    [outcome] = channel.send([older])
    assert outcome == Outcome(note="The table has a newer item for this picture, which was kept.")
    [item] = aws.items("pictures")
    assert (item["ImageID"], item["filename"], item["labels"][0]["Name"]) == ("7", "dog.jpg", "Dog")


def test_full_item_has_the_fields_of_the_document(aws):
    channel = DynamoDBChannel(aws.create_table("pictures", key="ImageID"), REGION, TableOptions(form="full"))
    assert channel.send([message(DOG, HAPPY)]) == [Outcome()]
    [item] = aws.items("pictures")
    plain = json.loads(json.dumps(item, default=float))
    check(plain, "dynamodb-full-item")
    assert [label["name"] for label in plain["labels"]] == ["Dog", "Happy"]


def test_item_over_the_limit_says_what_was_left_out(aws):
    channel = DynamoDBChannel(aws.create_table("pictures", key="ImageID"), REGION, TableOptions())
    [outcome] = channel.send([message(*LONG * 4)])
    [item] = aws.items("pictures")
    left_out = 4_000 - len(item["labels"])
    assert (item["omitted"], item["url"]) == ([{"field": "labels", "count": left_out}], IMAGE["url"])
    assert 0 < left_out < 3_000
    assert outcome.note.startswith("Left out because the message would have been too large: labels: ")


def test_test_of_a_table_writes_nothing_and_finds_a_wrong_key(aws):
    table = aws.create_table("pictures", key="ImageID")
    assert DynamoDBChannel(table, REGION, TableOptions()).send([TEST]) == [
        Outcome(note="imagelib can write to the table. The test wrote nothing.")
    ]
    [outcome] = DynamoDBChannel(table, REGION, TableOptions(key="filename")).send([TEST])
    assert (outcome.is_delivered, aws.items("pictures")) == (False, [])


def tagged(aws, options: TagOptions, *labels: dict, before: dict[str, str]) -> tuple[dict[str, str], Outcome]:
    aws.create_bucket("pictures")
    aws.clients["s3"].put_object(Bucket="pictures", Key="dog.jpg", Body=b"x")
    aws.set_tags("pictures", "dog.jpg", before)
    [outcome] = ObjectTagsChannel(BUCKETS, options).send([message(*labels)])
    return aws.tags("pictures", "dog.jpg"), outcome


def test_tags_of_others_stay_and_old_ones_of_ours_go(aws):
    tags, outcome = tagged(aws, TagOptions(), DOG, before={"team": "a", "imagelib:Cat": "label"})
    assert (tags, outcome) == ({"team": "a", "imagelib:Dog": "label"}, Outcome())


def test_only_as_many_tags_are_set_as_there_is_room_for(aws):
    before = {f"team-{number}": "a" for number in range(9)}
    tags, outcome = tagged(aws, TagOptions(), DOG, label("Cat"), label("Pet"), before=before)
    assert tags == {**before, "imagelib:Dog": "label"}
    assert outcome == Outcome(note="2 tags were left out because there was no room: imagelib:Cat, imagelib:Pet.")


def test_bucket_that_does_not_allow_tags_is_left_alone(aws):
    aws.create_bucket("pictures")
    [outcome] = ObjectTagsChannel((), TagOptions()).send([message(DOG)])
    assert (outcome.error, outcome.is_permanent) == (
        "The bucket pictures does not allow setting tags. Turn on “Set tags” in its settings.",
        True,
    )
    [outcome] = ObjectTagsChannel(BUCKETS, TagOptions()).send([message(DOG, bucket=None)])
    assert outcome.is_permanent


def test_object_that_is_gone_fails_for_good(aws):
    aws.create_bucket("pictures")
    [outcome] = ObjectTagsChannel(BUCKETS, TagOptions()).send([message(DOG)])
    assert outcome == Outcome("The object is no longer in the bucket.", is_permanent=True)


def test_service_that_is_down_is_tried_again(aws, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1")
    [outcome] = SqsChannel(f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/a", REGION, MessageOptions()).send(
        [message()]
    )
    assert (outcome.error.startswith("The service cannot be reached: "), outcome.is_permanent) == (True, False)


def test_events_of_objects_with_long_keys_fit_into_their_request(aws):
    """An event's resources count against the limit ("PutEvents entry size")."""
    bus = aws.create_bus("events", queue=aws.create_queue("events"))
    requests = []
    client = shared_client("events", region=REGION)
    client.meta.events.register("provide-client-params.events.PutEvents", lambda params, **_: requests.append(params))
    messages = [message(text=["x" * 4_700], key="k" * 1_000) for _ in range(10)]
    channel = EventBridgeChannel(bus, REGION, BusOptions(kilobytes=64))
    assert [outcome.error for outcome in channel.send(messages)] == [""] * 10
    sizes = [
        sum(len(entry[name]) for name in ("Source", "DetailType", "Detail")) + sum(map(len, entry["Resources"]))
        for request in requests
        for entry in request["Entries"]
    ]
    starts = [sum(len(request["Entries"]) for request in requests[:number]) for number in range(len(requests) + 1)]
    assert (len(sizes), min(sizes) > 6_000) == (10, True)
    assert max(sum(sizes[start:end]) for start, end in pairwise(starts)) <= 64 * 1_024


def test_characters_that_queues_refuse_are_escaped():
    """SQS accepts the characters of XML 1.0 only ("SendMessage")."""
    sent = message(file_name="\ufffe\x0b\uffff.jpg")
    text = body_of(sent, form="full", limit=100_000).text
    assert json.loads(text)["image"]["file_name"] == "\ufffe\x0b\uffff.jpg"
    assert not {"\ufffe", "\x0b", "\uffff"} & set(text)
