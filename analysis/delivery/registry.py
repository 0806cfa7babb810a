"""The channel of an alert or a sink."""

from __future__ import annotations

from collections.abc import Callable

from analysis.delivery.base import Channel
from analysis.delivery.channels.dynamodb import DynamoDBChannel
from analysis.delivery.channels.email import EmailChannel
from analysis.delivery.channels.eventbridge import EventBridgeChannel
from analysis.delivery.channels.object_tags import ObjectTagsChannel, TaggedBucket
from analysis.delivery.channels.slack import SlackChannel
from analysis.delivery.channels.sns import SnsChannel
from analysis.delivery.channels.sqs import SqsChannel
from analysis.delivery.channels.webhook import WebhookChannel
from analysis.delivery.sink_addresses import region_of
from analysis.delivery.sink_options import BusOptions, MessageOptions, TableOptions, TagOptions
from analysis.models import Alert, Bucket, Sink
from analysis.storage import originals


def object_tags_channel(sink: Sink) -> ObjectTagsChannel:
    """The channel that tags objects, with the buckets that allow it now."""
    return ObjectTagsChannel(taggable_buckets(), TagOptions.read(sink.options))


def taggable_buckets() -> tuple[TaggedBucket, ...]:
    """Buckets whose setting allows tags."""
    buckets = Bucket.objects.filter(may_tag=True).order_by("pk")
    return tuple(
        TaggedBucket(bucket.name, bucket.prefix, originals.region_of(bucket), originals.role_of(bucket))
        for bucket in buckets
    )


ALERT_CHANNELS: dict[str, Callable[[Alert], Channel]] = {
    Alert.Channel.EMAIL: lambda alert: EmailChannel(alert.owner.email),
    Alert.Channel.SLACK: lambda alert: SlackChannel(alert.address),
    Alert.Channel.WEBHOOK: lambda alert: WebhookChannel(alert.address, secret=alert.secret),
}
SINK_CHANNELS: dict[str, Callable[[Sink], Channel]] = {
    Sink.Channel.WEBHOOK: lambda sink: WebhookChannel(sink.address, secret=sink.secret),
    Sink.Channel.SQS: lambda sink: SqsChannel(sink.address, _region(sink), MessageOptions.read(sink.options)),
    Sink.Channel.SNS: lambda sink: SnsChannel(sink.address, _region(sink), MessageOptions.read(sink.options)),
    Sink.Channel.EVENTBRIDGE: lambda sink: EventBridgeChannel(
        sink.address, _region(sink), BusOptions.read(sink.options)
    ),
    Sink.Channel.DYNAMODB: lambda sink: DynamoDBChannel(sink.address, _region(sink), TableOptions.read(sink.options)),
    Sink.Channel.OBJECT_TAGS: object_tags_channel,
}


def channel_of(receiver: Alert | Sink) -> Channel:
    """The channel that sends to this receiver."""
    if isinstance(receiver, Alert):
        return ALERT_CHANNELS[receiver.channel](receiver)
    return SINK_CHANNELS[receiver.channel](receiver)


def _region(sink: Sink) -> str:
    return region_of(sink.channel, sink.address, option=sink.options.get("region", ""))
