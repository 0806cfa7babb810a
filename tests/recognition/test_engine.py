"""The engine against the simulator over HTTP: paid once, within quota and budget, through every fault."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Now

from analysis import pipeline
from analysis.models import Analysis, Call, Image, ImageLabel, ModelVersion, Outage, SpendEntry
from analysis.recognition import claims, engine_runner, ledger, outages
from analysis.recognition.base import Response
from analysis.recognition.engine import save_with_retry
from analysis.recognition.save_results import AttemptResult, save_results
from tests import pictures
from tests.factories import create_analysis, create_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


def stored_images(owner, number: int, *, distinct: bool = True) -> list[Image]:
    """Pictures with originals, each of its own bytes, without the way through the door."""
    from analysis.storage import blobs

    images = []
    for place in range(number):
        seed = place if distinct else 0
        image = create_image(owner, orientation=1, width=160, height=120, sha256=f"{seed:064x}")
        blobs.put(image.key, pictures.jpeg(seed=seed))
        images.append(image)
    return images


def work(api="labels"):
    engine_runner.run("rekognition", api)


def work_until_done(api="labels"):
    for _ in range(60):
        Analysis.objects.filter(state="queued").update(next_attempt_at=Now())
        Outage.objects.update(probe_at=Now())
        work(api)
        if not Analysis.objects.open().exists():
            return
    pytest.fail("work is left")


def states() -> Counter:
    return Counter(Analysis.objects.values_list("state", flat=True))


def test_many_pictures_are_asked_at_once_and_recorded_once(owner, simulator):
    images = stored_images(owner, 40)
    pipeline.request_analysis(image_ids=[image.pk for image in images])
    work()
    assert states() == {"done": 40}
    assert simulator.statistics()["requests"] == 40
    assert Call.objects.filter(outcome="answered").count() == 40
    assert ImageLabel.objects.values("image").distinct().count() == 40
    assert ModelVersion.objects.get().version == Analysis.objects.first().model_version


def test_the_same_bytes_are_paid_for_once_across_owners(owner, colleague, simulator, settings):
    settings.RECOGNITION_THREADS = 8
    mine, theirs = stored_images(owner, 1)[0], stored_images(colleague, 1)[0]
    pipeline.request_analysis(image_ids=[mine.pk, theirs.pk])
    work_until_done()
    assert simulator.statistics()["requests"] == 1
    assert label_rows(mine) == label_rows(theirs) != {}
    first, second = Analysis.objects.order_by("pk")
    assert (first.is_reused, second.is_reused, second.request_id) == (False, True, "")
    assert (first.price, second.price) == (Decimal("0.00175"), 0)
    saved = SpendEntry.objects.aggregate(reused=Sum("reused"), saved=Sum("saved"), dollars=Sum("dollars"))
    assert saved == {"reused": 1, "saved": Decimal("0.00175"), "dollars": Decimal("0.00175")}


def test_a_stored_answer_is_not_taken_when_asked_otherwise_forced_or_by_a_newer_model(owner, simulator, settings):
    image, other = stored_images(owner, 2)
    requests = []

    def ask(**options):
        pipeline.request_analysis(image_ids=[image.pk], **options)
        work_until_done()
        requests.append(simulator.statistics()["requests"])

    ask()
    ask()
    ask(is_forced=True)
    settings.MAX_LABELS = 5
    ask()
    simulator.set(model_version="3.1")
    pipeline.request_analysis(image_ids=[other.pk])  # the news that there is a newer model
    work_until_done()
    ask()
    assert requests == [1, 1, 2, 3, 5]


def test_uploads_go_before_bulk(owner, simulator, settings):
    settings.RECOGNITION_THREADS = 1
    bulk, upload = stored_images(owner, 2)
    pipeline.request_analysis(image_ids=[bulk.pk], is_bulk=True)
    pipeline.request_analysis(image_ids=[upload.pk])
    work()
    assert list(Call.objects.order_by("pk").values_list("analysis__image_id", flat=True)) == [upload.pk, bulk.pk]


def test_the_budget_stops_bulk_hard_and_uploads_at_their_own_limit(owner, simulator, settings):
    settings.IMAGE_PROPERTIES = False
    settings.MONTHLY_BUDGET, settings.INTERACTIVE_BUDGET = Decimal("0.003"), Decimal("0.005")
    images = stored_images(owner, 12)
    pipeline.request_analysis(image_ids=[image.pk for image in images[:6]], is_bulk=True)
    work()
    assert states() == {"done": 3, "queued": 3}
    pipeline.request_analysis(image_ids=[image.pk for image in images[6:]])
    work()
    assert simulator.statistics()["requests"] == 5
    settings.MONTHLY_BUDGET = settings.INTERACTIVE_BUDGET = None
    work()
    assert states() == {"done": 12}


def test_through_throttles_errors_and_lost_connections_nothing_is_lost_or_recorded_twice(owner, simulator, settings):
    settings.RECOGNITION_THREADS = 16
    simulator.set(throttles=10, errors=5, drops=5, seed=3)
    images = stored_images(owner, 60)
    pipeline.request_analysis(image_ids=[image.pk for image in images])
    work_until_done()
    statistics = simulator.statistics()
    outcomes = Counter(Call.objects.values_list("outcome", flat=True))
    assert states() == {"done": 60}
    assert Analysis.objects.filter(is_current=True).count() == 60
    assert sum(outcomes.values()) == statistics["requests"]
    assert outcomes["answered"] == 60
    assert Call.objects.filter(outcome="unknown", price=0).count() == 0
    assert Call.objects.filter(outcome__in=["throttled", "failed"]).exclude(price=0).count() == 0
    assert min(outcomes["throttled"], outcomes["failed"], outcomes["unknown"]) > 0


def test_withdrawn_credentials_pause_the_api_and_work_resumes_by_itself(owner, simulator):
    simulator.set(credentials="ExpiredTokenException")
    images = stored_images(owner, 5)
    pipeline.request_analysis(image_ids=[image.pk for image in images])
    work()
    asked = simulator.statistics()["requests"]
    work()
    work()
    assert simulator.statistics()["requests"] == asked  # not one more before the probe is due
    assert (Outage.objects.get().code, states()) == ("ExpiredTokenException", {"queued": 5})
    Outage.objects.update(probe_at=Now())
    work()
    assert simulator.statistics()["requests"] == asked + 1  # the probe, and nothing but the probe
    assert Outage.objects.get().probe_at > Outage.objects.get().since + timedelta(seconds=10)
    simulator.set(credentials="")
    Outage.objects.update(probe_at=Now())
    work()
    assert (Outage.objects.count(), states()) == (0, {"done": 5})


def test_one_failing_api_does_not_block_the_others(owner, simulator, settings):
    settings.RECOGNIZER_APIS = ["labels", "faces"]
    simulator.set(denied=["DetectFaces"])
    image = stored_images(owner, 1)[0]
    pipeline.request_analysis(image_ids=[image.pk])
    work("faces")
    work("labels")
    assert {each.api: each.state for each in image.analyses.all()} == {"labels": "done", "faces": "queued"}
    assert "rekognition:DetectFaces" in Outage.objects.get().message


def test_without_redis_nothing_is_sent(owner, simulator, settings):
    settings.REDIS = "unix:///nowhere/redis.sock"
    engine_runner.reset()
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    work()
    assert (simulator.statistics()["requests"], states()) == (0, {"queued": 1})
    engine_runner.reset()


def test_an_answer_with_what_the_database_cannot_hold_is_kept_without_it(owner, rekognition):
    rekognition.answers = [
        {"Labels": [{"Name": "A\0B", "Confidence": 90}], "LabelModelVersion": "3.0", "New": "\ud800"}
    ]
    image = stored_images(owner, 1)[0]
    pipeline.request_analysis(image_ids=[image.pk], apis=["labels"])
    work()
    assert Analysis.objects.get().state == "done"
    assert label_rows(image) == {"A\ufffdB": 90}


def test_an_answer_cut_short_counts_as_paid_and_is_asked_again(owner, simulator):
    simulator.set(malformed=100)
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    work()
    call = Call.objects.get()
    assert (call.outcome, call.error_code, call.price) == ("unknown", "AnswerCutShort", Decimal("0.00175"))
    simulator.set(malformed=0)
    work_until_done()
    assert states() == {"done": 1}


def test_fields_that_nobody_knows_yet_are_kept(owner, rekognition):
    rekognition.answers = [{"Labels": [], "LabelModelVersion": "4.0", "Mood": {"Name": "Calm"}}]
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk], apis=["labels"])
    work()
    assert Analysis.objects.get().answer == rekognition.answers[0]


def test_an_outage_is_over_when_the_api_refuses_a_picture_and_forgotten_when_nothing_waits(owner, simulator):
    simulator.set(denied=["DetectLabels"])
    images = stored_images(owner, 2)
    pipeline.request_analysis(image_ids=[images[0].pk])
    work()
    assert Outage.objects.count() == 1
    simulator.set(denied=[], next_errors=[{"code": "InvalidImageFormatException", "times": 2}])
    Outage.objects.update(probe_at=Now())
    work()
    assert (Outage.objects.count(), states()) == (0, {"queued": 1})
    work_until_done()
    assert (Outage.objects.count(), states()) == (0, {"failed": 1})
    simulator.set(denied=["DetectLabels"])
    pipeline.request_analysis(image_ids=[images[1].pk])
    work()
    images[1].delete()
    outages.forget_idle()
    assert Outage.objects.count() == 0


def test_a_picture_removed_while_it_is_asked_about_costs_nobody_elses_answer(owner, rekognition):
    from analysis.library import images

    gone, kept = stored_images(owner, 2)
    pipeline.request_analysis(image_ids=[gone.pk, kept.pk], apis=["labels"])
    claimed = claims.claim("rekognition", "labels", maximum=2, region="eu-central-1")
    images.remove(gone)
    answer = Response("labels", "rekognition", "3.0", {"Labels": []}, "request-1", 5)
    save_results([AttemptResult(each, answer=answer, region="eu-central-1") for each in claimed])
    assert states() == {"done": 1}
    assert sorted(Call.objects.values_list("analysis", flat=True), key=str) == [claimed[1].pk, None]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would find


def test_an_answer_the_database_refuses_fails_alone(owner, rekognition):
    images = stored_images(owner, 3)
    pipeline.request_analysis(image_ids=[image.pk for image in images], apis=["labels"])
    claimed = claims.claim("rekognition", "labels", maximum=3, region="eu-central-1")
    answers = [Response("labels", "rekognition", "3.0", {"Labels": []}, "", latency) for latency in (1, 2**40, 1)]
    save_with_retry(
        [AttemptResult(each, answer=answer, region="") for each, answer in zip(claimed, answers, strict=True)]
    )
    assert states() == {"done": 2, "failed": 1}
    assert Analysis.objects.get(state="failed").error_code == "UnstorableAnswer"


def test_of_equal_bytes_one_is_asked_whichever_came_first(owner, colleague, simulator):
    earlier, later = stored_images(owner, 1)[0], stored_images(colleague, 1)[0]
    pipeline.request_analysis(image_ids=[earlier.pk], is_bulk=True)
    pipeline.request_analysis(image_ids=[later.pk])
    assert [each.image_id for each in claims.claim("rekognition", "labels", maximum=1, region="us-east-1")] == [
        later.pk
    ]
    assert claims.claim("rekognition", "labels", maximum=1, region="us-east-1") == []


def test_what_a_killed_worker_may_have_sent_is_in_the_ledger(owner, simulator):
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    claims.claim("rekognition", "labels", maximum=1, region="us-east-1")
    Analysis.objects.update(claimed_until=Now() - timedelta(seconds=1))
    claims.apis_with_due_work()
    call = Call.objects.get()
    assert (call.outcome, call.error_code, call.price) == ("unknown", "worker-lost", Decimal("0.00175"))
    assert (call.region, SpendEntry.objects.get().region) == ("us-east-1", "us-east-1")
    assert ledger.budget("rekognition").spent == Decimal("0.00175")


def test_leases_of_what_takes_long_are_renewed(owner, simulator):
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    (analysis,) = claims.claim("rekognition", "labels", maximum=1, region="us-east-1")
    before = analysis.claimed_until
    claims.renew_leases([analysis])
    assert analysis.claimed_until > before
    Analysis.objects.update(claimed_until=Now() + timedelta(hours=1))  # somebody else's by now
    ours = analysis.claimed_until
    claims.renew_leases([analysis])
    assert analysis.claimed_until == ours


def test_an_outage_is_over_though_the_answer_that_tells_takes_its_time(owner, simulator):
    images = stored_images(owner, 3)
    pipeline.request_analysis(image_ids=[image.pk for image in images])
    simulator.set(latency=200, credentials="UnrecognizedClientException")
    work()
    assert (states(), Outage.objects.count()) == ({"queued": 3}, 1)
    simulator.set(credentials="")
    Outage.objects.update(probe_at=Now() - timedelta(seconds=1))
    work()
    assert (states(), Outage.objects.count()) == ({"done": 3}, 0)


@pytest.mark.django_db(transaction=True)
def test_an_answer_whose_analysis_is_gone_does_not_take_its_neighbors_along(owner, simulator):
    first, second = (
        create_analysis(image, state="running", recognizer="rekognition", price=Decimal("0.001"))
        for image in stored_images(owner, 2)
    )
    Analysis.objects.filter(pk=first.pk).delete()
    said = Response(
        api="labels",
        recognizer="rekognition",
        model_version="3.0",
        content=labels_answer(Dog=90),
        request_id="1",
        latency_ms=1,
    )
    save_with_retry([AttemptResult(each, answer=said, region="us-east-1") for each in (first, second)])
    second.refresh_from_db()
    assert second.state == "done"
    assert list(Call.objects.order_by("pk").values_list("analysis", flat=True)) == [None, second.pk]
