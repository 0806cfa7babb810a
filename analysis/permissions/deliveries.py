"""Access rules about exports, alerts, sinks and their messages."""

from __future__ import annotations

from django.db.models import QuerySet

from analysis.models import Alert, Delivery, Export
from analysis.permissions.base import AnyUser, Codename, is_staff_with


def viewable_exports(user: AnyUser) -> QuerySet[Export]:
    """The user's own exports."""
    # Not even staff see other people's exports, which contain what only their owner may see.
    return Export.objects.filter(owner_id=user.pk)


def viewable_alerts(user: AnyUser) -> QuerySet[Alert]:
    """The user's own alerts."""
    # Not even staff see other people's alerts, whose addresses and secrets allow writing to a receiver.
    return Alert.objects.filter(owner_id=user.pk)


def viewable_deliveries(user: AnyUser) -> QuerySet[Delivery]:
    """Messages of the user's own alerts, and of sinks if the user can manage sinks."""
    deliveries = Delivery.objects.filter(alert__owner_id=user.pk)
    return deliveries | Delivery.objects.exclude(sink=None) if can_manage_sinks(user) else deliveries


def can_manage_sinks(user: AnyUser) -> bool:
    """Staff only.

    Sinks are about everyone's pictures, and use the server's AWS credentials.
    """
    return is_staff_with(user, Codename.CHANGE_SINK)
