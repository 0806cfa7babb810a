"""Options of sinks by channel, as stored in `Sink.options`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from analysis.delivery.channels.image_bodies import Form

KILOBYTE = 1_024
MAX_KILOBYTES = 256
"""Size that every queue, topic and bus accepts. Larger messages have to be allowed in AWS first."""
KeyAttribute = Literal["ImageID", "filename"]


@dataclass(frozen=True)
class SinkOptions:
    """Base of the options of each channel."""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """The options of a sink, without unknown ones, which are of another version."""
        names = {field.name for field in fields(cls)}
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
        return cls(**{name: value for name, value in values.items() if name in names})

    def stored(self) -> dict[str, Any]:
        """The options as JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class MessageOptions(SinkOptions):
    """Options of a queue, topic or bus.

    `kilobytes`: maximum size of a message. `region`: if empty, that of the address, or AWS_REGION.
    """

    region: str = ""
    form: Form = "full"
    kilobytes: int = MAX_KILOBYTES

    @property
    def max_bytes(self) -> int:
        return self.kilobytes * KILOBYTE


@dataclass(frozen=True)
class BusOptions(MessageOptions):
    """Options of an EventBridge bus. `source`: for the filters of rules."""

    source: str = "imagelib"


@dataclass(frozen=True)
class TableOptions(SinkOptions):
    """Options of a DynamoDB table. `key`: its partition key."""

    region: str = ""
    key: KeyAttribute = "ImageID"
    form: Form = "simple"


@dataclass(frozen=True)
class TagOptions(SinkOptions):
    """Labels that become tags of objects in S3.

    `labels`: names of labels; if empty, all labels of these `kinds`. `max_tags`: limit of imagelib's own tags.
    """

    tag_prefix: str = "imagelib:"
    labels: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("label", "moderation")
    min_confidence: int = 80
    max_tags: int = 5


@dataclass(frozen=True)
class WebhookOptions(SinkOptions):
    """Options of a webhook, which has none."""
