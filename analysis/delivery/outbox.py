"""The queue of messages: due, delivered and failed ones.

Messages about the same picture are sent to a receiver in the order of their rows, at least once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis import leases
from analysis.delivery.base import Outcome
from analysis.models import Alert, Delivery, Sink

LEASE = timedelta(minutes=2)
"""Lifetime of a worker's claim, longer than one step of the sender."""
GIVE_UP_AFTER = timedelta(days=1)
MAX_CLAIMED = 50
STEP = 10_000
State = Delivery.State

# An earlier message about the same picture to the same receiver has to be sent first, even if by another worker.
# A time far ahead was written before the database's clock was set back, as in leases.has_passed.
_CLAIM = """
    UPDATE analysis_delivery SET attempts = attempts + 1, next_attempt_at = statement_timestamp() + %(lease)s::interval
    WHERE id IN (
        SELECT d.id FROM analysis_delivery d
        LEFT JOIN analysis_alert alert ON alert.id = d.alert_id
        LEFT JOIN accounts_user owner ON owner.id = alert.owner_id
        LEFT JOIN analysis_sink sink ON sink.id = d.sink_id
        WHERE d.state = 'waiting' AND (d.next_attempt_at <= statement_timestamp()
            OR d.next_attempt_at > statement_timestamp() + %(clock)s::interval)
        AND coalesce(alert.is_active AND owner.is_active, sink.is_active)
        AND coalesce(alert.retry_at, sink.retry_at, '-infinity') <= statement_timestamp()
        AND NOT EXISTS (
            SELECT FROM analysis_delivery earlier
            WHERE earlier.state = 'waiting' AND earlier.image_id = d.image_id AND earlier.id < d.id
            AND (earlier.sink_id = d.sink_id OR earlier.alert_id = d.alert_id))
        ORDER BY d.next_attempt_at, d.id LIMIT %(limit)s FOR UPDATE OF d SKIP LOCKED)
    RETURNING id
"""
# SQL, since bulk_create takes three times as long, and an alert may have hundreds of matches in one transaction.
_ADD = """
    INSERT INTO analysis_delivery
        (delivery_id, alert_id, sink_id, image_id, kind, payload, state, attempts, error, give_up_at)
    SELECT delivery_id, alert_id, sink_id, image_id, kind, payload, 'waiting', 0, '',
        statement_timestamp() + %s::interval
    FROM ROWS FROM (unnest(%s::uuid[]), unnest(%s::bigint[]), unnest(%s::bigint[]), unnest(%s::bigint[]),
                    unnest(%s::text[]), jsonb_array_elements(%s::jsonb)) WITH ORDINALITY
        AS added (delivery_id, alert_id, sink_id, image_id, kind, payload, position)
    ORDER BY position RETURNING id
"""


def add(deliveries: Iterable[Delivery], *, give_up_after: timedelta = GIVE_UP_AFTER) -> list[Delivery]:
    """Save new messages; the sweeper starts the sender."""
    rows = list(deliveries)
    columns: list[list[Any]] = [
        [row.delivery_id for row in rows],
        [row.alert_id for row in rows],
        [row.sink_id for row in rows],
        [row.image_id for row in rows],
        [row.kind for row in rows],
    ]
    # As one JSON text, since psycopg would escape the texts of an array letter by letter.
    payloads = json.dumps([row.payload for row in rows], ensure_ascii=False)
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [str(give_up_after), *columns, payloads])
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
    return rows


def is_due() -> bool:
    """True if any message can be sent now."""
    due = leases.due(Delivery.objects.filter(state=State.WAITING))
    has_owner = Q(alert__owner__is_active=True)
    return due.filter(_can_receive("alert") & has_owner | _can_receive("sink")).exists()


