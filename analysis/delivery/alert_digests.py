"""Writes digests: one message about the waiting matches of an alert."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from analysis import jobs
from analysis.delivery import documents, outbox
from analysis.models import Alert, Delivery, Viewer
from analysis.search.sql.conditions import visibility_filter

RUN_SECONDS = 60.0
MAX_IMAGES = 50
"""Pictures in one message, which also has the number of all."""

# Pictures that the owner of the alert may no longer see are left out.
_TAKE = """
    WITH taken AS (
        UPDATE analysis_alertmatch SET is_waiting = false WHERE alert_id = %s AND is_waiting RETURNING image_id),
    visible AS MATERIALIZED (
        SELECT i.id FROM taken JOIN analysis_image i ON i.id = taken.image_id
        WHERE i.trashed_at IS NULL AND {visible})
    SELECT (SELECT count(*) FROM visible), ARRAY(SELECT id FROM visible ORDER BY id DESC LIMIT %s)
"""


def is_due() -> bool:
    return _due().exists()


def compose_due() -> bool:
    """Write the messages that are due; True if the time ran out before."""
    return jobs.run_for(RUN_SECONDS, compose_one)


def compose_one() -> bool:
    """Write one message; False if none is due."""
    with transaction.atomic():
        # In one transaction with its matches, so that no match is in two messages. no_key, since new matches lock the
        # alert FOR KEY SHARE and need not wait.
        locked = _due().select_for_update(of=("self",), no_key=True, skip_locked=True)
        alert = locked.select_related("saved_search", "owner").order_by("next_message_at").first()
        if alert is None:
            return False
        number, image_ids = _take_waiting(alert)
        if number:
            outbox.add([_delivery(alert, number, image_ids)])
        Alert.objects.filter(pk=alert.pk).update(next_message_at=None)
    return True


def _due() -> QuerySet[Alert]:
    return Alert.objects.filter(is_active=True, owner__is_active=True, next_message_at__lte=Now())


def _take_waiting(alert: Alert) -> tuple[int, list[int]]:
    """The number of waiting pictures, and the first of them."""
    visible = visibility_filter(Viewer(alert.owner_id), "i")
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.format(visible=visible.text), [alert.pk, *visible.values, MAX_IMAGES])
        number, image_ids = cursor.fetchone()
    return number, image_ids


def _delivery(alert: Alert, number: int, image_ids: list[int]) -> Delivery:
    images = documents.image_documents(image_ids)
    search = documents.search_document(name=alert.saved_search.name, query=alert.saved_search.query)
    username = alert.owner.get_username()
    matches = [documents.for_reader(images[image_id], username) for image_id in image_ids if image_id in images]
    payload = documents.matches_message(search, images=matches, count=number)
    return Delivery(alert=alert, kind=Delivery.Kind.MATCHES, payload=payload)
