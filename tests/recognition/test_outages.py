"""An API that takes requests and says nothing: it rests after a few, costs little, says so and resumes by itself."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.db.models.functions import Now
from django.utils.timezone import now

from analysis import pipeline
from analysis.health import workload as health
from analysis.models import Analysis, Call, Outage
from analysis.recognition import outages
from analysis.recognition.base import ApiUnavailable, Throttled
from analysis.recognition.engine import Engine
from analysis.recognition.rekognition import client
from tests.recognition.test_engine import states, stored_images, work, work_until_done

pytestmark = pytest.mark.django_db

PRICE = Decimal("0.00175")
FEW = outages.IN_A_ROW + 4  # with what was under way when it was noticed


@pytest.fixture(autouse=True)
def four_threads(settings):
    settings.RECOGNITION_THREADS = 4


def queued(owner, number: int):
    images = stored_images(owner, number)
    pipeline.request_analysis(image_ids=[image.pk for image in images])
    return images


def work_impatiently() -> None:
    """An engine whose client waits a tenth of a second for an answer."""
    recognizer = client.connect(region="us-east-1", threads=4, read_timeout=0.1)
    Engine(recognizer, api="labels", threads=4).run(is_over=lambda: False)


def make_due() -> None:
    Analysis.objects.filter(state="queued").update(next_attempt_at=Now())
    Outage.objects.update(probe_at=Now())


@pytest.mark.parametrize("fault", ["drops", "early_drops", "cuts", "malformed", "silent"])
def test_an_api_that_loses_every_request_rests_after_a_few_and_resumes_after_a_probe(owner, simulator, fault):
    simulator.set(**{fault: 100})
    queued(owner, 30)
    for _ in range(4):
        work_impatiently()
        Analysis.objects.filter(state="queued").update(next_attempt_at=Now())
    outage = Outage.objects.get()
    lost = Call.objects.count()
    assert outages.IN_A_ROW <= lost <= FEW
    assert Call.objects.aggregate(spent=Sum("price"))["spent"] == lost * PRICE
    assert (outage.code, states()) == ("NoAnswer", {"queued": 30})
    assert "5 requests in a row brought no answer" in outage.message

    make_due()
    work_impatiently()
    assert Call.objects.count() == lost + 1  # the probe, and nothing but the probe
    assert "A probe brought no answer" in Outage.objects.get().message
    assert max(Analysis.objects.values_list("attempts", flat=True)) == 1  # a probe is no attempt at its picture

    simulator.set(**{fault: 0})
    work_until_done()
    assert (states(), Outage.objects.count()) == ({"done": 30}, 0)
    assert Call.objects.filter(outcome="answered").count() == 30


def test_a_page_of_html_is_an_outage_that_costs_nothing(owner, simulator):
    simulator.set(pages=100)
    queued(owner, 30)
    for _ in range(4):
        work()
    assert (Outage.objects.get().code, states()) == ("NotRekognition", {"queued": 30})
    assert "is not Rekognition: a proxy, or a sign-in page" in Outage.objects.get().message
    assert set(Call.objects.values_list("outcome", "price")) == {("failed", 0)}
    assert simulator.statistics()["requests"] <= 4
    simulator.set(pages=0)
    work_until_done()
    assert (states(), Outage.objects.count()) == ({"done": 30}, 0)


def test_an_api_that_rests_is_told_to_staff_and_by_the_doctor(owner, staff, signed_in, simulator):
    simulator.set(drops=100)
    queued(owner, 10)
    work()
    (finding,) = health.check_outages()
    assert finding.state == "failed"
    assert "The labels request failed with NoAnswer: 5 requests in a row brought no answer" in finding.sentence
    page = signed_in(staff).get("/").content.decode()
    assert "Labels wait: NoAnswer: 5 requests in a row brought no answer" in page


def test_answers_in_between_keep_an_api_at_work(owner, simulator):
    simulator.set(drops=10, seed=2)
    queued(owner, 60)
    work()
    assert Outage.objects.count() == 0
    assert Call.objects.filter(outcome="unknown").exists()


def calls(*outcomes: str, **columns) -> None:
    columns = {"recognizer": "rekognition", "api": "labels", "price": PRICE, **columns}
    Call.objects.bulk_create(Call(outcome=outcome, **columns) for outcome in outcomes)


def after_loss() -> ApiUnavailable | None:
    return outages.after_loss(
        "rekognition", Throttled("Lost.", api="labels", code="ReadTimeoutError", outcome="unknown")
    )


def test_only_losses_of_the_same_api_in_a_row_make_an_outage(db):
    calls("answered", *["unknown"] * 4)
    calls("unknown", api="faces")
    calls("unknown", error_code="worker-lost")
    assert after_loss() is None
    calls("unknown")
    assert after_loss().code == "NoAnswer"
    calls("throttled")
    assert after_loss() is None


def test_an_answer_that_cannot_be_kept_is_an_answer(db):
    calls(*["unknown"] * 4)
    calls("unknown", error_code="UnreadableAnswer")
    assert after_loss() is None


def test_requests_without_an_answer_take_a_tenth_of_the_budget_at_most(owner, simulator, settings):
    """Past that, each more that is lost is the last until next month, or until staff ask."""
    settings.MONTHLY_BUDGET = 22 * PRICE * 10
    calls(*["unknown", "answered"] * 21)
    assert after_loss() is None
    simulator.set(drops=100)
    settings.RECOGNITION_THREADS = 1
    queued(owner, 20)
    work()
    outage = Outage.objects.get()
    assert Call.objects.filter(outcome="unknown").count() == 22
    assert (outage.probe_at > now(), outage.probe_at.day) == (True, 1)
    assert "as much of the month's budget as they may" in outage.message
    Analysis.objects.filter(state="queued").update(next_attempt_at=Now())
    work()
    assert Call.objects.filter(outcome="unknown").count() == 22
    simulator.set(drops=0)
    work_until_done()  # which asks now
    assert (states(), Outage.objects.count()) == ({"done": 20}, 0)


def test_without_a_budget_losses_have_no_share(settings):
    calls(*["unknown", "answered"] * 200)
    assert after_loss() is None


def test_probes_that_may_be_paid_for_come_less_often(db):
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


def test_a_lost_probe_lets_another_picture_be_the_next(owner, simulator):
    """Or a single picture that breaks its connection would keep the API from ever being found well."""
    first, second = queued(owner, 2)
    simulator.set(drops=100)
    calls(*["unknown"] * 4)
    work_impatiently()
    Analysis.objects.update(next_attempt_at=Now())
    asked = set(Call.objects.exclude(analysis=None).values_list("analysis__image", flat=True))
    for _ in range(2):
        Outage.objects.update(probe_at=Now())
        work_impatiently()
    probed = Call.objects.order_by("-pk").values_list("analysis__image", flat=True)[:2]
    assert (asked, list(probed)) == ({first.pk, second.pk}, [second.pk, first.pk])
