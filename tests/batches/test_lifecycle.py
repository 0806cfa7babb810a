"""Batches from start to end: steps, pause, resume, budgets, reports."""

import re
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db.models.functions import Now

from analysis import pipeline
from analysis.batches import lifecycle, queueing, report
from analysis.batches.estimate import estimate
from analysis.batches.options import InvalidBatchOptions, build_batch
from analysis.batches.progress import fold, progress
from analysis.models import Analysis, Batch, BatchEntry, Call
from analysis.recognition import claims, engine_runner
from imagelib.simulator import run_simulator
from tests import pictures
from tests.factories import create_analysis, create_image

pytestmark = pytest.mark.django_db
PRICE = Decimal("0.00175")  # a labels call with IMAGE_PROPERTIES


@pytest.fixture(autouse=True)
def simulator(settings, monkeypatch):
    from analysis.recognition import registry

    with run_simulator() as simulator:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", simulator.address)
        settings.RECOGNIZER, settings.AWS_REGION = "rekognition", "us-east-1"
        settings.RECOGNIZER_APIS = ["labels"]
        settings.REKOGNITION_QUOTA = dict.fromkeys(Analysis.Api.values, "10000")
        registry.reset()
        yield simulator
    registry.reset()


def stored(owner, number):
    from analysis.storage import blobs

    images = [create_image(owner) for _ in range(number)]
    for position, image in enumerate(images):
        blobs.put(image.key, pictures.jpeg(seed=position))
    return images


def create_batch(**options) -> Batch:
    batch = build_batch(**{"all_owners": True, **options})
    pipeline.run_batch(batch)
    return batch


def work():
    engine_runner.run("rekognition", "labels")


def run_to_end(batch):
    """As the workers and the sweeper do it, until nothing more happens."""
    for _ in range(20):
        queueing.queue_next(batch.pk)
        work()
        lifecycle.advance_batches()
        batch.refresh_from_db()
        if batch.state != "running":
            return
    pytest.fail("the batch does not end")


def counts(batch):
    report = progress(batch.pk)
    return {"done": report.done, "failed": report.failed, "reused": report.reused, "waiting": report.waiting}


def test_batch_runs_to_its_end(owner, simulator):
    stored(owner, 5)
    batch = create_batch()
    run_to_end(batch)
    assert (batch.state, batch.images, batch.queued, batch.is_fully_queued) == ("done", 5, 5, True)
    assert counts(batch) == {"done": 5, "failed": 0, "reused": 0, "waiting": 0}
    assert progress(batch.pk).dollars == 5 * PRICE
    assert batch.finished_at is not None


def test_batch_is_queued_in_bounded_steps(owner):
    stored(owner, 5)
    batch = create_batch()
    queueing.queue_next(batch.pk, max_pending=2)
    assert batch.analyses.count() == 2
    queueing.queue_next(batch.pk, max_pending=2)
    assert batch.analyses.count() == 2
    assert report.report_lines(batch.pk)[1].startswith("2 analyses so far of 2 pictures by rekognition")
    Batch.objects.update(expected=5)
    assert report.report_lines(batch.pk)[1].startswith("2 of 5 analyses of 2 pictures by rekognition")
    work()
    queueing.queue_next(batch.pk, max_pending=2)
    work()
    queueing.queue_next(batch.pk, max_pending=2)
    batch.refresh_from_db()
    assert (batch.analyses.count(), batch.queued, batch.is_fully_queued) == (5, 5, True)


def test_search_that_is_no_longer_valid_pauses_the_batch_with_the_reason(owner):
    """For example after an update, if the language of searches has changed."""
    batch = create_batch()
    Batch.objects.update(query="dog OR")
    queueing.queue_next(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, bool(batch.reason)) == ("paused", True)


def test_limit_bounds_the_pictures(owner, simulator):
    stored(owner, 5)
    batch = create_batch(limit=2)
    run_to_end(batch)
    assert (batch.images, batch.queued, simulator.statistics()["requests"]) == (2, 2, 2)


