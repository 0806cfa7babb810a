"""Deliveries page: messages to receivers, and why some failed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions
from analysis.delivery import alert_visibility, outbox
from analysis.models import Alert, Delivery, Image, Sink
from analysis.web import toasts
from analysis.web.http import Request, int_param, is_fragment
from analysis.web.links import with_parameters
from analysis.web.toasts import Toast

PAGE_SIZE = 50
COUNT_CAP = 10_000
MAX_SENT_AGAIN = 10_000
"""Maximum number of failed messages that one click queues again."""
State = Delivery.State


@dataclass(frozen=True)
class StateLink:
    label: str
    number: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class DeliveryRow:
    """A message for the template; `body` is its JSON document as text."""

    id: str
    delivery_id: str
    receiver: str
    picture: str
    picture_url: str
    state: str
    state_label: str
    error: str
    attempts: str
    ago: str
    exact: str
    next_attempt: str
    body: str


@require_safe
def deliveries(request: Request) -> HttpResponse:
    """Messages of the user's alerts, for staff also of sinks; newest first."""
    parameters = _parameters(request.GET)
    chosen = _chosen(request, parameters)
    before = int_param(request.GET.get("before", ""), maximum=2**62, minimum=0)
    page = chosen.filter(pk__lt=before) if before else chosen
    messages = list(page.select_related("alert__saved_search", "sink").order_by("-pk")[: PAGE_SIZE + 1])
    rows = _rows(request, messages[:PAGE_SIZE])
    context = {
        "rows": rows,
        "states": _states(request, parameters),
        "receiver": _receiver_name(messages, parameters),
        "parameters": parameters,
        "failed": chosen.filter(state=State.FAILED).exists(),
        "is_active": any(row.state == State.WAITING for row in rows),
        "is_first": not before,
        "address": with_parameters(reverse("deliveries"), before=before or "", **parameters),
        "first_url": with_parameters(reverse("deliveries"), **parameters),
        "more_url": with_parameters(reverse("deliveries"), before=messages[PAGE_SIZE - 1].pk, **parameters)
        if len(messages) > PAGE_SIZE
        else "",
    }
    if is_fragment(request):
        return render(request, "deliveries.html#rows", context)
    return render(request, "deliveries.html", context | {"toasts": toasts.take_toasts(request)})


@require_POST
def send_again(request: Request) -> HttpResponse:
    """Queue failed messages again: one of them, or all of a receiver."""
    parameters = _parameters(request.POST)
    failed = _chosen(request, parameters).filter(state=State.FAILED)
    if delivery_id := int_param(request.POST.get("delivery", ""), maximum=2**62, minimum=0):
        failed = failed.filter(pk=delivery_id)
    ids = list(failed.order_by("pk").values_list("pk", flat=True)[:MAX_SENT_AGAIN])
    number = outbox.send_again(Delivery.objects.filter(pk__in=ids))
    text = ngettext("Sending %(number)s message again.", "Sending %(number)s messages again.", number)
    toasts.add_toast(request, Toast(formatting.plural(text, number) if number else _("There are no failed messages.")))
    return redirect(with_parameters(reverse("deliveries"), **parameters))


def _parameters(query: QueryDict) -> dict[str, str]:
    """The valid filters in the URL, also for hidden fields of forms."""
    state = query.get("state", "")
    numbers = {name: int_param(query.get(name, ""), maximum=2**31 - 1, minimum=0) for name in ("alert", "sink")}
    # As text without separators: the template would write 1,001.
    return {"state": state if state in State.values else "", **{name: str(pk or "") for name, pk in numbers.items()}}


def _chosen(request: Request, parameters: dict[str, str]) -> QuerySet[Delivery]:
    """The messages that match the filters and that the user may see."""
    conditions = {name: value for name, value in parameters.items() if value}
    return permissions.viewable_deliveries(request.user).filter(**conditions)


def _states(request: Request, parameters: dict[str, str]) -> list[StateLink]:
    """A link for each state, with its number of messages."""
    others = {name: value for name, value in parameters.items() if name != "state"}
    own = permissions.viewable_deliveries(request.user).filter(
        **{name: value for name, value in others.items() if value}
    )
    links = [StateLink(_("All"), "", with_parameters(reverse("deliveries"), **others), not parameters["state"])]
    for state in State:
        # Capped, since counting millions of messages would take seconds.
        number = own.filter(state=state).values("pk")[: COUNT_CAP + 1].count()
        if number or parameters["state"] == state:
            address = with_parameters(reverse("deliveries"), **others, state=state.value)
            text = formatting.capped_count(number, cap=COUNT_CAP)
            links.append(StateLink(str(state.label), text, address, parameters["state"] == state))
    return links


def _receiver_name(messages: list[Delivery], parameters: dict[str, str]) -> str:
    """The name of the receiver, if the page is filtered by one."""
    is_filtered = parameters["alert"] or parameters["sink"]
    return str(outbox.receiver_of(messages[0])) if is_filtered and messages else ""


def _rows(request: Request, messages: list[Delivery]) -> list[DeliveryRow]:
    ids = {delivery.image_id for delivery in messages if delivery.image_id is not None}
    visible = permissions.viewable_images(request.user).filter(pk__in=ids).only("pk", "filename")
    images = {image.pk: image for image in visible}
    # Also of messages that were sent: a picture may have been hidden since.
    for delivery in alert_visibility.hide_images(messages):
        delivery.payload = delivery.payload | {"images": []}
    return [_row(delivery, images.get(delivery.image_id or 0)) for delivery in messages]


def _row(delivery: Delivery, image: Image | None) -> DeliveryRow:
    moment = delivery.finished_at or delivery.created_at
    is_waiting = delivery.state == State.WAITING
    text = ngettext("%(number)s attempt", "%(number)s attempts", delivery.attempts)
    return DeliveryRow(
        id=str(delivery.pk),
        delivery_id=str(delivery.delivery_id),
        receiver=str(outbox.receiver_of(delivery)),
        picture=image.filename if image else "",
        picture_url=image.get_absolute_url() if image else "",
        state=delivery.state,
        state_label=_state_label(delivery),
        error=delivery.error,
        attempts=formatting.plural(text, delivery.attempts) if delivery.attempts else "",
        ago=formatting.ago(moment, now=now()),
        exact=formatting.exact(moment),
        next_attempt=formatting.exact(delivery.next_attempt_at) if is_waiting and delivery.attempts else "",
        body=json.dumps(delivery.payload, indent=2, ensure_ascii=False),
    )


def _state_label(delivery: Delivery) -> str:
    receiver: Alert | Sink = outbox.receiver_of(delivery)
    if delivery.state == State.WAITING and not receiver.is_active:
        return _("Waiting: the receiver is paused")
    return str(State(delivery.state).label)
