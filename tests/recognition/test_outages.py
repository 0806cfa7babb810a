"""Outages of an API that accepts requests and does not respond."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.db.models.functions import Now
from django.utils.timezone import now

from analysis import pipeline
from analysis.health import workload as health
from analysis.models import Analysis, Call, Outage
from analysis.recognition import ledger, outages
from analysis.recognition.base import ApiUnavailable, Throttled
from analysis.recognition.engine import Engine
from analysis.recognition.rekognition import client
from tests.recognition.test_engine import states, stored_images, work, work_until_done

pytestmark = pytest.mark.django_db

PRICE = Decimal("0.00175")
FEW = outages.LOST_IN_A_ROW + 4  # with what was under way when it was noticed


@pytest.fixture(autouse=True)
def four_threads(settings):
    settings.RECOGNITION_THREADS = 4


def queued(owner, number: int):
    images = stored_images(owner, number)
    pipeline.request_analysis(image_ids=[image.pk for image in images])
    return images


def work_impatiently() -> None:
    """An engine whose client waits a tenth of a second for a response."""
    recognizer = client.connect(region="us-east-1", threads=4, read_timeout=0.1)
    Engine(recognizer, api="labels", threads=4).run(is_over=lambda: False)


def make_due() -> None:
    Analysis.objects.filter(state="queued").update(next_attempt_at=Now())
    Outage.objects.update(probe_at=Now())


@pytest.mark.parametrize("fault", ["drops", "early_drops", "cuts", "malformed", "silent"])
def test_lost_requests_open_an_outage_that_a_probe_ends(owner, simulator, fault):
    simulator.set(**{fault: 100})
    queued(owner, 30)
    for _ in range(4):
        work_impatiently()
        Analysis.objects.filter(state="queued").update(next_attempt_at=Now())
    outage = Outage.objects.get()
    lost = Call.objects.count()
    assert outages.LOST_IN_A_ROW <= lost <= FEW
    assert Call.objects.aggregate(spent=Sum("price"))["spent"] == lost * PRICE
    assert (outage.code, states()) == ("NoAnswer", {"queued": 30})
    assert "5 requests in a row got no response" in outage.message

    make_due()
    work_impatiently()
    assert Call.objects.count() == lost + 1  # the probe, and nothing but the probe
    assert "A test request got no response" in Outage.objects.get().message
    assert max(Analysis.objects.values_list("attempts", flat=True)) == 1  # a probe is no attempt at its picture

    simulator.set(**{fault: 0})
    work_until_done()
    assert (states(), Outage.objects.count()) == ({"done": 30}, 0)
    assert Call.objects.filter(outcome="answered").count() == 30


def test_html_page_opens_an_outage_without_cost(owner, simulator):
    simulator.set(pages=100)
    queued(owner, 30)
    for _ in range(4):
        work()
    assert (Outage.objects.get().code, states()) == ("NotRekognition", {"queued": 30})
    assert "is not Rekognition, but probably a proxy or a sign-in page" in Outage.objects.get().message
    assert set(Call.objects.values_list("outcome", "price")) == {("failed", 0)}
    assert simulator.statistics()["requests"] <= 4
    simulator.set(pages=0)
    work_until_done()
    assert (states(), Outage.objects.count()) == ({"done": 30}, 0)


def test_outage_is_reported_on_pages_and_by_doctor(owner, staff, signed_in, simulator):
    simulator.set(drops=100)
    queued(owner, 10)
    work()
    (finding,) = health.check_outages()
    assert finding.state == "failed"
    assert "The labels request failed with NoAnswer: 5 requests in a row got no response" in finding.sentence
    page = signed_in(staff).get("/").content.decode()
    assert "Analysis is paused for Labels: NoAnswer: 5 requests in a row got no response" in page


def test_occasional_losses_open_no_outage(owner, simulator):
    simulator.set(drops=10, seed=2)
    queued(owner, 60)
    work()
    assert Outage.objects.count() == 0
    assert Call.objects.filter(outcome="unknown").exists()


def calls(*outcomes: str, **columns) -> None:
    columns = {"recognizer": "rekognition", "api": "labels", "price": PRICE, **columns}
    Call.objects.bulk_create(Call(outcome=outcome, **columns) for outcome in outcomes)


def outage_after_lost_request() -> ApiUnavailable | None:
    return outages.outage_after_lost_request(
        "rekognition", Throttled("Lost.", api="labels", code="ReadTimeoutError", outcome="unknown")
    )


def test_only_consecutive_losses_of_one_api_open_an_outage(db):
    calls("answered", *["unknown"] * 4)
    calls("unknown", api="faces")
    calls("unknown", error_code="worker-lost")
    assert outage_after_lost_request() is None
    calls("unknown")
    assert outage_after_lost_request().code == "NoAnswer"
    calls("throttled")
    assert outage_after_lost_request() is None


def test_unreadable_response_is_not_a_loss(db):
    calls(*["unknown"] * 4)
    calls("unknown", error_code="UnreadableAnswer")
    assert outage_after_lost_request() is None


def test_lost_requests_cost_at_most_a_tenth_of_the_budget(owner, simulator, settings):
    """Beyond that, one more lost request stops all until next month or a probe."""
    settings.MONTHLY_BUDGET = 22 * PRICE * 10
    calls(*["unknown", "answered"] * 21)
    assert outage_after_lost_request() is None
    simulator.set(drops=100)
    settings.RECOGNITION_THREADS = 1
    queued(owner, 20)
    work()
    outage = Outage.objects.get()
    assert Call.objects.filter(outcome="unknown").count() == 22
    assert (outage.probe_at > now(), outage.probe_at.day) == (True, 1)
    assert "their share of this month's budget" in outage.message
    Analysis.objects.filter(state="queued").update(next_attempt_at=Now())
    work()
    assert Call.objects.filter(outcome="unknown").count() == 22
    simulator.set(drops=0)
    work_until_done()  # which sends a probe now
    assert (states(), Outage.objects.count()) == ({"done": 20}, 0)


def test_losses_are_unlimited_without_a_budget(settings):
    calls(*["unknown", "answered"] * 200)
    assert outage_after_lost_request() is None


def test_paid_probes_are_less_frequent(db):
    def longest(code: str) -> timedelta:
        outage = Outage.objects.create(
            recognizer="rekognition", api="labels", code=code, message="", probe_at=now(), probes=20
        )
        assert outages.try_claim_probe(outage)
        outage.refresh_from_db()
        wait = outage.probe_at - now()
        outage.delete()
        return wait

    assert timedelta(minutes=4) < longest("AccessDeniedException") <= timedelta(minutes=5)
    assert timedelta(minutes=14) < longest("NoAnswer") <= timedelta(minutes=15)


def test_probe_is_not_missed_after_the_clock_was_set_back(db, settings):
    def is_probed(code: str, after: timedelta) -> bool:
        outage = Outage.objects.create(
            recognizer="rekognition", api="labels", code=code, message="", probe_at=now() + after
        )
        is_claimed = outages.try_claim_probe(outage)
        outage.delete()
        return is_claimed

    two_hours = timedelta(hours=2)
    assert [is_probed(code, two_hours) for code in ("AccessDeniedException", "NoAnswer")] == [True, True]
    assert [is_probed(code, timedelta(minutes=14)) for code in ("AccessDeniedException", "NoAnswer")] == [False, False]
    settings.MONTHLY_BUDGET = Decimal("0.01")
    calls(*["unknown"] * ledger.MIN_LOST_REQUESTS)
    assert [is_probed(code, two_hours) for code in ("AccessDeniedException", "NoAnswer")] == [True, False]


def test_next_probe_after_a_loss_uses_another_image(owner, simulator):
    """An image that breaks its connection must not keep the outage open."""
    first, second = queued(owner, 2)
    simulator.set(drops=100)
    calls(*["unknown"] * 4)
    work_impatiently()
    Analysis.objects.update(next_attempt_at=Now())
    first_images = set(Call.objects.exclude(analysis=None).values_list("analysis__image", flat=True))
    for _ in range(2):
        Outage.objects.update(probe_at=Now())
        work_impatiently()
    probed = Call.objects.order_by("-pk").values_list("analysis__image", flat=True)[:2]
    assert (first_images, list(probed)) == ({first.pk, second.pk}, [second.pk, first.pk])
