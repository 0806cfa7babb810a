from decimal import Decimal

import pytest
from django.utils import timezone

from analysis.models import Outage, Spend

pytestmark = pytest.mark.django_db

DENIED = "The labels request failed with AccessDeniedException: Allow the IAM action rekognition:DetectLabels."


def shown(client) -> str:
    return client.get("/").content.decode()


def test_an_outage_is_told_to_the_staff_alone(staff, owner, signed_in):
    Outage.objects.create(
        recognizer="rekognition", api="labels", code="AccessDenied", message=DENIED, probe_at=timezone.now()
    )
    assert f"Labels wait: {DENIED}" in shown(signed_in(staff))
    assert DENIED not in shown(signed_in(owner))


@pytest.mark.parametrize(
    ("dollars", "sentence"),
    [
        ("7.90", None),
        ("8.00", "8.00 of 10 US dollars of this month&#x27;s budget are spent."),
        ("10", "10.00 of 10 US dollars of this month&#x27;s budget are spent: bulk work waits"),
    ],
)
def test_the_budget_warns_at_80_percent_and_says_when_it_is_spent(staff, signed_in, settings, dollars, sentence):
    settings.MONTHLY_BUDGET, settings.INTERACTIVE_BUDGET, settings.RECOGNIZER = Decimal(10), Decimal(20), "rekognition"
    settings.AWS_REGION = "us-east-1"
    Spend.objects.create(
        day=timezone.now().date(), recognizer="rekognition", region="us-east-1", api="labels", dollars=Decimal(dollars)
    )
    page = shown(signed_in(staff))
    assert ("budget" in page) == (sentence is not None)
    assert sentence is None or sentence in page


def test_invented_labels_are_told_to_everybody(owner, signed_in, settings):
    settings.RECOGNIZER = "simulator"
    assert "new labels are invented" in shown(signed_in(owner))
