"""S3 event messages in each form, and invalid ones."""

import json

import pytest

from analysis.bucket_sync.key_filter import KeyFilter
from analysis.bucket_sync.s3_events import InvalidEvent, ObjectEvent, pad_sequencer, parse_events
from tests.s3_event_messages import bridged, notice, record, through_sns


def test_created_object_is_parsed():
    message = notice(record("a+b%2Bc%2F%C3%BC%0A.jpg", version="v1", sequencer="0A1", etag="e1", size=5))
    expected = ObjectEvent(
        "created", "photos", "a b+c/ü\n.jpg", pad_sequencer("A1"), etag="e1", size=5, version_id="v1"
    )
    assert parse_events(message) == [expected]
    assert parse_events(through_sns(message)) == [expected]


@pytest.mark.parametrize(
    "name", ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:Delete"]
)
def test_removed_object_has_no_etag(name):
    assert parse_events(notice(record("a.jpg", name=name, etag="e", size=1))) == [
        ObjectEvent("removed", "photos", "a.jpg")
    ]


def test_keys_from_eventbridge_are_not_decoded():
    assert parse_events(bridged("a+b%2B.jpg")) == [
        ObjectEvent("created", "photos", "a+b%2B.jpg", pad_sequencer("A1"), etag="e1", size=5, version_id="v1")
    ]
    assert parse_events(bridged("a.jpg", kind="Object Deleted")) == [
        ObjectEvent("removed", "photos", "a.jpg", pad_sequencer("A1"))
    ]
    assert parse_events(bridged("a.jpg", kind="Object Tags Added")) == []


@pytest.mark.parametrize(
    "body",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"},
        {"Type": "SubscriptionConfirmation", "TopicArn": "arn", "Message": "You have chosen to subscribe"},
        {"Records": []},
        json.loads(notice(record("a.jpg", name="ObjectTagging:Put"))),
    ],
)
def test_messages_without_object_events_are_skipped(body):
    assert parse_events(json.dumps(body)) == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{", "The message is not JSON: "),
        ("[" * 100_000, "The message is not JSON: "),
        ("[]", "The message is JSON, but not an object."),
        ("{}", "The message has no Records, so it is not an S3 notification."),
        ('{"Records": [{}]}', "A record of the message is not an S3 event: eventVersion is missing."),
        ('{"Records": [null]}', "A record of the message is not an S3 event: its structure is different."),
        (notice(record("a", event_version="3.0")), "The message has event version 3.0; only 2.x is supported."),
        (notice(record("%FF")), "The key of a record is not UTF-8: "),
        (notice(record("a" * 1_025)), "The key of a record has 1,025 bytes; S3 allows 1,024."),
        (bridged("\ud800"), "The key of a record is not valid text: "),
        (notice(record("a%00.jpg")), "The key of a record contains a NUL character, which cannot be stored."),
        (notice(record("a.jpg", bucket="a\0b")), "The bucket of a record contains a NUL character"),
        (notice(record("a.jpg", etag="\0")), "The etag of a record contains a NUL character"),
        (notice(record("a.jpg", version="\0")), "The version of a record contains a NUL character"),
        (notice(record("a.jpg", size=2**63)), "The size of a record is not a valid object size."),
        (notice(record("a.jpg", size=-1)), "The size of a record is not a valid object size."),
        ('{"source": "aws.s3", "detail": {}}', "The EventBridge message is not an S3 event: object is missing."),
        (
            '{"source": "aws.s3", "detail": []}',
            "The EventBridge message is not an S3 event: its structure is different.",
        ),
        (json.dumps({"Type": "Notification", "TopicArn": "arn", "Message": "hello"}), "The message is not JSON: "),
    ],
)
def test_invalid_message_is_explained(body, sentence):
    with pytest.raises(InvalidEvent) as malformed:
        parse_events(body)
    assert str(malformed.value).startswith(sentence)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("9", "A"), ("FF", "100"), ("0055AED6DCD90281E5", "55AED6DCD90281E6"), ("0b", "0C")],
)
def test_padded_sequencers_compare_in_order(earlier, later):
    assert pad_sequencer(earlier) < pad_sequencer(later)
    assert ObjectEvent("created", "b", "k", pad_sequencer(later)).is_after(
        ObjectEvent("created", "b", "k", pad_sequencer(earlier))
    )
    assert not ObjectEvent("created", "b", "k", pad_sequencer(earlier)).is_after(
        ObjectEvent("created", "b", "k", pad_sequencer(later))
    )


@pytest.mark.parametrize("message", [None, "", "xyz", "A" * 33, 7.5])
def test_invalid_sequencer_is_empty(message):
    assert pad_sequencer(message) == ""


@pytest.mark.parametrize(
    ("keys", "accepted", "skipped"),
    [
        (
            KeyFilter(),
            ["a.jpg", "A/B.PNG", "IMG_0001", "a.b/c", "x.svg"],
            ["a.txt", "a.json", "photos/", "a\0.jpg", "a.mp4"],
        ),
        (KeyFilter(prefix="2024/"), ["2024/a.jpg"], ["2023/a.jpg", "2024/"]),
        (KeyFilter(include=("*.jpg", "*.bin")), ["a/b.JPG", "x.bin"], ["a.png", "IMG"]),
        (KeyFilter(), ["a/b.jpg ", "c.PNG  ", "d "], ["a.txt "]),
        (KeyFilter(exclude=("*/thumbs/*",)), ["a/b.jpg"], ["a/Thumbs/b.jpg"]),
        (KeyFilter(include=("*.jpg",), exclude=("x*",)), ["a.jpg"], ["x.jpg"]),
    ],
)
def test_key_filter_matches_prefix_and_patterns(keys, accepted, skipped):
    assert [keys.accepts(key) for key in accepted + skipped] == [True] * len(accepted) + [False] * len(skipped)
