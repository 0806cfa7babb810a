"""What S3 says of objects, in each form in which it reaches a queue: by itself, through SNS, through EventBridge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

CREATED, REMOVED = "created", "removed"
SEQUENCER = re.compile("[0-9A-F]{1,32}")
KINDS = {"ObjectCreated": CREATED, "ObjectRemoved": REMOVED, "LifecycleExpiration": REMOVED}
BRIDGED = {"Object Created": CREATED, "Object Deleted": REMOVED}


LARGEST = 2**63 - 1
"""Bytes, far more than S3 takes: what the database can keep."""


class InvalidEvent(Exception):
    """Nothing that S3 says; str() is a sentence for whoever looks into the dead-letter queue."""


@dataclass(frozen=True)
class ObjectEvent:
    """News of one object. What was removed has neither etag nor size."""

    kind: str
    bucket: str
    key: str
    sequencer: str = ""
    etag: str = ""
    size: int = 0
    version_id: str = ""

    def is_after(self, other: ObjectEvent) -> bool:
        """Of two of the same key; without a sequencer nobody knows, so what came later counts."""
        return not (self.sequencer and other.sequencer) or self.sequencer > other.sequencer


def parse_events(body: str) -> list[ObjectEvent]:
    """The news in a message; none in S3's test and in what SNS says of itself. Raises Malformed."""
    said = _object(body, "The message")
    if "Type" in said and "TopicArn" in said:
        if said["Type"] != "Notification":
            return []
        return parse_events(str(said.get("Message", "")))
    if said.get("source") == "aws.s3" and "detail" in said:
        return list(_bridged(said))
    if said.get("Event") == "s3:TestEvent":
        return []
    if not isinstance(said.get("Records"), list):
        raise InvalidEvent("The message has no Records, so it is no notification of S3.")
    return [event for record in said["Records"] for event in _recorded(record)]


def pad_sequencer(sequencer: object) -> str:
    """Sequencers are hexadecimal and compared with the shorter one padded by zeros (AWS, "Event message structure")."""
    text = str(sequencer or "").upper()
    return text.rjust(32, "0") if SEQUENCER.fullmatch(text) else ""


def _check(text: str, maximum: int, what: str) -> str:
    """The text, if S3 can have said it: so many bytes of UTF-8."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidEvent(f"The {what} of a record is no text: {error}.") from error
    if "\0" in text:
        raise InvalidEvent(f"The {what} of a record contains a NUL character, which cannot be kept.")
    if size > maximum:
        raise InvalidEvent(f"The {what} of a record has {size:,} bytes; S3 allows {maximum:,}.")
    return text


def _object(text: str, what: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"{what} is no JSON: {error}.") from error
    if not isinstance(said, dict):
        raise InvalidEvent(f"{what} is JSON, but no object.")
    return said


def _recorded(record: Any) -> Iterator[ObjectEvent]:
    try:
        version, name = str(record["eventVersion"]), str(record["eventName"])
        told = record["s3"]["object"]
        bucket, key = str(record["s3"]["bucket"]["name"]), unquote_plus(str(told["key"]), errors="strict")
    except KeyError as error:
        raise InvalidEvent(f"A record of the message is not one of S3: it has no {error.args[0]}.") from error
    except (TypeError, IndexError) as error:
        raise InvalidEvent("A record of the message is not one of S3: it is built otherwise.") from error
    except UnicodeDecodeError as error:
        raise InvalidEvent(f"The key of a record is not UTF-8: {error}.") from error
    if not version.startswith("2."):
        raise InvalidEvent(f"The message has event version {version}; only 2.x is known.")
    kind = KINDS.get(name.removeprefix("s3:").partition(":")[0])
    if kind:
        yield _event(kind, bucket, key, told, etag="eTag", version="versionId")


def _bridged(said: Mapping[str, Any]) -> Iterator[ObjectEvent]:
    try:
        told, bucket = said["detail"]["object"], str(said["detail"]["bucket"]["name"])
        key = str(told["key"])  # as it is, not quoted
    except KeyError as error:
        raise InvalidEvent(f"The message of EventBridge is not one of S3: it has no {error.args[0]}.") from error
    except TypeError as error:
        raise InvalidEvent("The message of EventBridge is not one of S3: it is built otherwise.") from error
    kind = BRIDGED.get(str(said.get("detail-type")))
    if kind:
        yield _event(kind, bucket, key, told, etag="etag", version="version-id")


def _event(kind: str, bucket: str, key: str, told: Mapping[str, Any], *, etag: str, version: str) -> ObjectEvent:
    _check(bucket, 63, "bucket")
    _check(key, 1_024, "key")
    sequencer, version_id = pad_sequencer(told.get("sequencer")), str(told.get(version) or "")
    _check(version_id, 1_024, "version")
    if kind == REMOVED:
        return ObjectEvent(kind, bucket, key, sequencer)
    size = told.get("size", 0)
    size = size if isinstance(size, int) else 0
    if not 0 <= size <= LARGEST:
        raise InvalidEvent("The size of a record is none that an object can have.")
    return ObjectEvent(
        kind,
        bucket,
        key,
        sequencer,
        etag=_check(str(told.get(etag) or "").strip('"'), 100, "etag"),
        size=size,
        version_id="" if version_id == "null" else version_id,
    )
