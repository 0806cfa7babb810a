"""Any message is parsed or InvalidEvent, with a sentence that can be stored."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.bucket_sync.s3_events import InvalidEvent, ObjectEvent, parse_events

PATIENT = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "\0", "%ff", "%00", "a+b", "\ud800", "null", '"x"', "9" * 5_000, "💥" * 300]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def nearly(**right):
    """An object with these members, each valid, anything else, or missing."""
    members = {
        name: st.just(value) | VALUES if not isinstance(value, st.SearchStrategy) else value | VALUES
        for name, value in right.items()
    }
    return st.fixed_dictionaries({}, optional=members)


OBJECT = nearly(key="2024/a+b.jpg", size=10, eTag="x", etag="x", versionId="v", sequencer="0055AED6DCD90281E5")
S3 = nearly(bucket=nearly(name="photos"), object=OBJECT)
RECORD = nearly(eventVersion="2.1", eventName="ObjectCreated:Put", s3=S3)
NOTIFICATION = nearly(Records=st.lists(RECORD | VALUES, max_size=3), Event="s3:TestEvent")
DETAIL = nearly(bucket=nearly(name="photos"), object=OBJECT)
BRIDGED = nearly(**{"source": "aws.s3", "detail": DETAIL, "detail-type": "Object Created"})
SNS = nearly(Type="Notification", TopicArn="arn", Message=NOTIFICATION.map(json.dumps))
MESSAGES = st.one_of(VALUES, NOTIFICATION, BRIDGED, SNS).map(json.dumps) | st.text(max_size=50)


@PATIENT
@given(MESSAGES)
def test_any_message_is_parsed_or_invalid(body):
    try:
        events = parse_events(body)
    except InvalidEvent:
        return
    for event in events:
        assert isinstance(event, ObjectEvent)
        assert event.kind in {"created", "removed"}
        assert "\0" not in event.key + event.bucket + event.etag + event.version_id
        (event.key + event.bucket + event.etag + event.version_id).encode()
        assert (len(event.key.encode()) <= 1_024, 0 <= event.size < 2**63) == (True, True)
