"""Alerts of the caller: settings, preview, test, and messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from ninja import Field, Router, Schema
from ninja.decorators import decorate_view

from analysis import permissions, pipeline
from analysis.api import pagination
from analysis.api.authentication import READ, WRITE, token_of
from analysis.api.idempotency import idempotent
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.request_body import RequestBody, RowId
from analysis.api.responses import json_response
from analysis.delivery import alert_preview
from analysis.delivery import alerts as domain
from analysis.delivery.alert_preview import DAYS, MAX_PICTURES
from analysis.delivery.alerts import AlertOptions
from analysis.models import Alert, Delivery, SavedSearch
from analysis.web.alerts.forms import MAX_ADDRESS
from analysis.web.alerts.rows import receiver_of
from analysis.web.saved_searches import visible

router = Router(tags=["Alerts"])
ChannelName = Literal["email", "slack", "webhook"]
FrequencyName = Literal["at_once", "hourly", "daily", "weekly"]
Address = Annotated[str, Field(max_length=MAX_ADDRESS, description="URL of a Slack or other webhook; not for email.")]


class AlertSearch(Schema):
    id: int
    name: str
    query: str


class AlertOut(Schema):
    id: int
    search: AlertSearch
    channel: ChannelName
    frequency: FrequencyName
    receiver: Annotated[str, Field(description="The email address, or the host of the webhook.")]
    secret: Annotated[str | None, Field(description="Signs the messages to a webhook. Only in the response to POST.")]
    is_active: bool
    last_error: Annotated[str, Field(description="Why it was disabled, or why the last attempt failed.")]
    only_new_images: Annotated[bool, Field(description="Too many images matched, so only those added later are sent.")]
    next_message_at: datetime | None
    created_at: datetime


class AlertList(Schema):
    items: list[AlertOut]
    next: str


class NewAlert(RequestBody):
    """An alert on one of your saved searches, or on a copy of a shared one."""

    search: RowId
    channel: ChannelName
    frequency: FrequencyName = "at_once"
    address: Address = ""


class AlertChanges(RequestBody):
    channel: ChannelName | None = None
    frequency: FrequencyName | None = None
    address: Address | None = None


class PreviewRequest(RequestBody):
    search: RowId
    channel: ChannelName
    frequency: FrequencyName = "at_once"


class PreviewOut(Schema):
    """Messages that an alert would have sent. `pictures` is at most 10,000."""

    days: int
    messages: int
    pictures: int
    is_capped: bool
    image_ids: Annotated[list[int], Field(description="The newest ones.")]


class DeliveryOut(Schema):
    id: UUID
    kind: Literal["matches", "test"]
    state: Literal["waiting", "delivered", "failed"]
    image_id: int | None
    count: Annotated[int, Field(description="Images that the message is about.")]
    attempts: int
    error: str
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None


class DeliveryList(Schema):
    items: list[DeliveryOut]
    next: str


@router.get("/alerts", response=AlertList, auth=READ, url_name="alerts")
def list_alerts(request: HttpRequest, cursor: CursorParam, limit: LimitParam) -> dict[str, Any]:
    """Your alerts, the latest first."""
    page, following = pagination.page_by_id(_rows(request), cursor=cursor, limit=limit, of="alerts")
    return {"items": [_out(alert) for alert in page], "next": following}


@router.post("/alerts", response={201: AlertOut}, auth=WRITE, url_name="alerts")
@decorate_view(idempotent)
def create_alert(request: HttpRequest, alert: NewAlert) -> HttpResponse:
    """Send new matches of a saved search. Images that match already are not sent."""
    options = AlertOptions(alert.channel, alert.frequency, alert.address)
    created = domain.create(token_of(request).user, _search(request, alert.search), options)
    location = request.build_absolute_uri(reverse("api-v1:alert", args=[created.pk]))
    content = _out(created).model_dump() | {"secret": created.secret or None}
    return json_response(content, status=201, location=location)


@router.post("/alerts/preview", response=PreviewOut, auth=READ)
def preview_alert(request: HttpRequest, alert: PreviewRequest) -> PreviewOut:
    """Estimate what an alert would have sent in the last 30 days."""
    options = AlertOptions(alert.channel, alert.frequency)
    query, owner = _search(request, alert.search).query, token_of(request).user
    estimate = alert_preview.preview(query, options, owner=owner, now=now())
    return PreviewOut(
        days=DAYS,
        messages=estimate.messages,
        pictures=estimate.pictures,
        is_capped=estimate.pictures >= MAX_PICTURES,
        image_ids=estimate.image_ids,
    )


@router.get("/alerts/{int:alert_id}", response=AlertOut, auth=READ, url_name="alert")
def get_alert(request: HttpRequest, alert_id: int) -> AlertOut:
    """One alert."""
    return _out(_own(request, alert_id))


@router.patch("/alerts/{int:alert_id}", response=AlertOut, auth=WRITE, url_name="alert")
def change_alert(request: HttpRequest, alert_id: int, changes: AlertChanges) -> AlertOut:
    """Change the channel, address or frequency of an alert."""
    with transaction.atomic():
        # Locked, so that two changes of different fields do not undo each other.
        alert: Alert = get_object_or_404(_rows(request).select_for_update(of=("self",)), pk=alert_id)
        present = {"channel": alert.channel, "frequency": alert.frequency, "address": alert.address}
        domain.change(alert, AlertOptions(**present | changes.model_dump(exclude_none=True)))
    return _out(_own(request, alert_id))


@router.delete("/alerts/{int:alert_id}", response={204: None}, auth=WRITE, url_name="alert")
def delete_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Delete an alert with its history."""
    domain.delete(_own(request, alert_id))
    return HttpResponse(status=204)


