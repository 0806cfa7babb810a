"""Parses S3 event messages, from S3 itself, through SNS or through EventBridge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from analysis.messages import MessageError, gettext_noop

CREATED, REMOVED = "created", "removed"
SEQUENCER = re.compile("[0-9A-F]{1,32}")
EVENT_KINDS = {"ObjectCreated": CREATED, "ObjectRemoved": REMOVED, "LifecycleExpiration": REMOVED}
EVENTBRIDGE_KINDS = {"Object Created": CREATED, "Object Deleted": REMOVED}
MAX_SIZE = 2**63 - 1
"""PostgreSQL's bigint; S3 objects are far smaller."""


class InvalidEvent(MessageError):
    """A message that is not an S3 event, with the reason for the dead-letter queue."""


@dataclass(frozen=True)
class ObjectEvent:
    """A change of one object. Removed objects have neither etag nor size."""

    kind: str
    bucket: str
    key: str
    sequencer: str = ""
    etag: str = ""
    size: int = 0
    version_id: str = ""

    def is_after(self, other: ObjectEvent) -> bool:
        """True for the later of two events of a key: by sequencer, else by arrival."""
        return not (self.sequencer and other.sequencer) or self.sequencer > other.sequencer


def parse_events(body: str) -> list[ObjectEvent]:
    """The events of a message; none for S3's test event and SNS's own messages.

    Raises InvalidEvent.
    """
    message = _json_object(body)
    # SNS wraps the event as text in "Message", unless raw message delivery is on. Its other types are about
    # subscriptions.
    if "Type" in message and "TopicArn" in message:
        if message["Type"] != "Notification":
            return []
        return parse_events(str(message.get("Message", "")))
    if message.get("source") == "aws.s3" and "detail" in message:
        return list(_eventbridge_event(message))
    # S3's test event, sent once when a notification is configured, without Records.
    if message.get("Event") == "s3:TestEvent":
        return []
    if not isinstance(message.get("Records"), list):
        raise InvalidEvent(gettext_noop("The message has no Records, so it is not an S3 notification."))
    return [event for record in message["Records"] for event in _record_event(record)]


def pad_sequencer(sequencer: object) -> str:
    """A sequencer with leading zeros.

    Sequencers are hexadecimal, and the shorter of two is padded with zeros to compare them (AWS, "Event message
    structure").
    """
    text = str(sequencer or "").upper()
    return text.rjust(32, "0") if SEQUENCER.fullmatch(text) else ""


def _checked(text: str, limit: int, name: str) -> str:
    """The text, unless it cannot be from S3 or stored: `limit` is in bytes of UTF-8."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        template = gettext_noop("The %(name)s of a record is not valid text: %(error)s.")
        raise InvalidEvent(template, name=name, error=str(error)) from error
    if "\0" in text:
        raise InvalidEvent(
            gettext_noop("The %(name)s of a record contains a NUL character, which cannot be stored."), name=name
        )
    if size > limit:
        raise InvalidEvent(
            gettext_noop("The %(name)s of a record has %(size)s bytes; S3 allows %(limit)s."),
            name=name,
            size=f"{size:,}",
            limit=f"{limit:,}",
        )
    return text


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    # RecursionError, since a few thousand opening brackets suffice, which anyone with access to the queue can send.
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(gettext_noop("The message is not JSON: %(error)s."), error=str(error)) from error
    if not isinstance(content, dict):
        raise InvalidEvent(gettext_noop("The message is JSON, but not an object."))
    return content


def _text(value: object) -> str:
    """The text; raises TypeError for others, since str() would turn null into "None"."""
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _record_event(record: Any) -> Iterator[ObjectEvent]:
    try:
        version, name = str(record["eventVersion"]), str(record["eventName"])
        item = record["s3"]["object"]
        # S3 encodes keys as in forms, a space as "+" (AWS, "Event message structure").
        bucket, key = _text(record["s3"]["bucket"]["name"]), unquote_plus(_text(item["key"]), errors="strict")
    except KeyError as error:
        template = gettext_noop("A record of the message is not an S3 event: %(field)s is missing.")
        raise InvalidEvent(template, field=error.args[0]) from error
    except (TypeError, IndexError) as error:
        raise InvalidEvent(
            gettext_noop("A record of the message is not an S3 event: its structure is different.")
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidEvent(gettext_noop("The key of a record is not UTF-8: %(error)s."), error=str(error)) from error
    # Minor versions only add fields according to AWS; a major one may change their meaning.
    if not version.startswith("2."):
        template = gettext_noop("The message has event version %(version)s; only 2.x is supported.")
        raise InvalidEvent(template, version=version)
    # Messages of S3 omit the prefix of "s3:ObjectCreated:Put", the name in a notification's configuration.
    kind = EVENT_KINDS.get(name.removeprefix("s3:").partition(":")[0])
    if kind:
        yield _event(kind, bucket, key, item, etag="eTag", version="versionId")


def _eventbridge_event(message: Mapping[str, Any]) -> Iterator[ObjectEvent]:
    try:
        item, bucket = message["detail"]["object"], _text(message["detail"]["bucket"]["name"])
        key = _text(item["key"])  # not URL-encoded, unlike in S3's own events
    except KeyError as error:
        template = gettext_noop("The EventBridge message is not an S3 event: %(field)s is missing.")
        raise InvalidEvent(template, field=error.args[0]) from error
    except TypeError as error:
        raise InvalidEvent(
            gettext_noop("The EventBridge message is not an S3 event: its structure is different.")
        ) from error
    kind = EVENTBRIDGE_KINDS.get(str(message.get("detail-type")))
    if kind:
        yield _event(kind, bucket, key, item, etag="etag", version="version-id")


def _event(kind: str, bucket: str, key: str, item: Mapping[str, Any], *, etag: str, version: str) -> ObjectEvent:
    _checked(bucket, 63, "bucket")
    _checked(key, 1_024, "key")
    sequencer, version_id = pad_sequencer(item.get("sequencer")), str(item.get(version) or "")
    _checked(version_id, 1_024, "version")
    if kind == REMOVED:
        return ObjectEvent(kind, bucket, key, sequencer)
    size = item.get("size", 0)
    size = size if isinstance(size, int) else 0
    if not 0 <= size <= MAX_SIZE:
        raise InvalidEvent(gettext_noop("The size of a record is not a valid object size."))
    return ObjectEvent(
        kind,
        bucket,
        key,
        sequencer,
        etag=_checked(str(item.get(etag) or "").strip('"'), 100, "etag"),
        size=size,
        # "null" is S3's version ID of an object that was stored before versioning was enabled.
        version_id="" if version_id == "null" else version_id,
    )
