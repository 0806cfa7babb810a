"""Rows of alerts, messages and pictures for the alert pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis import formatting
from analysis.models import Alert, Delivery, Image, Viewer
from analysis.web import links, sensitive
from analysis.web.library.cards import best_labels
from analysis.web.saved_searches import library_url_of

State = Delivery.State
STATES = {
    "active": gettext_lazy("Active"),
    "paused": gettext_lazy("Paused"),
    "disabled": gettext_lazy("Disabled by the receiver"),
}


@dataclass(frozen=True)
class AlertRow:
    id: str
    name: str
    query: str
    search_url: str
    channel: str
    frequency: str
    receiver: str
    """The address it sends to, without the secret part."""
    state: str
    state_label: str
    last_error: str
    next_message: str
    last_message: str
    last_exact: str
    is_signed: bool
    skips_old: bool
    """So many pictures matched at the start that only pictures added later are sent."""

    @property
    def is_active(self) -> bool:
        return self.state == "active"

    @property
    def resume_label(self) -> str:
        return _("Resume") if self.state == "paused" else _("Enable")


@dataclass(frozen=True)
class MessageRow:
    id: str
    title: str
    image_url: str
    state: str
    state_label: str
    error: str
    attempts: str
    next_attempt: str
    ago: str
    exact: str
    can_send_again: bool


@dataclass(frozen=True)
class Thumbnail:
    url: str
    thumb: str
    placeholder: str
    alt: str
    name: str
    is_blurred: bool


def alert_rows(alerts: QuerySet[Alert], *, now: datetime) -> list[AlertRow]:
    """Rows of alerts, sorted by the name of their search."""
    sent = Q(deliveries__state=State.DELIVERED)
    last = alerts.select_related("saved_search", "owner").annotate(last=Max("deliveries__finished_at", filter=sent))
    return [alert_row(alert, last=alert.last, now=now) for alert in last.order_by("saved_search__name", "pk")]


def alert_row(alert: Alert, *, last: datetime | None, now: datetime) -> AlertRow:
    state = "active" if alert.is_active else "disabled" if alert.last_error else "paused"
    return AlertRow(
        id=str(alert.pk),
        name=alert.saved_search.name,
        query=alert.saved_search.query,
        search_url=library_url_of(alert.saved_search),
        channel=str(Alert.Channel(alert.channel).label),
        frequency=str(Alert.Frequency(alert.frequency).label),
        receiver=receiver_of(alert),
        state=state,
        state_label=str(STATES[state]),
        last_error=alert.last_error,
        next_message=formatting.exact(alert.next_message_at) if alert.next_message_at and alert.is_active else "",
        last_message=formatting.ago(last, now=now) if last else "",
        last_exact=formatting.exact(last) if last else "",
        is_signed=alert.channel == Alert.Channel.WEBHOOK,
        skips_old=alert.after_image_id > 0,
    )


def message_rows(deliveries: QuerySet[Delivery], *, now: datetime) -> list[MessageRow]:
    """Rows of messages, without loading the message bodies."""
    counted = deliveries.defer("payload").annotate(count=KT("payload__count"))
    return [_message(delivery, int(delivery.count or 0), now=now) for delivery in counted]


def thumbnails(image_ids: Sequence[int], viewer: Viewer, *, blurs_sensitive: bool = True) -> list[Thumbnail]:
    """Thumbnails of the pictures that the viewer may see, in the given order."""
    visible = Image.objects.visible_to(viewer).in_bulk(image_ids)
    images = [visible[image_id] for image_id in image_ids if image_id in visible]
    labels = best_labels([image.pk for image in images])
    blurred = sensitive.sensitive_among(images) if blurs_sensitive else frozenset()
    return [
        Thumbnail(
            url=links.image_url(image.pk),
            thumb=links.rendition_url(image, "thumb"),
            placeholder=links.data_uri(image.placeholder),
            alt=", ".join(labels.get(image.pk, ())) or str(image),
            name=str(image),
            is_blurred=image.pk in blurred,
        )
        for image in images
    ]


def receiver_of(alert: Alert) -> str:
    """The host alone: the path of a webhook is its password."""
    if alert.channel == Alert.Channel.EMAIL:
        return alert.owner.email
    return alert.address.split("/")[2] if alert.address.count("/") >= 2 else ""


def _message(delivery: Delivery, number: int, *, now: datetime) -> MessageRow:
    moment = delivery.finished_at or delivery.created_at
    is_test = delivery.kind == Delivery.Kind.TEST
    return MessageRow(
        id=str(delivery.pk),
        title=_("Test message") if is_test else formatting.pictures(number),
        image_url=links.image_url(delivery.image_id) if delivery.image_id else "",
        state=delivery.state,
        state_label=str(State(delivery.state).label),
        error=delivery.error,
        attempts=_attempts(delivery),
        next_attempt=formatting.exact(delivery.next_attempt_at)
        if delivery.state == State.WAITING and delivery.error
        else "",
        ago=formatting.ago(moment, now=now),
        exact=formatting.exact(moment),
        # A failed test message is not sent again: a new test is one click away and shows the present state.
        can_send_again=delivery.state == State.FAILED and not is_test,
    )


def _attempts(delivery: Delivery) -> str:
    if delivery.attempts < 2:
        return ""
    text = ngettext("%(number)s attempt", "%(number)s attempts", delivery.attempts)
    return formatting.plural(text, delivery.attempts)