@router.post("/alerts/{int:alert_id}/pause", response=AlertOut, auth=WRITE)
def pause_alert(request: HttpRequest, alert_id: int) -> AlertOut:
    """Pause an alert. Nothing is sent until it is resumed."""
    domain.pause(_own(request, alert_id))
    return _out(_own(request, alert_id))


@router.post("/alerts/{int:alert_id}/resume", response=AlertOut, auth=WRITE)
def resume_alert(request: HttpRequest, alert_id: int) -> AlertOut:
    """Resume an alert. Images that started to match while it was paused are not sent."""
    domain.resume(_own(request, alert_id))
    return _out(_own(request, alert_id))


@router.post("/alerts/{int:alert_id}/test", response={202: DeliveryOut}, auth=WRITE)
def test_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Send a test message. Its outcome appears among the deliveries in a moment."""
    alert = _own(request, alert_id)
    added = pipeline.test_alert(alert)
    return json_response(_delivery(_deliveries(alert).get(pk=added.pk)).model_dump(), status=202)


@router.get("/alerts/{int:alert_id}/deliveries", response=DeliveryList, auth=READ)
def list_deliveries(request: HttpRequest, alert_id: int, cursor: CursorParam, limit: LimitParam) -> dict[str, Any]:
    """Messages of an alert, the latest first."""
    rows = _deliveries(_own(request, alert_id))
    page, following = pagination.page_by_id(rows, cursor=cursor, limit=limit, of="deliveries")
    return {"items": [_delivery(delivery) for delivery in page], "next": following}


@router.post("/alerts/{int:alert_id}/deliveries/{uuid:delivery_id}/send-again", response=DeliveryOut, auth=WRITE)
def send_delivery_again(request: HttpRequest, alert_id: int, delivery_id: UUID) -> DeliveryOut:
    """Send a failed message again; others are not changed."""
    own = _deliveries(_own(request, alert_id)).filter(delivery_id=delivery_id)
    get_object_or_404(own)
    pipeline.send_again(Delivery.objects.filter(delivery_id=delivery_id))
    return _delivery(own.get())


def _rows(request: HttpRequest) -> Any:
    return permissions.viewable_alerts(request.user).select_related("saved_search", "owner")


def _own(request: HttpRequest, alert_id: int) -> Alert:
    alert: Alert = get_object_or_404(_rows(request), pk=alert_id)
    return alert


def _search(request: HttpRequest, search_id: int) -> SavedSearch:
    return get_object_or_404(visible(token_of(request).user_id), pk=search_id)


def _deliveries(alert: Alert) -> Any:
    # Of the payload, which may be large, only the count is read.
    return Delivery.objects.filter(alert=alert).defer("payload").annotate(count=KT("payload__count"))


def _out(alert: Alert) -> AlertOut:
    names = ("id", "channel", "frequency", "is_active", "last_error", "next_message_at", "created_at")
    search = alert.saved_search
    return AlertOut(
        search=AlertSearch(id=search.pk, name=search.name, query=search.query),
        receiver=receiver_of(alert),
        secret=None,
        only_new_images=alert.after_image_id > 0,
        **{name: getattr(alert, name) for name in names},
    )


def _delivery(delivery: Any) -> DeliveryOut:
    names = ("kind", "state", "image_id", "attempts", "error", "created_at", "finished_at")
    is_waiting = delivery.state == Delivery.State.WAITING
    return DeliveryOut(
        id=delivery.delivery_id,
        count=int(delivery.count or 0),
        next_attempt_at=delivery.next_attempt_at if is_waiting else None,
        **{name: getattr(delivery, name) for name in names},
    )
