from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from analysis.models import Outage, Spend
from tests.factories import create_analysis, create_image

pytestmark = pytest.mark.django_db

DENIED = "AccessDeniedException: The credentials are not allowed to do this. Allow the IAM action rekognition:{}."


def library_html(client) -> str:
    return client.get("/").content.decode()


@pytest.fixture
def denied():
    """Withdraws the permission for an API."""

    def deny(api: str, action: str) -> None:
        message = f"The {api} request failed with {DENIED.format(action)} Work resumes by itself afterwards."
        Outage.objects.create(
            recognizer="rekognition", api=api, code="AccessDenied", message=message, probe_at=timezone.now()
        )

    return deny


def test_outage_notice_is_for_staff_only(staff, owner, signed_in, denied):
    denied("labels", "DetectLabels")
    sentence = f"Analysis is paused for Labels: {DENIED.format('DetectLabels')} Work resumes by itself afterwards."
    assert sentence in library_html(signed_in(staff))
    assert "DetectLabels" not in library_html(signed_in(owner))


def test_outages_with_one_cause_share_a_notice(staff, signed_in, denied):
    for api, action in (("labels", "DetectLabels"), ("faces", "DetectFaces"), ("text", "DetectText")):
        denied(api, action)
    page = library_html(signed_in(staff))
    actions = " ".join(
        f"Allow the IAM action rekognition:{action}." for action in ("DetectFaces", "DetectLabels", "DetectText")
    )
    cause = "AccessDeniedException: The credentials are not allowed to do this."
    assert (
        f"Analysis is paused for Faces, Labels and Text: {cause} {actions} Work resumes by itself afterwards." in page
    )
    assert page.count("AccessDenied") == 1


@pytest.mark.parametrize(
    ("dollars", "sentence"),
    [
        ("7.90", None),
        ("8.00", "$8.00 of this month&#x27;s $10.00 budget is spent."),
        ("10", "$10.00 of this month&#x27;s $10.00 budget is spent. Bulk runs are paused"),
    ],
)
def test_budget_notice_at_80_percent_and_when_spent(staff, signed_in, settings, dollars, sentence):
    settings.MONTHLY_BUDGET, settings.INTERACTIVE_BUDGET, settings.RECOGNIZER = Decimal(10), Decimal(20), "rekognition"
    settings.AWS_REGION = "us-east-1"
    Spend.objects.create(
        day=timezone.now().date(), recognizer="rekognition", region="us-east-1", api="labels", dollars=Decimal(dollars)
    )
    page = library_html(signed_in(staff))
    assert ("budget" in page) == (sentence is not None)
    assert sentence is None or sentence in page


def test_stall_notice_is_for_staff_only(staff, owner, signed_in):
    long_ago = timezone.now() - timedelta(hours=3, minutes=1)
    create_analysis(create_image(owner), requested_at=long_ago, next_attempt_at=long_ago)
    assert "Labels: work is waiting, but there have been no results for 3 hours." in library_html(signed_in(staff))
    assert "there were no results" not in library_html(signed_in(owner))


def test_simulator_notice_is_for_everyone(owner, signed_in, settings):
    settings.RECOGNIZER = "simulator"
    assert "labels and costs are made up" in library_html(signed_in(owner))
