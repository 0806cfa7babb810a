"""The engine with the simulator over HTTP: cost, quota, budget, faults."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Now

from analysis import pipeline
from analysis.models import Analysis, Call, Image, ImageLabel, ModelVersion, Outage, SpendEntry
from analysis.recognition import claims, engine_runner, ledger, outages
from analysis.recognition.base import Response
from analysis.recognition.rate_limiter import STRICT_WINDOW
from analysis.recognition.save_results import AttemptResult, save_results
from analysis.recognition.save_with_retry import save_with_retry
from tests import pictures
from tests.factories import create_analysis, create_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


def stored_images(owner, number: int, *, distinct: bool = True) -> list[Image]:
    """Images with distinct originals, stored without an upload."""
    from analysis.storage import blobs

    images = []
    for index in range(number):
        seed = index if distinct else 0
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


def test_images_are_analyzed_in_parallel_and_saved_once(owner, simulator):
    images = stored_images(owner, 40)
    pipeline.request_analysis(image_ids=[image.pk for image in images])
    work()
    assert states() == {"done": 40}
    assert simulator.statistics()["requests"] == 40
    assert Call.objects.filter(outcome="answered").count() == 40
    assert ImageLabel.objects.values("image").distinct().count() == 40
    assert ModelVersion.objects.get().version == Analysis.objects.first().model_version


def test_same_bytes_are_paid_once_across_owners(owner, colleague, simulator, settings):
    settings.RECOGNITION_THREADS = 8
    mine, theirs = stored_images(owner, 1)[0], stored_images(colleague, 1)[0]
    Image.objects.filter(pk=mine.pk).update(visibility=Image.Visibility.SHARED)
    pipeline.request_analysis(image_ids=[mine.pk, theirs.pk])
    work_until_done()
    assert simulator.statistics()["requests"] == 1
    assert label_rows(mine) == label_rows(theirs) != {}
    first, second = Analysis.objects.order_by("pk")
    assert (first.is_reused, second.is_reused, second.request_id) == (False, True, "")
    assert (first.price, second.price) == (Decimal("0.00175"), 0)
    saved = SpendEntry.objects.aggregate(reused=Sum("reused"), saved=Sum("saved"), dollars=Sum("dollars"))
    assert saved == {"reused": 1, "saved": Decimal("0.00175"), "dollars": Decimal("0.00175")}


def test_cache_misses_with_other_parameters_force_or_newer_model(owner, simulator, settings):
    image, other = stored_images(owner, 2)
    requests = []

    def request_again(**options):
        pipeline.request_analysis(image_ids=[image.pk], **options)
        work_until_done()
        requests.append(simulator.statistics()["requests"])

    request_again()
    request_again()
    request_again(is_forced=True)
    settings.MAX_LABELS = 5
    request_again()
    simulator.set(model_version="3.1")
    pipeline.request_analysis(image_ids=[other.pk])  # the news that there is a newer model
    work_until_done()
    request_again()
    assert requests == [1, 1, 2, 3, 5]


def test_uploads_are_claimed_before_bulk_work(owner, simulator, settings):
    settings.RECOGNITION_THREADS = 1
    bulk, upload = stored_images(owner, 2)
    pipeline.request_analysis(image_ids=[bulk.pk], is_bulk=True)
    pipeline.request_analysis(image_ids=[upload.pk])
    work()
    assert list(Call.objects.order_by("pk").values_list("analysis__image_id", flat=True)) == [upload.pk, bulk.pk]


def test_budgets_stop_bulk_work_and_uploads_at_their_limits(owner, simulator, settings):
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


def test_faults_lose_no_result_and_save_none_twice(owner, simulator, settings):
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


def test_denied_api_pauses_and_resumes_automatically(owner, simulator):
    simulator.set(credentials="ExpiredTokenException")
    images = stored_images(owner, 5)
    pipeline.request_analysis(image_ids=[image.pk for image in images])
    work()
    requests_before = simulator.statistics()["requests"]
    work()
    work()
    assert simulator.statistics()["requests"] == requests_before  # not one more before the probe is due
    assert (Outage.objects.get().code, states()) == ("ExpiredTokenException", {"queued": 5})
    Outage.objects.update(probe_at=Now())
    work()
    assert simulator.statistics()["requests"] == requests_before + 1  # the probe, and nothing but the probe
    assert Outage.objects.get().probe_at > Outage.objects.get().since + timedelta(seconds=10)
    simulator.set(credentials="")
    Outage.objects.update(probe_at=Now())
    work()
    assert (Outage.objects.count(), states()) == (0, {"done": 5})


def test_outage_of_one_api_does_not_block_others(owner, simulator, settings):
    settings.RECOGNIZER_APIS = ["labels", "faces"]
    simulator.set(denied=["DetectFaces"])
    image = stored_images(owner, 1)[0]
    pipeline.request_analysis(image_ids=[image.pk])
    work("faces")
    work("labels")
    assert {analysis.api: analysis.state for analysis in image.analyses.all()} == {"labels": "done", "faces": "queued"}
    assert "rekognition:DetectFaces" in Outage.objects.get().message


def test_nothing_is_sent_without_redis(owner, simulator, settings):
    settings.REDIS = "unix:///nowhere/redis.sock"
    engine_runner.reset()
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    work()
    assert (simulator.statistics()["requests"], states()) == (0, {"queued": 1})
    engine_runner.reset()


def test_unstorable_characters_are_removed_from_response(owner, rekognition):
    rekognition.answers = [
        {"Labels": [{"Name": "A\0B", "Confidence": 90}], "LabelModelVersion": "3.0", "New": "\ud800"}
    ]
    image = stored_images(owner, 1)[0]
    pipeline.request_analysis(image_ids=[image.pk], apis=["labels"])
    work()
    assert Analysis.objects.get().state == "done"
    assert label_rows(image) == {"A\ufffdB": 90}


def test_truncated_response_counts_as_paid_and_is_retried(owner, simulator):
    simulator.set(malformed=100)
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    work()
    call = Call.objects.get()
    assert (call.outcome, call.error_code, call.price) == ("unknown", "AnswerCutShort", Decimal("0.00175"))
    simulator.set(malformed=0)
    work_until_done()
    assert states() == {"done": 1}


def test_unknown_response_fields_are_stored(owner, rekognition):
    rekognition.answers = [{"Labels": [], "LabelModelVersion": "4.0", "Mood": {"Name": "Calm"}}]
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk], apis=["labels"])
    work()
    assert Analysis.objects.get().answer == rekognition.answers[0]


def test_outage_ends_on_rejected_picture_and_is_deleted_without_open_work(owner, simulator):
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
    outages.delete_idle()
    assert Outage.objects.count() == 0


def test_image_deleted_during_request_does_not_affect_other_results(owner, rekognition):
    from analysis.library import removal

    gone, remaining = stored_images(owner, 2)
    pipeline.request_analysis(image_ids=[gone.pk, remaining.pk], apis=["labels"])
    claimed = claims.claim("rekognition", "labels", maximum=2, region="eu-central-1")
    removal.remove_image(gone)
    answer = Response("labels", "rekognition", "3.0", {"Labels": []}, "request-1", 5)
    save_results([AttemptResult(analysis, response=answer, region="eu-central-1") for analysis in claimed])
    assert states() == {"done": 1}
    assert sorted(Call.objects.values_list("analysis", flat=True), key=str) == [claimed[1].pk, None]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would find


def test_response_rejected_by_the_database_fails_alone(owner, rekognition):
    images = stored_images(owner, 3)
    pipeline.request_analysis(image_ids=[image.pk for image in images], apis=["labels"])
    claimed = claims.claim("rekognition", "labels", maximum=3, region="eu-central-1")
    answers = [Response("labels", "rekognition", "3.0", {"Labels": []}, "", latency) for latency in (1, 2**40, 1)]
    save_with_retry(
        [AttemptResult(analysis, response=answer, region="") for analysis, answer in zip(claimed, answers, strict=True)]
    )
    assert states() == {"done": 2, "failed": 1}
    assert Analysis.objects.get(state="failed").error_code == "UnstorableAnswer"


def test_only_one_of_equal_images_is_analyzed(owner, colleague, simulator):
    earlier, later = stored_images(owner, 1)[0], stored_images(colleague, 1)[0]
    pipeline.request_analysis(image_ids=[earlier.pk], is_bulk=True)
    pipeline.request_analysis(image_ids=[later.pk])
    assert [analysis.image_id for analysis in claims.claim("rekognition", "labels", maximum=1, region="us-east-1")] == [
        later.pk
    ]
    assert claims.claim("rekognition", "labels", maximum=1, region="us-east-1") == []


def test_requests_of_a_killed_worker_are_charged(owner, simulator):
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    claims.claim("rekognition", "labels", maximum=1, region="us-east-1")
    Analysis.objects.update(claimed_until=Now() - timedelta(seconds=1))
    claims.apis_with_due_work()
    call = Call.objects.get()
    assert (call.outcome, call.error_code, call.price) == ("unknown", "worker-lost", Decimal("0.00175"))
    assert (call.region, SpendEntry.objects.get().region) == ("us-east-1", "us-east-1")
    assert ledger.budget("rekognition").spent == Decimal("0.00175")


def test_leases_of_slow_calls_are_renewed(owner, simulator):
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    (analysis,) = claims.claim("rekognition", "labels", maximum=1, region="us-east-1")
    before = analysis.claimed_until
    claims.renew_leases([analysis])
    assert analysis.claimed_until > before
    Analysis.objects.update(claimed_until=Now() + timedelta(hours=1))  # someone else's by now
    ours = analysis.claimed_until
    claims.renew_leases([analysis])
    assert analysis.claimed_until == ours


def test_slow_probe_still_ends_the_outage(owner, simulator):
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
def test_deleted_analysis_does_not_affect_other_results(owner, simulator):
    first, second = (
        create_analysis(image, state="running", recognizer="rekognition", price=Decimal("0.001"))
        for image in stored_images(owner, 2)
    )
    Analysis.objects.filter(pk=first.pk).delete()
    response = Response(
        api="labels",
        recognizer="rekognition",
        model_version="3.0",
        content=labels_answer(Dog=90),
        request_id="1",
        latency_ms=1,
    )
    save_with_retry([AttemptResult(analysis, response=response, region="us-east-1") for analysis in (first, second)])
    second.refresh_from_db()
    assert second.state == "done"
    assert list(Call.objects.order_by("pk").values_list("analysis", flat=True)) == [None, second.pk]


def test_every_call_waits_for_room_where_the_quota_is_counted_by_the_second(owner, simulator, settings):
    settings.REKOGNITION_QUOTA = {"labels": "40"}
    limiter = engine_runner.limiter("rekognition", "labels")
    limiter._redis.delete(limiter._key, f"{limiter._key}:sent")
    now = limiter._redis.time()[0]
    limiter._redis.hset(limiter._key, "burst_at", now)
    limiter._redis.zadd(f"{limiter._key}:sent", {f"another worker's {number}": now + 1 for number in range(40)})
    pipeline.request_analysis(image_ids=[image.pk for image in stored_images(owner, 5)])
    work()
    assert states() == {"done": 5}
    sent = limiter._redis.zrange(f"{limiter._key}:sent", 0, -1, withscores=True)
    assert [at >= now + 1 + STRICT_WINDOW for name, at in sent if b"another" not in name] == [True] * 5
    assert max(Analysis.objects.values_list("latency_ms", flat=True)) < 900  # without the wait
    limiter._redis.delete(limiter._key, f"{limiter._key}:sent")


@pytest.mark.django_db(transaction=True)
def test_connection_lost_after_a_claim_leaves_nothing_claimed(owner, simulator):
    """Claims that nobody knows of would expire, and their prices count as paid."""
    pipeline.request_analysis(image_ids=[image.pk for image in stored_images(owner, 3)])
    database = connection.settings_dict
    lost = []

    def lose_connection_once(execute, sql, params, many, context):
        if "AS lookup (id, owner_id" in sql and not lost:
            lost.append(connection.connection.info.backend_pid)
            with psycopg.connect(
                host=database["HOST"], user=database["USER"], dbname=database["NAME"], autocommit=True
            ) as other:
                other.execute("SELECT pg_terminate_backend(%s)", lost)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(lose_connection_once):
        work()
        assert (len(lost), states()) == (1, {"queued": 3})
        work()
    assert states() == {"done": 3}
    assert (simulator.statistics()["paid"], Call.objects.count()) == (3, 3)


@pytest.fixture
def read_only_once(transactional_db):
    """The first save finds a read-only server, as right after a failover."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE SEQUENCE saves;
            CREATE FUNCTION refuse_first_save() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('saves') = 1 THEN
                    RAISE 'cannot execute UPDATE in a read-only transaction' USING ERRCODE = '25006';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse_first_save BEFORE UPDATE ON analysis_analysis
                FOR EACH ROW WHEN (NEW.state <> 'running') EXECUTE FUNCTION refuse_first_save();
            """
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION refuse_first_save CASCADE; DROP SEQUENCE saves")


def test_response_is_kept_until_a_failover_is_over(owner, simulator, read_only_once):
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    work()
    assert (states(), Call.objects.values_list("outcome", flat=True).get()) == ({"done": 1}, "answered")
