"""Items of an Amazon DynamoDB table, one for each picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from analysis.aws import dynamodb
from analysis.aws.errors import AWSError
from analysis.aws.shared_clients import shared_client
from analysis.delivery.base import Channel, Message, Outcome
from analysis.delivery.channels.aws_outcomes import outcome_of
from analysis.delivery.channels.image_bodies import omissions, rekognition_labels, with_simple_labels
from analysis.delivery.sink_options import TableOptions
from analysis.delivery.size_limit import LISTS, Document, shorten

SEQUENCE = "sequence"
"""Attribute with the time of the message in microseconds, so that an older message never replaces a newer item."""
SIMPLE_LISTS = ("labels", "faces", "celebrities")
TEST_KEY = "imagelib-test"


@dataclass(frozen=True)
class DynamoDBChannel(Channel):
    table: str
    region: str
    options: TableOptions

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return [self._send(message) for message in messages]

    def _send(self, message: Message) -> Outcome:
        try:
            client = shared_client("dynamodb", region=self.region)
            if "image" not in message.payload:
                return self._check(client)
            return self._put(client, message)
        except AWSError as error:
            return outcome_of(error, action=dynamodb.ACTION)

    def _check(self, client: Any) -> Outcome:
        """Test that items can be written, without writing one."""
        key = self.options.key
        dynamodb.check_item(client, self.table, {key: TEST_KEY}, key=key)
        return Outcome(note=_("imagelib can write to the table. The test wrote nothing."))

    def _put(self, client: Any, message: Message) -> Outcome:
        def item(image: Document, omitted: Mapping[str, int]) -> dict[str, Any]:
            return item_of(image, omitted, form=self.options.form, created_at=message.created_at)

        image, is_simple = message.payload["image"], self.options.form == "simple"
        shortened = shorten(
            with_simple_labels(image) if is_simple else image,
            limit=dynamodb.ITEM_BYTES,
            size=lambda image, omitted: dynamodb.item_size(item(image, omitted)),
            lists=SIMPLE_LISTS if is_simple else LISTS,
        )
        if shortened is None:
            return Outcome(_("The result is too large for a DynamoDB item."), is_permanent=True)
        values = item(shortened.document, shortened.omitted)
        if dynamodb.put_item(client, self.table, values, sequence=SEQUENCE):
            return Outcome(note=shortened.note)
        return Outcome(note=_("The table has a newer item for this picture, which was kept."))


def item_of(image: Document, omitted: Mapping[str, int], *, form: str, created_at: datetime) -> dict[str, Any]:
    """A picture as an item: see docs/sinks.md."""
    item = {"ImageID": str(image["id"]), "filename": image["file_name"], SEQUENCE: _microseconds(created_at)}
    if form == "simple":
        item |= {
            "labels": rekognition_labels(image),
            "faces": [_rekognition_face(face) for face in image.get("faces") or []],
            "celebrities": [_rekognition_celebrity(celebrity) for celebrity in image.get("celebrities") or []],
        }
    else:
        item = {**image, **item}
    return {**item, "omitted": omissions(omitted), "url": image["url"]} if omitted else item


def _rekognition_face(face: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Confidence": face["confidence"],
        "AgeRange": {"Low": face["age_low"], "High": face["age_high"]},
        "Gender": face["gender"],
        "Smile": face["smile"],
        "Emotions": [{"Type": emotion["type"], "Confidence": emotion["confidence"]} for emotion in face["emotions"]],
    }


def _rekognition_celebrity(celebrity: Mapping[str, Any]) -> dict[str, Any]:
    return {"Name": celebrity["name"], "Id": celebrity["id"], "MatchConfidence": celebrity["confidence"]}


def _microseconds(moment: datetime) -> int:
    # Without the float's fraction, which is not exact to the microsecond.
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
