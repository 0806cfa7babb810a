"""The channel of an alert or a sink."""

from __future__ import annotations

from collections.abc import Callable

from analysis.delivery.base import Channel
from analysis.delivery.channels.email import EmailChannel
from analysis.delivery.channels.slack import SlackChannel
from analysis.delivery.channels.webhook import WebhookChannel
from analysis.models import Alert, Sink

ALERT_CHANNELS: dict[str, Callable[[Alert], Channel]] = {
    Alert.Channel.EMAIL: lambda alert: EmailChannel(alert.owner.email),
    Alert.Channel.SLACK: lambda alert: SlackChannel(alert.address),
    Alert.Channel.WEBHOOK: lambda alert: WebhookChannel(alert.address, secret=alert.secret),
}
SINK_CHANNELS: dict[str, Callable[[Sink], Channel]] = {
    Sink.Channel.WEBHOOK: lambda sink: WebhookChannel(sink.address, secret=sink.secret),
}


def channel_of(receiver: Alert | Sink) -> Channel:
    """The channel that sends to this receiver."""
    if isinstance(receiver, Alert):
        return ALERT_CHANNELS[receiver.channel](receiver)
    return SINK_CHANNELS[receiver.channel](receiver)
