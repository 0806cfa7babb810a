"""Messages of alerts sent on request: tests, and failed ones again."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from analysis import tasks
from analysis.delivery import alerts, outbox
from analysis.models import Alert, Delivery


def test_alert(alert: Alert) -> Delivery:
    """Send a test message."""
    with transaction.atomic():
        delivery = alerts.add_test(alert)
        tasks.send_deliveries.delay_on_commit()
    return delivery


def send_again(deliveries: QuerySet[Delivery]) -> int:
    """Send failed messages again; returns their number."""
    with transaction.atomic():
        number = outbox.send_again(deliveries)
        tasks.send_deliveries.delay_on_commit()
    return number
