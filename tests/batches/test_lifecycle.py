"""A batch from its start to its end: in bounded steps, paused, resumed, paid for once and within its budget."""

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
    for place, image in enumerate(images):
        blobs.put(image.key, pictures.jpeg(seed=place))
    return images


def a_batch(**wishes) -> Batch:
    batch = build_batch(**{"all_owners": True, **wishes})
    pipeline.run_batch(batch)
    return batch


def work():
    engine_runner.run("rekognition", "labels")


def through(batch):
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
    found = progress(batch.pk)
    return {"done": found.done, "failed": found.failed, "reused": found.reused, "waiting": found.waiting}


def test_from_its_start_to_its_end(owner, simulator):
    stored(owner, 5)
    batch = a_batch()
    through(batch)
    assert (batch.state, batch.images, batch.asked, batch.is_fully_queued) == ("done", 5, 5, True)
    assert counts(batch) == {"done": 5, "failed": 0, "reused": 0, "waiting": 0}
    assert progress(batch.pk).dollars == 5 * PRICE
    assert batch.finished_at is not None


def test_it_is_fully_queued_so_many_at_a_time(owner):
    stored(owner, 5)
    batch = a_batch()
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
    assert (batch.analyses.count(), batch.asked, batch.is_fully_queued) == (5, 5, True)


def test_no_more_pictures_than_its_limit(owner, simulator):
    stored(owner, 5)
    batch = a_batch(limit=2)
    through(batch)
    assert (batch.images, batch.asked, simulator.statistics()["requests"]) == (2, 2, 2)


def test_its_own_parameters_are_asked(owner, simulator):
    stored(owner, 1)
    batch = a_batch(min_confidence=80, max_labels=3)
    through(batch)
    asked = batch.analyses.get().parameters
    assert (asked["min_confidence"], asked["max_labels"]) == (80, 3)