def test_requests_use_the_batchs_parameters(owner, simulator):
    stored(owner, 1)
    batch = create_batch(min_confidence=80, max_labels=3)
    run_to_end(batch)
    parameters = batch.analyses.get().parameters
    assert (parameters["min_confidence"], parameters["max_labels"]) == (80, 3)


def test_pause_sends_no_more_requests_and_resume_completes(owner, simulator):
    stored(owner, 4)
    batch = create_batch()
    queueing.queue_next(batch.pk)
    assert lifecycle.pause(batch.pk)
    work()
    queueing.queue_next(batch.pk)
    assert (simulator.statistics()["requests"], counts(batch)["waiting"]) == (0, 4)
    assert not lifecycle.pause(batch.pk)
    assert pipeline.resume_batch(batch.pk)
    run_to_end(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("done", 4)
    assert not pipeline.resume_batch(batch.pk)


def test_analysis_requeued_after_the_pause_is_paused_too(owner):
    batch = create_batch()
    analysis = create_analysis(
        create_image(owner), state="running", recognizer="rekognition", batch=batch, is_bulk=True
    )
    lifecycle.pause(batch.pk)
    analysis.requeue(code="x", message="x", after=timedelta(0))
    lifecycle.advance_batches()
    assert Analysis.objects.get().state == "paused"


def test_batch_resumed_during_the_sweep_is_not_paused(owner):
    stored(owner, 1)
    batch = create_batch()
    queueing.queue_next(batch.pk)
    lifecycle._stop(batch.pk)  # as for one that was at rest a moment ago
    run_to_end(batch)
    assert (batch.state, Analysis.objects.get().state) == ("done", "done")


def test_sample_skips_analyses_of_a_paused_batch(owner):
    from analysis.batches import sampling

    images = stored(owner, 2)
    batch = create_batch()
    queueing.queue_next(batch.pk)
    lifecycle.pause(batch.pk)
    sample = sampling.sample_of(build_batch(all_owners=True))
    pipeline.run_batch(sample, named=[images[0].pk])
    run_to_end(sample)
    assert (sample.queued, sample.skipped) == (0, 1)
    pipeline.resume_batch(batch.pk)
    run_to_end(batch)
    assert Analysis.objects.filter(is_current=True).count() == 2


def test_trashed_pictures_do_not_count_as_pending(owner):
    images = stored(owner, 6)
    batch = create_batch()
    queueing.queue_next(batch.pk, max_pending=3)
    type(images[0]).objects.filter(analyses__batch=batch).update(trashed_at=Now())
    for _ in range(3):
        queueing.queue_next(batch.pk, max_pending=3)
        work()
    lifecycle.advance_batches()
    batch.refresh_from_db()
    assert (batch.state, counts(batch)) == ("done", {"done": 3, "failed": 0, "reused": 0, "waiting": 0})


def test_analysis_requested_by_a_user_leaves_the_batch_and_its_budget(owner, simulator):
    images = stored(owner, 4)
    batch = create_batch(budget=PRICE)
    queueing.queue_next(batch.pk)
    pipeline.request_analysis(image_ids=[image.pk for image in images[:3]])
    work()
    assert (simulator.statistics()["requests"], progress(batch.pk).dollars) == (4, PRICE)


def test_analysis_requested_by_a_user_survives_cancelling_the_batch(owner, simulator):
    (image,) = stored(owner, 1)
    batch = create_batch()
    queueing.queue_next(batch.pk)
    lifecycle.pause(batch.pk)
    assert pipeline.request_analysis(image_ids=[image.pk], is_bulk=True) == 1
    lifecycle.cancel(batch.pk)
    work()
    assert [analysis.state for analysis in image.analyses.all()] == ["done"]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_sample_requested_by_a_user_becomes_current(owner, state):
    image = create_image(owner)
    create_analysis(image, state=state, is_sample=True, is_bulk=True, recognizer="rekognition")
    pipeline.request_analysis(image_ids=[image.pk])
    assert [analysis.is_sample for analysis in image.analyses.all()] == [False]


def test_forced_request_of_a_queued_analysis_stays_forced(owner, simulator):
    (image,) = stored(owner, 1)
    run_to_end(create_batch())
    create_analysis(
        image, recognizer="rekognition", parameters=build_batch(all_owners=True).parameters["labels"], is_bulk=True
    )
    pipeline.request_analysis(image_ids=[image.pk], is_forced=True)
    work()
    assert simulator.statistics()["requests"] == 2


@pytest.mark.django_db(transaction=True)
def test_two_forced_batches_pay_once(owner, simulator):
    stored(owner, 2)
    run_to_end(create_batch())
    first, second = create_batch(is_forced=True), create_batch(is_forced=True)
    run_to_end(first)
    run_to_end(second)
    assert (simulator.statistics()["requests"], first.queued, second.queued) == (4, 2, 0)


@pytest.mark.parametrize(("then", "now", "budget"), [(True, False, "0.003"), (False, True, "0.0015")])
def test_budget_uses_the_prices_of_the_batchs_parameters(owner, settings, simulator, *, then, now, budget):
    """IMAGE_PROPERTIES changed since: the batch's own parameters set the price."""
    settings.IMAGE_PROPERTIES = then
    stored(owner, 3)
    batch = create_batch(budget=Decimal(budget))
    queueing.queue_next(batch.pk)
    settings.IMAGE_PROPERTIES = now
    run_to_end(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("stopped", 1)


def test_pictures_restored_after_the_end_do_not_use_its_budget(owner, simulator):
    images = stored(owner, 3)
    batch = create_batch(budget=2 * PRICE)
    queueing.queue_next(batch.pk)
    rest = type(images[0]).objects.filter(pk__in=[image.pk for image in images[1:]])
    rest.update(trashed_at=Now())
    run_to_end(batch)
    rest.update(trashed_at=None)
    work()
    assert (batch.state, simulator.statistics()["requests"]) == ("done", 1)


def test_upload_is_not_paused_with_the_batch(owner, simulator):
    images = stored(owner, 3)
    batch = create_batch()
    queueing.queue_next(batch.pk)
    lifecycle.pause(batch.pk)
    pipeline.request_analysis(image_ids=[images[0].pk])
    work()
    assert {analysis.image_id: analysis.state for analysis in Analysis.objects.all()} == {
        images[0].pk: "done",
        images[1].pk: "paused",
        images[2].pk: "paused",
    }


def test_cancel_deletes_queued_analyses_and_keeps_results(owner):
    stored(owner, 4)
    batch = create_batch()
    queueing.queue_next(batch.pk, max_pending=2)
    work()
    queueing.queue_next(batch.pk, max_pending=1)
    assert lifecycle.cancel(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, [analysis.state for analysis in batch.analyses.all()]) == ("cancelled", ["done", "done"])
    assert not lifecycle.cancel(batch.pk)
    assert not pipeline.resume_batch(batch.pk)


def test_budget_stops_the_batch_and_a_higher_one_resumes_it(owner, simulator):
    stored(owner, 5)
    batch = create_batch(budget=Decimal("0.004"))
    run_to_end(batch)
    assert (batch.state, batch.reason) == ("stopped", "Its budget of $0.004 is spent.")
    assert (simulator.statistics()["requests"], counts(batch)["waiting"]) == (2, 3)
    Batch.objects.update(budget=Decimal("0.007"))
    pipeline.resume_batch(batch.pk)
    run_to_end(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("stopped", 4)
    Batch.objects.update(budget=None)
    pipeline.resume_batch(batch.pk)
    run_to_end(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("done", 5)


def test_spent_budget_does_not_stop_another_batch(owner, simulator):
    images = stored(owner, 4)
    poor = create_batch(budget=Decimal(0), limit=2)
    queueing.queue_next(poor.pk)
    pipeline.request_analysis(image_ids=[images[0].pk, images[1].pk], is_bulk=True)
    work()
    assert (simulator.statistics()["requests"], counts(poor)["waiting"]) == (2, 2)


def test_monthly_budget_stops_the_batch(owner, settings, simulator):
    settings.MONTHLY_BUDGET = Decimal("0.002")
    stored(owner, 3)
    batch = create_batch()
    run_to_end(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("stopped", 1)
    assert batch.reason == "This month's budget for bulk runs, $0.002, is spent."


def test_two_batches_over_the_same_pictures_pay_once(owner, simulator):
    stored(owner, 3)
    first, second = create_batch(), create_batch()
    queueing.queue_next(first.pk)
    run_to_end(second)
    run_to_end(first)
    assert simulator.statistics()["requests"] == 3
    assert (counts(first)["done"], counts(second)["done"]) == (3, 0)
    third = create_batch()
    run_to_end(third)
    assert (third.queued, simulator.statistics()["requests"]) == (0, 3)


def test_analyses_of_a_paused_batch_move_to_the_running_one(owner, simulator):
    stored(owner, 3)
    resting, second = create_batch(), create_batch(min_confidence=70)
    queueing.queue_next(resting.pk)
    lifecycle.pause(resting.pk)
    run_to_end(second)
    assert (counts(resting)["waiting"], counts(second)["done"], simulator.statistics()["requests"]) == (0, 3, 3)
    assert {analysis.parameters["min_confidence"] for analysis in second.analyses.all()} == {70}


def test_sample_changes_nothing_and_is_paid_once(owner, simulator):
    from analysis.batches import sampling

    images = stored(owner, 4)
    batch = build_batch(all_owners=True)
    ids = sampling.draw_sample(batch, 2)
    assert len(ids) == 2
    assert set(ids) < {image.pk for image in images}
    sample = sampling.sample_of(batch)
    pipeline.run_batch(sample, named=ids)
    run_to_end(sample)
    assert not Analysis.objects.filter(is_current=True).exists()
    comparison = sampling.compare_sample(sample)
    assert (comparison.answers, comparison.first, comparison.lost) == (2, 2, {})
    assert estimate(batch).by_api["labels"].reused == 2
    pipeline.run_batch(batch)
    run_to_end(batch)
    assert (simulator.statistics()["requests"], counts(batch)["reused"]) == (4, 2)
    assert Analysis.objects.filter(is_current=True).count() == 4


def test_report_groups_failures_with_their_retry_command(owner, simulator):
    create_image(owner)  # without a blob
    stored(owner, 1)
    batch = create_batch()
    run_to_end(batch)
    assert (batch.state, counts(batch)) == ("done", {"done": 1, "failed": 1, "reused": 0, "waiting": 0})
    (cause,) = report.causes(batch)
    assert (cause.code, cause.number) == ("original-missing", 1)
    assert cause.command == "manage.py analyze_images --failed --error-code original-missing --apis labels"


def test_batch_ends_despite_trashed_and_deleted_pictures(owner):
    active, trashed, removed = stored(owner, 3)
    batch = create_batch()
    queueing.queue_next(batch.pk)
    type(active).objects.filter(pk=trashed.pk).update(trashed_at=Now())
    removed.delete()
    run_to_end(batch)
    assert (batch.state, counts(batch)["done"]) == ("done", 1)


def test_rate_limit_spaces_requests(owner):
    stored(owner, 4)
    batch = create_batch(rate=0.5)
    queueing.queue_next(batch.pk)
    due = list(batch.analyses.order_by("pk").values_list("next_attempt_at", flat=True))
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(due)]
    assert gaps == [2.0, 2.0, 2.0]
    work()
    assert counts(batch)["waiting"] == 4


def test_cost_of_a_lost_worker_counts(owner):
    batch = create_batch()
    lost = create_analysis(
        create_image(owner),
        state="running",
        recognizer="rekognition",
        batch=batch,
        price=PRICE,
        attempts=8,
        is_bulk=True,
    )
    Analysis.objects.filter(pk=lost.pk).update(claimed_until=Now())
    claims.apis_with_due_work()
    report = progress(batch.pk)
    assert (report.failed, report.dollars) == (1, PRICE)
    assert Call.objects.get().outcome == "unknown"


def test_entries_are_aggregated_and_update_the_throughput(owner):
    batch = create_batch()
    BatchEntry.objects.create(batch=batch, done=30, failed=2, reused=5, dollars=PRICE)
    before = counts(batch)
    fold()
    batch.refresh_from_db()
    assert (batch.done, batch.failed, batch.reused, batch.dollars) == (30, 2, 5, PRICE)
    assert counts(batch) == before
    assert (batch.pace > 0, BatchEntry.objects.count()) == (True, 0)
    fold()
    batch.refresh_from_db()
    assert batch.pace == 0


def test_progress_of_several_batches_takes_two_queries(owner, django_assert_num_queries):
    from analysis.batches.progress import progress_of

    for number in (1, 2):
        for _ in range(number):
            create_batch()
        with django_assert_num_queries(2):
            progress_of(Batch.objects.all())


def test_report_is_mailed(owner, mailoutbox):
    stored(owner, 1)
    batch = create_batch(mail_to="owner@example.org")
    run_to_end(batch)
    report.send_report(batch.pk)
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == (["owner@example.org"], f"imagelib: bulk run {batch.pk} is done")
    assert "1 analysis of 1 picture by rekognition: 1 done" in mail.body


def test_report_is_mailed_once_for_each_end_and_stop(owner, mailoutbox):
    stored(owner, 2)
    batch = create_batch(mail_to="owner@example.org", budget=PRICE)
    run_to_end(batch)
    assert report.pending_reports() == [batch.pk]
    report.send_report(batch.pk)
    report.send_report(batch.pk)
    assert (len(mailoutbox), report.pending_reports()) == (1, [])
    pipeline.resume_batch(batch.pk, budget=Decimal(1))
    run_to_end(batch)
    report.send_report(batch.pk)
    assert [mail.subject for mail in mailoutbox] == [
        f"imagelib: bulk run {batch.pk} is stopped by budget",
        f"imagelib: bulk run {batch.pk} is done",
    ]


def test_no_mail_without_an_address(owner, mailoutbox):
    report.send_report(create_batch().pk)
    assert mailoutbox == []


def test_estimate_counts_calls_cost_and_time_without_calls(owner, settings, simulator):
    settings.REKOGNITION_QUOTA = {"labels": "2"}
    for _ in range(4):
        create_image(owner)
    result = estimate(build_batch(all_owners=True))
    labels = result.by_api["labels"]
    assert (result.examined, result.images, labels.calls, labels.dollars) == (4, 4, 4, 4 * PRICE)
    assert (result.seconds, estimate(build_batch(all_owners=True, rate=1)).seconds) == (2, 4)
    assert (simulator.statistics()["requests"], Analysis.objects.count(), Batch.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": "dog ("}, "Invalid search, column 5: Unclosed"),
        ({"limit": 0}, "The limit must be at least 1 picture, not 0"),
        ({"budget": Decimal(-1)}, "The budget must be from $0.00 to $100,000.00, not -1."),
        ({"budget": Decimal("NaN")}, "The budget must be from $0.00 to $100,000.00, not NaN"),
        ({"rate": 0}, "The rate must be from 0.01 to 100,000 calls per second and API, not 0"),
        ({"apis": ["smell"]}, "rekognition does not support smell"),
        ({"apis": []}, "Choose at least one API of rekognition"),
        ({"enabled": ["smell"]}, "Choose at least one API of rekognition"),
        ({"min_confidence": 101}, "min_confidence must be a number from 0 to 100"),
        ({"max_labels": 0}, "max_labels must be a whole number"),
        ({"scope": "outdated", "older_than": "latest"}, "rekognition has no results yet"),
    ],
)
def test_invalid_options_are_refused_with_a_message(db, settings, options, message):
    settings.RECOGNIZER_APIS = options.pop("enabled", ["labels"])
    with pytest.raises(InvalidBatchOptions, match="^" + re.escape(message)):
        build_batch(all_owners=True, **options)
