"""Alerts of a user: create, change, pause, test, delete and restore."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis.delivery import alert_baseline, alert_schedule, documents, http_client, outbox
from analysis.delivery.signatures import new_secret
from analysis.models import Alert, Delivery, SavedSearch
from analysis.search.syntax.parser import parse
from imagelib.accounts.models import User

MAX_ALERTS = 100
"""Alerts of one user, since each change of a picture is compared with all alerts."""
MAX_NAME = 100
Channel, Frequency = Alert.Channel, Alert.Frequency
RESTORED = ("id", "owner_id", "saved_search_id", "channel", "frequency", "address", "secret", "is_active")
"""Columns that a deleted alert is restored from."""


@dataclass(frozen=True)
class AlertOptions:
    """Options of an alert: channel, address and frequency."""

    channel: str
    frequency: str = Frequency.AT_ONCE
    address: str = ""
    """URL of a webhook; email is only sent to the address of the account."""


class AlertRefused(Exception):
    """An alert cannot be saved. `field`: the invalid option."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def create(owner: User, search: SavedSearch, options: AlertOptions) -> Alert:
    """Save an alert; pictures that match already are never sent.

    Another user's shared search is copied first. Raises AlertRefused and InvalidQuery.
    """
    parse(search.query)
    options = _checked(owner, options)
    with transaction.atomic():
        # The owner's row is locked, so that two tabs can neither save the same alert nor exceed the limit.
        get_user_model().objects.select_for_update().filter(pk=owner.pk).first()
        own = Alert.objects.filter(owner=owner)
        if own.count() >= MAX_ALERTS:
            message = _("You've reached the limit of %(limit)s alerts. Delete one first.")
            raise AlertRefused(message % {"limit": MAX_ALERTS})
        # Copied, since its owner may change or delete it.
        search = search if search.owner_id == owner.pk else _copy(search, owner)
        _refuse_repeated(own.filter(saved_search=search), options)
        alert = Alert.objects.create(owner=owner, saved_search=search, **_columns(options))
        alert_baseline.renew(alert.pk)
    alert.refresh_from_db()
    return alert


def change(alert: Alert, options: AlertOptions) -> None:
    """Change the options of an alert. Raises AlertRefused."""
    options = _checked(alert.owner, options)
    others = Alert.objects.filter(saved_search_id=alert.saved_search_id).exclude(pk=alert.pk)
    columns = _columns(options, secret=alert.secret)
    if (alert.channel, alert.address) != (options.channel, options.address):
        columns |= {"last_error": "", "failures": 0, "retry_at": None}  # these are of the previous receiver
    with transaction.atomic():
        _refuse_repeated(others, options)
        Alert.objects.filter(pk=alert.pk).update(**columns)
        if alert.next_message_at:
            moments = alert_schedule.next_message_times([alert.pk], now=now())
            Alert.objects.filter(pk=alert.pk).update(next_message_at=moments[alert.pk])
    alert.refresh_from_db()


def pause(alert: Alert) -> None:
    """Pause an alert. Nothing is sent until it is resumed."""
    outbox.disable(alert)


def resume(alert: Alert) -> None:
    """Resume an alert that was paused, or disabled by its receiver.

    Pictures that began to match in the meantime are not sent.
    """
    with transaction.atomic():
        alert_baseline.renew(alert.pk)
        outbox.enable(alert)


def renew_secret(alert: Alert) -> None:
    """Replace the signing secret, from the next message on."""
    Alert.objects.filter(pk=alert.pk, channel=Channel.WEBHOOK).update(secret=new_secret())


def add_test(alert: Alert) -> Delivery:
    """Queue a test message, which is tried once.

    The caller sends the task. Raises AlertRefused.
    """
    if not alert.is_active:
        raise AlertRefused(_("Not sent: the alert is paused. Resume it first."))
    search = documents.search_document(name=alert.saved_search.name, query=alert.saved_search.query)
    with transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(retry_at=None)  # even if the receiver just failed
        delivery = Delivery(alert=alert, kind=Delivery.Kind.TEST, payload=documents.test_message(search))
        [added] = outbox.add([delivery], give_up_after=timedelta(0))
    return added


def delete(alert: Alert) -> dict[str, Any]:
    """Delete an alert with its history; returns values by which it can be restored."""
    values = {name: getattr(alert, name) for name in RESTORED}
    alert.delete()
    return values


def restore(values: dict[str, Any]) -> Alert:
    """Restore a deleted alert, without its history.

    Raises IntegrityError if it exists, or its saved search does not.
    """
    with transaction.atomic():
        alert = Alert.objects.create(**values)
        alert_baseline.renew(alert.pk)
    return alert


def _checked(owner: User, options: AlertOptions) -> AlertOptions:
    """Validate options, and drop those of other channels. Raises AlertRefused."""
    if options.channel == Channel.EMAIL:
        if not owner.email:
            message = _("Your account has no email address. Add one on the account page.")
            raise AlertRefused(message, field="channel")
        return AlertOptions(options.channel, options.frequency)
    if error := http_client.address_error(options.address):
        raise AlertRefused(error, field="address")
    return options


def _columns(options: AlertOptions, *, secret: str = "") -> dict[str, Any]:
    is_signed = options.channel == Channel.WEBHOOK
    columns = {"channel": options.channel, "frequency": options.frequency, "address": options.address}
    return columns | {"secret": (secret or new_secret()) if is_signed else ""}


def _refuse_repeated(alerts: QuerySet[Alert], options: AlertOptions) -> None:
    """Raise AlertRefused if one of these alerts has the same search and address."""
    if alerts.filter(channel=options.channel, address=options.address).exists():
        raise AlertRefused(_("You already have this alert. Change its frequency instead of adding another one."))


def _copy(search: SavedSearch, owner: User) -> SavedSearch:
    """Copy a saved search, under its name or one with a number."""
    own = SavedSearch.objects.filter(owner=owner)
    similar = own.filter(Q(name__iexact=search.name) | Q(name__istartswith=f"{search.name[: MAX_NAME - 5]} ("))
    if existing := similar.filter(query=search.query).order_by("pk").first():
        return existing
    names = {name.lower() for name in similar.values_list("name", flat=True)}
    candidates = (search.name, *(f"{search.name[: MAX_NAME - 5]} ({number})" for number in range(2, 999)))
    name = next(name for name in candidates if name.lower() not in names)
    return SavedSearch.objects.create(owner=owner, name=name, query=search.query, density=search.density)