def test_paused_nothing_more_is_sent_and_resumed_it_ends(owner, simulator):
    stored(owner, 4)
    batch = a_batch()
    queueing.queue_next(batch.pk)
    assert lifecycle.pause(batch.pk)
    work()
    queueing.queue_next(batch.pk)
    assert (simulator.statistics()["requests"], counts(batch)["waiting"]) == (0, 4)
    assert not lifecycle.pause(batch.pk)
    assert pipeline.resume_batch(batch.pk)
    through(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("done", 4)
    assert not pipeline.resume_batch(batch.pk)


def test_what_was_in_progress_when_it_was_paused_is_held_back_too(owner):
    batch = a_batch()
    analysis = create_analysis(
        create_image(owner), state="running", recognizer="rekognition", batch=batch, is_bulk=True
    )
    lifecycle.pause(batch.pk)
    analysis.requeue(code="x", message="x", after=timedelta(0))
    lifecycle.advance_batches()
    assert Analysis.objects.get().state == "paused"


def test_a_batch_resumed_while_the_sweeper_looks_is_not_held_back(owner):
    stored(owner, 1)
    batch = a_batch()
    queueing.queue_next(batch.pk)
    lifecycle._stop(batch.pk)  # as for one that was at rest a moment ago
    through(batch)
    assert (batch.state, Analysis.objects.get().state) == ("done", "done")


def test_a_sample_leaves_alone_what_a_paused_batch_holds_back(owner):
    from analysis.batches import sampling

    images = stored(owner, 2)
    batch = a_batch()
    queueing.queue_next(batch.pk)
    lifecycle.pause(batch.pk)
    sample = sampling.sample_of(build_batch(all_owners=True))
    pipeline.run_batch(sample, named=[images[0].pk])
    through(sample)
    assert (sample.asked, sample.skipped) == (0, 1)
    pipeline.resume_batch(batch.pk)
    through(batch)
    assert Analysis.objects.filter(is_current=True).count() == 2


def test_trashed_pictures_do_not_fill_its_window(owner):
    images = stored(owner, 6)
    batch = a_batch()
    queueing.queue_next(batch.pk, max_pending=3)
    type(images[0]).objects.filter(analyses__batch=batch).update(trashed_at=Now())
    for _ in range(3):
        queueing.queue_next(batch.pk, max_pending=3)
        work()
    lifecycle.advance_batches()
    batch.refresh_from_db()
    assert (batch.state, counts(batch)) == ("done", {"done": 3, "failed": 0, "reused": 0, "waiting": 0})


def test_what_somebody_asks_for_leaves_the_batch_and_its_budget(owner, simulator):
    images = stored(owner, 4)
    batch = a_batch(budget=PRICE)
    queueing.queue_next(batch.pk)
    pipeline.request_analysis(image_ids=[image.pk for image in images[:3]])
    work()
    assert (simulator.statistics()["requests"], progress(batch.pk).dollars) == (4, PRICE)


def test_what_is_asked_for_otherwise_does_not_end_with_a_cancelled_batch(owner, simulator):
    (image,) = stored(owner, 1)
    batch = a_batch()
    queueing.queue_next(batch.pk)
    lifecycle.pause(batch.pk)
    assert pipeline.request_analysis(image_ids=[image.pk], is_bulk=True) == 1
    lifecycle.cancel(batch.pk)
    work()
    assert [each.state for each in image.analyses.all()] == ["done"]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_sample_that_somebody_asks_for_counts(owner, state):
    image = create_image(owner)
    create_analysis(image, state=state, is_sample=True, is_bulk=True, recognizer="rekognition")
    pipeline.request_analysis(image_ids=[image.pk])
    assert [each.is_sample for each in image.analyses.all()] == [False]


def test_asking_again_by_force_is_not_forgotten_where_a_batch_had_it_waiting(owner, simulator):
    (image,) = stored(owner, 1)
    through(a_batch())
    create_analysis(
        image, recognizer="rekognition", parameters=build_batch(all_owners=True).parameters["labels"], is_bulk=True
    )
    pipeline.request_analysis(image_ids=[image.pk], is_forced=True)
    work()
    assert simulator.statistics()["requests"] == 2


@pytest.mark.django_db(transaction=True)
def test_two_that_force_pay_once(owner, simulator):
    stored(owner, 2)
    through(a_batch())
    first, second = a_batch(is_forced=True), a_batch(is_forced=True)
    through(first)
    through(second)
    assert (simulator.statistics()["requests"], first.asked, second.asked) == (4, 2, 0)


@pytest.mark.parametrize(("then", "now", "budget"), [(True, False, "0.003"), (False, True, "0.0015")])
def test_its_budget_is_kept_by_its_own_prices(owner, settings, simulator, *, then, now, budget):
    """IMAGE_PROPERTIES were switched on or off since: a call costs what the batch asks, not what is asked today."""
    settings.IMAGE_PROPERTIES = then
    stored(owner, 3)
    batch = a_batch(budget=Decimal(budget))
    queueing.queue_next(batch.pk)
    settings.IMAGE_PROPERTIES = now
    through(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("stopped", 1)


def test_pictures_restored_when_it_is_over_are_not_paid_from_its_budget(owner, simulator):
    images = stored(owner, 3)
    batch = a_batch(budget=2 * PRICE)
    queueing.queue_next(batch.pk)
    rest = type(images[0]).objects.filter(pk__in=[image.pk for image in images[1:]])
    rest.update(trashed_at=Now())
    through(batch)
    rest.update(trashed_at=None)
    work()
    assert (batch.state, simulator.statistics()["requests"]) == ("done", 1)


def test_somebody_who_waits_for_a_picture_is_not_held_back_with_the_batch(owner, simulator):
    images = stored(owner, 3)
    batch = a_batch()
    queueing.queue_next(batch.pk)
    lifecycle.pause(batch.pk)
    pipeline.request_analysis(image_ids=[images[0].pk])
    work()
    assert {each.image_id: each.state for each in Analysis.objects.all()} == {
        images[0].pk: "done",
        images[1].pk: "paused",
        images[2].pk: "paused",
    }


def test_cancelled_what_waits_is_forgotten_and_what_is_answered_stays(owner):
    stored(owner, 4)
    batch = a_batch()
    queueing.queue_next(batch.pk, max_pending=2)
    work()
    queueing.queue_next(batch.pk, max_pending=1)
    assert lifecycle.cancel(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, [each.state for each in batch.analyses.all()]) == ("cancelled", ["done", "done"])
    assert not lifecycle.cancel(batch.pk)
    assert not pipeline.resume_batch(batch.pk)


def test_its_budget_stops_it_and_a_higher_one_lets_it_go_on(owner, simulator):
    stored(owner, 5)
    batch = a_batch(budget=Decimal("0.004"))
    through(batch)
    assert (batch.state, batch.reason) == ("stopped", "Its budget of $0.004 is spent.")
    assert (simulator.statistics()["requests"], counts(batch)["waiting"]) == (2, 3)
    Batch.objects.update(budget=Decimal("0.007"))
    pipeline.resume_batch(batch.pk)
    through(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("stopped", 4)
    Batch.objects.update(budget=None)
    pipeline.resume_batch(batch.pk)
    through(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("done", 5)


def test_a_budget_of_one_batch_does_not_hold_up_another(owner, simulator):
    images = stored(owner, 4)
    poor = a_batch(budget=Decimal(0), limit=2)
    queueing.queue_next(poor.pk)
    pipeline.request_analysis(image_ids=[images[0].pk, images[1].pk], is_bulk=True)
    work()
    assert (simulator.statistics()["requests"], counts(poor)["waiting"]) == (2, 2)


def test_the_months_budget_stops_it(owner, settings, simulator):
    settings.MONTHLY_BUDGET = Decimal("0.002")
    stored(owner, 3)
    batch = a_batch()
    through(batch)
    assert (batch.state, simulator.statistics()["requests"]) == ("stopped", 1)
    assert batch.reason == "This month's budget for bulk runs, $0.002, is spent."


def test_two_batches_over_the_same_pictures_do_not_pay_twice(owner, simulator):
    stored(owner, 3)
    first, second = a_batch(), a_batch()
    queueing.queue_next(first.pk)
    through(second)
    through(first)
    assert simulator.statistics()["requests"] == 3
    assert (counts(first)["done"], counts(second)["done"]) == (3, 0)
    third = a_batch()
    through(third)
    assert (third.asked, simulator.statistics()["requests"]) == (0, 3)


def test_what_another_batch_holds_back_is_taken_over(owner, simulator):
    stored(owner, 3)
    resting, second = a_batch(), a_batch(min_confidence=70)
    queueing.queue_next(resting.pk)
    lifecycle.pause(resting.pk)
    through(second)
    assert (counts(resting)["waiting"], counts(second)["done"], simulator.statistics()["requests"]) == (0, 3, 3)
    assert {each.parameters["min_confidence"] for each in second.analyses.all()} == {70}


def test_a_sample_changes_nothing_and_is_not_paid_twice(owner, simulator):
    from analysis.batches import sampling

    images = stored(owner, 4)
    batch = build_batch(all_owners=True)
    ids = sampling.draw_sample(batch, 2)
    assert len(ids) == 2
    assert set(ids) < {image.pk for image in images}
    sample = sampling.sample_of(batch)
    pipeline.run_batch(sample, named=ids)
    through(sample)
    assert not Analysis.objects.filter(is_current=True).exists()
    found = sampling.compare_sample(sample)
    assert (found.answers, found.first, found.lost) == (2, 2, {})
    assert estimate(batch).by_api["labels"].reused == 2
    pipeline.run_batch(batch)
    through(batch)
    assert (simulator.statistics()["requests"], counts(batch)["reused"]) == (4, 2)
    assert Analysis.objects.filter(is_current=True).count() == 4


def test_failures_are_counted_and_named_with_their_retry(owner, simulator):
    create_image(owner)  # without a blob
    stored(owner, 1)
    batch = a_batch()
    through(batch)
    assert (batch.state, counts(batch)) == ("done", {"done": 1, "failed": 1, "reused": 0, "waiting": 0})
    (cause,) = report.causes(batch)
    assert (cause.code, cause.number) == ("original-missing", 1)
    assert cause.command == "manage.py analyze_images --failed --error-code original-missing --apis labels"


def test_pictures_trashed_or_removed_meanwhile_do_not_keep_it_from_ending(owner):
    kept, trashed, removed = stored(owner, 3)
    batch = a_batch()
    queueing.queue_next(batch.pk)
    type(kept).objects.filter(pk=trashed.pk).update(trashed_at=Now())
    removed.delete()
    through(batch)
    assert (batch.state, counts(batch)["done"]) == ("done", 1)


def test_a_pace_of_its_own_spaces_it_out(owner):
    stored(owner, 4)
    batch = a_batch(rate=0.5)
    queueing.queue_next(batch.pk)
    due = list(batch.analyses.order_by("pk").values_list("next_attempt_at", flat=True))
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(due)]
    assert gaps == [2.0, 2.0, 2.0]
    work()
    assert counts(batch)["waiting"] == 4


def test_what_a_lost_worker_cost_counts(owner):
    batch = a_batch()
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
    found = progress(batch.pk)
    assert (found.failed, found.dollars) == (1, PRICE)
    assert Call.objects.get().outcome == "unknown"


def test_entries_are_folded_and_give_the_pace(owner):
    batch = a_batch()
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


def test_progress_of_several_costs_two_statements(owner, django_assert_num_queries):
    from analysis.batches.progress import progress_of

    for number in (1, 2):
        for _ in range(number):
            a_batch()
        with django_assert_num_queries(2):
            progress_of(Batch.objects.all())


def test_the_report_is_mailed_to_who_asked(owner, mailoutbox):
    stored(owner, 1)
    batch = a_batch(mail_to="owner@example.org")
    through(batch)
    report.send_report(batch.pk)
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == (["owner@example.org"], f"imagelib: batch {batch.pk} is done")
    assert "1 analysis of 1 picture by rekognition: 1 done" in mail.body


def test_a_report_is_mailed_once_for_each_end_and_stop(owner, mailoutbox):
    stored(owner, 2)
    batch = a_batch(mail_to="owner@example.org", budget=PRICE)
    through(batch)
    assert report.pending_reports() == [batch.pk]
    report.send_report(batch.pk)
    report.send_report(batch.pk)
    assert (len(mailoutbox), report.pending_reports()) == (1, [])
    pipeline.resume_batch(batch.pk, budget=Decimal(1))
    through(batch)
    report.send_report(batch.pk)
    assert [mail.subject for mail in mailoutbox] == [
        f"imagelib: batch {batch.pk} is stopped by a budget",
        f"imagelib: batch {batch.pk} is done",
    ]


def test_without_an_address_no_mail_is_sent(owner, mailoutbox):
    report.send_report(a_batch().pk)
    assert mailoutbox == []


def test_an_estimate_counts_calls_money_and_time_and_calls_nothing(owner, settings, simulator):
    settings.REKOGNITION_QUOTA = {"labels": "2"}
    for _ in range(4):
        create_image(owner)
    found = estimate(build_batch(all_owners=True))
    labels = found.by_api["labels"]
    assert (found.looked_at, found.images, labels.calls, labels.dollars) == (4, 4, 4, 4 * PRICE)
    assert (found.seconds, estimate(build_batch(all_owners=True, rate=1)).seconds) == (2, 4)
    assert (simulator.statistics()["requests"], Analysis.objects.count(), Batch.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"query": "dog ("}, "Invalid search, column 5: Unclosed"),
        ({"limit": 0}, "The limit must be at least 1 picture, not 0"),
        ({"budget": Decimal(-1)}, "The budget must be from $0.00 to $100,000.00, not -1."),
        ({"budget": Decimal("NaN")}, "The budget must be from $0.00 to $100,000.00, not NaN"),
        ({"rate": 0}, "The rate must be from 0.01 to 100,000 calls per second and API, not 0"),
        ({"apis": ["smell"]}, "rekognition has "),
        ({"apis": []}, "rekognition has "),
        ({"switched_on": ["smell"]}, "rekognition has "),
        ({"min_confidence": 101}, "min_confidence must be a number from 0 to 100"),
        ({"max_labels": 0}, "max_labels must be a whole number"),
        ({"scope": "outdated", "older_than": "latest"}, "rekognition has no results yet"),
    ],
)
def test_a_wish_that_cannot_be_says_why(db, settings, wrong, sentence):
    settings.RECOGNIZER_APIS = wrong.pop("switched_on", ["labels"])
    with pytest.raises(InvalidBatchOptions, match="^" + re.escape(sentence)):
        build_batch(all_owners=True, **wrong)
