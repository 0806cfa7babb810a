"""Sends the messages of the outbox."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.utils.translation import gettext as _

from analysis import jobs
from analysis.delivery import alert_visibility, outbox, sink_matching
from analysis.delivery.base import Channel, Message, Outcome
from analysis.delivery.registry import channel_of
from analysis.metrics.counters import count_deliveries
from analysis.models import Alert, Delivery, Sink

logger = logging.getLogger(__name__)

RUN_SECONDS = 60.0
"""Time after which a task ends and is sent again."""
THREADS = 8
"""Parallel requests, which spend most of their time waiting for receivers."""
Batch = tuple[Channel, list[Delivery]]


def send_due() -> bool:
    """Send due messages; True if the time ran out before all were sent."""
    return jobs.run_for(RUN_SECONDS, send_some)


def send_some() -> bool:
    """Send one step of due messages; False if there were none."""
    claimed = outbox.claim()
    if not claimed:
        return False
    refused = _refused(claimed)
    batches = list(_batches([delivery for delivery in claimed if delivery not in refused]))
    # Channels do not use the database: Django would not close the connections of these threads.
    with ThreadPoolExecutor(THREADS) as threads:
        outcomes = list(threads.map(_send, batches))
    results = [
        pair
        for (_channel, deliveries), results in zip(batches, outcomes, strict=True)
        for pair in zip(deliveries, results, strict=True)
    ]
    outbox.save_outcomes([*results, *refused.items()])
    return True


def _refused(claimed: Sequence[Delivery]) -> dict[Delivery, Outcome]:
    """Messages that may no longer be sent; removes hidden pictures from others.

    Messages may be sent days after they were written.
    """
    hidden = Outcome(_("Not sent: you can no longer see its pictures."), is_permanent=True)
    gone = Outcome(_("Not sent: the picture was deleted, or is in the trash."), is_permanent=True)
    of_alerts = dict.fromkeys(alert_visibility.hide_images(claimed), hidden)
    return of_alerts | dict.fromkeys(sink_matching.without_image(claimed), gone)


def _batches(deliveries: Sequence[Delivery]) -> Iterator[Batch]:
    """The messages by receiver, in batches of its channel's size."""
    by_receiver: dict[Alert | Sink, list[Delivery]] = {}
    for delivery in deliveries:
        by_receiver.setdefault(outbox.receiver_of(delivery), []).append(delivery)
    for receiver, own in by_receiver.items():
        channel = channel_of(receiver)
        for start in range(0, len(own), channel.batch_size):
            yield channel, own[start : start + channel.batch_size]


def _send(batch: Batch) -> list[Outcome]:
    outcomes = _outcomes(batch)
    delivered = sum(outcome.is_delivered for outcome in outcomes)
    name = type(batch[0]).__name__.removesuffix("Channel").lower()
    count_deliveries(name, delivered=delivered, failed=len(outcomes) - delivered)
    return outcomes


def _outcomes(batch: Batch) -> list[Outcome]:
    channel, deliveries = batch
    try:
        return channel.send([_message(delivery) for delivery in deliveries])
    # A bug in one channel must not keep the outcomes of others from being saved.
    except Exception:
        logger.exception("%s failed", type(channel).__name__)
        return [Outcome(_("imagelib failed to send it. See the worker log."))] * len(deliveries)


def _message(delivery: Delivery) -> Message:
    return Message(str(delivery.delivery_id), delivery.kind, delivery.payload, delivery.created_at)
