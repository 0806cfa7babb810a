"""Two workers and one dollar: calls are reserved one claim after the other."""

import threading
from decimal import Decimal

import pytest
from django.db import connection, transaction

from analysis import pipeline
from analysis.models import Analysis
from analysis.recognition import claims
from tests.factories import create_image

PRICE = Decimal("0.00175")


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_bulk", [False, True])
def test_concurrent_claims_do_not_exceed_the_budget(owner, settings, is_bulk):
    settings.RECOGNIZER, settings.AWS_REGION = "rekognition", "us-east-1"
    settings.MONTHLY_BUDGET = settings.INTERACTIVE_BUDGET = PRICE
    pipeline.request_analysis(
        image_ids=[create_image(owner).pk, create_image(owner).pk], apis=["labels"], is_bulk=is_bulk
    )
    claimed: list[list[Analysis]] = []

    def claim() -> None:
        try:
            claimed.append(claims.claim("rekognition", "labels", maximum=1, region="us-east-1"))
        finally:
            connection.close()

    other = threading.Thread(target=claim)
    with transaction.atomic():
        mine = claims.claim("rekognition", "labels", maximum=1, region="us-east-1")
        other.start()
        while other.is_alive() and not waits_for_a_lock():
            other.join(0.01)
    other.join()
    assert (len(mine), claimed) == (1, [[]])
    assert Analysis.objects.filter(state="running").count() == 1
