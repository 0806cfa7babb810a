"""Claims: how many analyses they take, whatever the query plan."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from analysis import pipeline
from analysis.models import Analysis, Batch
from analysis.models.analyses import LEASE
from analysis.recognition import claims
from analysis.recognition.response_cache import find_cached_responses, record_versions
from tests.factories import create_analysis, create_bucket, create_bucket_image, create_image
from tests.query_plans import rows_read

pytestmark = pytest.mark.django_db

EVERY_OTHER_WAY = ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize", "seqscan")


@pytest.mark.parametrize("only", ["", "AND is_bulk"])
def test_claim_respects_maximum_with_any_query_plan(owner, only):
    """A subquery that runs once per row would claim all rows, beyond the budget."""
    images = [create_image(owner) for _ in range(6)]
    pipeline.request_analysis(image_ids=[image.pk for image in images], apis=["labels"], is_bulk=True)
    name = Analysis.objects.values_list("recognizer", flat=True)[0]
    with connection.cursor() as cursor:
        for plan in EVERY_OTHER_WAY:
            cursor.execute(f"SET LOCAL enable_{plan} = off")
    assert len(claims._claim_rows(name, "labels", maximum=2, condition=only)) == 2
    assert Analysis.objects.filter(state="running").count() == 2


def test_bulk_work_fills_the_room_that_uploads_leave(owner, settings):
    settings.RECOGNIZER, settings.AWS_REGION, settings.MONTHLY_BUDGET = "rekognition", "us-east-1", 100
    images = [create_image(owner).pk for _ in range(10)]
    pipeline.request_analysis(image_ids=images[:4], apis=["labels"])
    pipeline.request_analysis(image_ids=images[4:], apis=["labels"], is_bulk=True)
    claimed = claims.claim("rekognition", "labels", maximum=9, region="us-east-1")
    assert [analysis.is_bulk for analysis in claimed] == [False] * 4 + [True] * 5


def test_lookup_of_same_bytes_reads_few_rows_without_statistics(owner):
    """Without statistics PostgreSQL might read all analyses for each row."""
    record_versions([("local", "labels", "3.0")])
    for number in range(200):
        create_analysis(create_image(owner), state="done" if number < 180 else "running", model_version="3.0")
    running = claims._with_images(list(Analysis.objects.filter(state="running").values_list("pk", flat=True)))
    with CaptureQueriesContext(connection) as queries:
        assert find_cached_responses(running) == {}
    with connection.cursor() as cursor:
        # Autovacuum may have counted the tables of an earlier test: the few pages of this one would then be read whole.
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert rows_read(queries[0]["sql"]) <= 200


def test_leases_and_delays_are_shortened_after_the_clock_was_set_back(owner):
    lost, queued = (create_analysis(create_image(owner), state=state) for state in ("running", "queued"))
    Analysis.objects.filter(pk=lost.pk).update(claimed_until=Now() + timedelta(hours=2))
    Analysis.objects.filter(pk=queued.pk).update(next_attempt_at=Now() + timedelta(hours=2))
    batch = Batch.objects.create(recognizer="local", rate=0.1, parameters={})
    paced = create_analysis(create_image(owner), state="queued", batch=batch, is_bulk=True)
    Analysis.objects.filter(pk=paced.pk).update(next_attempt_at=Now() + timedelta(hours=2))
    assert claims.apis_with_due_work() == [(queued.recognizer, queued.api)]
    later = dict(Analysis.objects.annotate(from_now=F("next_attempt_at") - Now()).values_list("pk", "from_now"))
    assert (later[queued.pk] <= timedelta(0), later[paced.pk] > timedelta(hours=1)) == (True, True)
    lost.refresh_from_db()
    assert timedelta(0) < lost.claimed_until - now() <= LEASE


def test_failed_pictures_of_a_bucket_are_those_whose_latest_analysis_failed(owner):
    bucket = create_bucket(owner)
    failed = {"state": "failed", "error_code": "storage", "finished_at": now()}
    images = [create_bucket_image(bucket, f"{number}.jpg") for number in range(4)]
    for image in images:
        create_analysis(image, **failed)
    create_analysis(images[1])  # done since
    create_analysis(images[2], is_sample=True)
    create_analysis(images[3], state="queued")
    create_analysis(create_image(owner), **failed)
    assert claims.latest_failed(bucket.pk) == [("labels", images[0].pk), ("labels", images[2].pk)]