def claim(limit: int = MAX_CLAIMED) -> list[Delivery]:
    """Claim messages for this worker, those due longest first."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"lease": str(LEASE), "clock": str(leases.CLOCK_CHANGE), "limit": limit})
        ids = [pk for (pk,) in cursor.fetchall()]
    rows = Delivery.objects.filter(pk__in=ids).select_related("alert__owner", "alert__saved_search", "sink")
    return list(rows.order_by("pk"))


def save_outcomes(results: Sequence[tuple[Delivery, Outcome]]) -> None:
    """Save the outcomes of claimed messages, and the state of their receivers."""
    with transaction.atomic():
        for delivery, outcome in results:
            _save_outcome(delivery, outcome)
        by_receiver: dict[Alert | Sink, list[Outcome]] = {}
        for delivery, outcome in results:
            by_receiver.setdefault(receiver_of(delivery), []).append(outcome)
        # In a fixed order, so that two workers do not deadlock.
        for receiver in sorted(by_receiver, key=lambda row: (type(row).__name__, row.pk)):
            _save_receiver(receiver, by_receiver[receiver])


def receiver_of(delivery: Delivery) -> Alert | Sink:
    receiver = delivery.alert or delivery.sink
    if receiver is None:
        raise ValueError(f"Delivery {delivery.pk} has no receiver.")
    return receiver


def send_again(deliveries: QuerySet[Delivery]) -> int:
    """Queue failed messages again, due now; returns their number.

    Those with outdated tags are closed instead. The sweeper starts the sender.
    """
    failed = deliveries.filter(state=State.FAILED)
    _close_outdated_tags(failed)
    for model in (Alert, Sink):
        model._default_manager.filter(deliveries__in=failed, retry_at__gt=Now()).update(retry_at=None)
    fresh: dict[str, Any] = {"attempts": 0, "error": "", "finished_at": None}
    return failed.update(state=State.WAITING, next_attempt_at=Now(), give_up_at=Now() + GIVE_UP_AFTER, **fresh)


def _close_outdated_tags(failed: QuerySet[Delivery]) -> None:
    """Close messages whose tags would replace those of a newer message.

    Other receivers can tell by the time in the message, and DynamoDB's items are compared by it.
    """
    newer = Delivery.objects.filter(sink=OuterRef("sink"), image_id=OuterRef("image_id"), pk__gt=OuterRef("pk"))
    outdated = failed.filter(Exists(newer.filter(state=State.DELIVERED)), sink__channel=Sink.Channel.OBJECT_TAGS)
    note = _("Not sent again: a newer message about this picture has set the tags.")
    closed = Delivery.objects.filter(pk__in=outdated.values("pk"))
    closed.update(state=State.DELIVERED, error=note, finished_at=Now())


def enable(receiver: Alert | Sink) -> None:
    """Enable a receiver after a pause or after it was disabled."""
    receivers = type(receiver)._default_manager.filter(pk=receiver.pk)
    with transaction.atomic():
        receivers.update(is_active=True, last_error="", failures=0, retry_at=None)
        # They are retried for a day from now on, since the day may have passed during the pause.
        # Skipping those whose outcome is being saved, by someone who then waits for the receiver.
        waiting = receiver.deliveries.filter(state=State.WAITING).exclude(kind=Delivery.Kind.TEST)
        free = waiting.select_for_update(skip_locked=True).values("pk")
        Delivery.objects.filter(pk__in=free).update(give_up_at=Now() + GIVE_UP_AFTER)


def disable(receiver: Alert | Sink, *, last_error: str = "") -> None:
    """Disable a receiver; waiting messages are kept."""
    receivers = type(receiver)._default_manager.filter(pk=receiver.pk)
    receivers.update(is_active=False, last_error=last_error)


def delete_expired() -> None:
    """Delete messages finished DELIVERY_DAYS ago, in steps.

    Includes those waiting for a receiver that has been paused for as long.
    """
    limit = Now() - timedelta(days=settings.DELIVERY_DAYS)
    old = Delivery.objects.filter(finished_at__lt=limit).order_by("finished_at").values("pk")[:STEP]
    Delivery.objects.filter(pk__in=old).delete()
    is_paused = Q(alert__is_active=False) | Q(sink__is_active=False)
    unsent = Delivery.objects.filter(is_paused, state=State.WAITING, created_at__lt=limit)
    Delivery.objects.filter(pk__in=unsent.values("pk")[:STEP]).delete()


def _can_receive(receiver: str) -> Q:
    is_free = Q(**{f"{receiver}__retry_at": None}) | Q(**{f"{receiver}__retry_at__lte": Now()})
    return Q(**{f"{receiver}__is_active": True}) & is_free


def _save_outcome(delivery: Delivery, outcome: Outcome) -> None:
    # Only if this worker still has the claim: after its lease another one may have sent the message, too.
    own = Delivery.objects.filter(pk=delivery.pk, state=State.WAITING, attempts=delivery.attempts)
    if outcome.is_delivered:
        own.update(state=State.DELIVERED, error=outcome.note, finished_at=Now())
    elif outcome.is_permanent or outcome.is_gone or now() >= delivery.give_up_at:
        own.update(state=State.FAILED, error=outcome.error, finished_at=Now())
    else:
        own.update(error=outcome.error, next_attempt_at=Now() + leases.backoff(delivery.attempts))


def _save_receiver(receiver: Alert | Sink, outcomes: list[Outcome]) -> None:
    """Slow down for a receiver that rejected everything, and disable one that is gone."""
    receivers = type(receiver)._default_manager.filter(pk=receiver.pk)
    if any(outcome.is_gone for outcome in outcomes):
        disable(receiver, last_error=next(outcome.error for outcome in outcomes if outcome.is_gone))
    elif any(outcome.is_delivered for outcome in outcomes):
        receivers.filter(Q(failures__gt=0) | ~Q(last_error="")).update(failures=0, retry_at=None, last_error="")
    elif not all(outcome.is_permanent for outcome in outcomes):
        # Otherwise each of ten thousand messages to a receiver that is down would wait for the timeout.
        retry_at = Now() + leases.backoff(receiver.failures + 1)
        receivers.update(failures=F("failures") + 1, retry_at=retry_at, last_error=outcomes[0].error)
