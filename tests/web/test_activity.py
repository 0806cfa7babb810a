"""Activity page: bulk runs, their actions, and failures by cause."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from analysis.models import Batch, Image
from analysis.web import batch_rows
from tests.factories import create_analysis, create_bucket, create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
URL = "/activity/"


def create_batch(person=None, **fields):
    defaults = {"recognizer": "local", "parameters": {"labels": {}}, "queued": 10, "is_fully_queued": True}
    return Batch.objects.create(person=person, **{**defaults, **fields})


def create_finished_batch(person, *images, **fields):
    """All analyses of these images failed."""
    batch = create_batch(person, state="done", finished_at=timezone.now(), failed=len(images), **fields)
    for image in images:
        create_analysis(image, state="failed", batch=batch)
    return batch


def row_ids(browser):
    return [int(row.id) for row in browser.get(URL).context["rows"]]


def first_row(browser):
    return browser.get(URL).context["rows"][0]


def update(browser) -> Page:
    return Page(browser.get(URL, headers={"HX-Request": "true"}))


def test_people_see_their_own_batches_and_staff_see_all(owner, colleague, staff, signed_in):
    own, others, shell = create_batch(owner), create_batch(colleague), create_batch()
    assert row_ids(signed_in(owner)) == [own.pk]
    assert row_ids(signed_in(colleague)) == [others.pk]
    assert row_ids(signed_in(staff)) == [shell.pk, others.pk, own.pk]


def test_finished_batches_come_last(owner, signed_in):
    finished = create_batch(owner, state="done", finished_at=timezone.now())
    paused = create_batch(owner, state="paused")
    newest = create_batch(owner, state="cancelled", finished_at=timezone.now())
    assert row_ids(signed_in(owner)) == [paused.pk, newest.pk, finished.pk]


def test_row_shows_progress(owner, signed_in):
    batch = create_batch(owner, query="dog", done=3, failed=1, reused=2, dollars="0.5", budget=2, pace=2.0)
    browser = signed_in(owner)
    row = first_row(browser)
    assert (row.title, row.ended, row.maximum) == ("dog", "4", "10")
    assert row.counts == ["4 of 10", "1 failed", "2 from cache"]
    assert row.figures == ["2.0 per second", "3 seconds left", "$0.50 of $2.00"]
    assert row.note == "Labels · by owner"
    assert f"#{batch.pk} · Labels · by owner" in Page(browser.get(URL)).text


def test_run_whose_last_analysis_ended_offers_neither_pause_nor_time_left(owner, signed_in):
    create_batch(owner, done=9, failed=1, pace=2.0)
    row = first_row(signed_in(owner))
    assert (row.state, row.state_label, row.can_change, row.figures) == ("running", "Finishing", False, [])


@pytest.mark.parametrize(
    ("fields", "figures"),
    [
        ({"done": 5}, ["0.5 per second", "10 seconds left"]),
        ({"done": 5, "queued": 0, "is_fully_queued": False}, ["0.5 per second"]),
        ({}, ["Estimating time left…"]),
    ],
)
def test_row_shows_rate_and_time_left_from_the_start(fields, figures, owner, signed_in):
    now = timezone.now()
    batch = create_batch(owner, **fields)
    Batch.objects.update(started_at=now - timedelta(seconds=10), changed_at=now - timedelta(seconds=10))
    batch.refresh_from_db()
    (progress,) = batch_rows.progress_of([batch])
    assert batch_rows._speed(progress, now) == figures


def test_average_since_the_start_is_not_shown_after_a_resume(owner, signed_in):
    now = timezone.now()
    batch = create_batch(owner, done=5)
    Batch.objects.update(started_at=now - timedelta(hours=2), changed_at=now)
    batch.refresh_from_db()
    (progress,) = batch_rows.progress_of([batch])
    assert batch_rows._speed(progress, now) == ["Estimating time left…"]


def test_page_polls_only_while_something_is_in_progress(owner, signed_in):
    browser = signed_in(owner)
    batch = create_batch(owner)
    assert Page(browser.get(URL)).by_id("batches")["hx-trigger"] == "every 2s"
    Batch.objects.filter(pk=batch.pk).update(state="paused")
    part = browser.get(URL, headers={"HX-Request": "true"})
    assert "hx-trigger" not in Page(part).by_id("batches")
    assert "<html" not in part.content.decode()
    create_analysis(create_image(owner), state="running", batch=batch)  # a pause lets it finish
    assert "hx-trigger" in Page(browser.get(URL)).by_id("batches")


def test_poll_updates_runs_and_failures_together(owner, signed_in):
    browser = signed_in(owner)
    create_batch(owner)
    assert "hx-swap-oob" not in Page(browser.get(URL)).by_id("failures")
    create_analysis(create_image(owner), state="failed", error_code="storage", error_message="The storage is away.")
    part = update(browser)
    assert part.by_id("failures")["hx-swap-oob"] == "true"
    assert "The storage is away." in part.text


def test_failed_run_is_marked_and_can_be_retried(owner, signed_in):
    images = [create_image(owner) for _ in range(4)]
    create_finished_batch(owner, *images, uses_id_list=True)
    browser = signed_in(owner)
    row = first_row(browser)
    assert (row.state_label, row.has_failures, row.retry.label) == ("Finished, 4 failed", True, "Retry 4 pictures")
    assert sorted(map(int, row.retry.ids.split(","))) == [image.pk for image in images]
    page = browser.post("/analyze/", {"ids": row.retry.ids, "scope": "failed", "chosen": "1", "api": row.retry.apis})
    assert (page.context["totals"][0], page.context["is_failed"]) == ("4 pictures", True)


def test_retry_leaves_out_pictures_that_were_retried_or_are_in_the_trash(owner, signed_in):
    retried, trashed, open_failure = (create_image(owner) for _ in range(3))
    create_finished_batch(owner, retried, trashed, open_failure)
    create_analysis(retried, state="done")
    Image.objects.filter(pk=trashed.pk).update(trashed_at=timezone.now())
    browser = signed_in(owner)
    assert first_row(browser).retry.ids == str(open_failure.pk)
    create_analysis(open_failure, state="done")
    assert first_row(browser).retry is None


def test_retry_of_many_pictures_is_a_link(owner, signed_in, monkeypatch):
    monkeypatch.setattr(batch_rows, "MAX_RETRY_IDS", 1)
    create_finished_batch(owner, create_image(owner), create_image(owner), query="dog")
    retry = first_row(signed_in(owner)).retry
    assert (retry.ids, retry.label, retry.url) == ("", "Retry failed", "/analyze/?q=dog+is%3Afailed&scope=failed")


def test_run_leads_to_its_pictures(owner, colleague, signed_in):
    image, other = create_image(owner, filename="dog.jpg"), create_image(owner, filename="cat.jpg")
    batch = create_finished_batch(owner, image, uses_id_list=True)
    browser = signed_in(owner)
    assert Page(browser.get(URL)).links["Selected pictures"] == f"/activity/{batch.pk}/"
    page = Page(browser.get(f"/activity/{batch.pk}/"))
    assert page.links["dog.jpg Failed"] == image.get_absolute_url()
    assert other.get_absolute_url() not in page.links.values()
    assert f"Bulk run {batch.pk}" in page.text
    assert "Finished, 1 failed" in page.text
    assert signed_in(colleague).get(f"/activity/{batch.pk}/").status_code == 404


def test_pictures_of_a_run_are_paged(owner, signed_in, monkeypatch):
    from analysis.web import activity

    monkeypatch.setattr(activity, "IMAGES_PER_PAGE", 2)
    images = [create_image(owner) for _ in range(3)]
    batch = create_finished_batch(owner, *images)
    first = signed_in(owner).get(f"/activity/{batch.pk}/")
    assert [card.id for card in first.context["cards"]] == [str(images[2].pk), str(images[1].pk)]
    second = signed_in(owner).get(Page(first).links["Show more"])
    assert [card.id for card in second.context["cards"]] == [str(images[0].pk)]
    assert "Show more" not in Page(second).links


@pytest.mark.parametrize(
    "case",
    [
        ("running", "pause", "paused", "is paused. Analyses in progress will finish."),
        ("paused", "pause", "paused", "wasn't running."),
        ("paused", "resume", "running", "is running again."),
        ("stopped", "resume", "running", "is running again."),
        ("running", "resume", "running", "wasn't paused or stopped."),
        ("stopped", "cancel", "cancelled", "is canceled. Results so far are kept."),
        ("cancelled", "cancel", "cancelled", "had already ended."),
    ],
)
def test_batch_is_paused_resumed_and_cancelled(case, owner, signed_in):
    before, action, after, message = case
    batch = create_batch(owner, state=before, finished_at=timezone.now() if before == "cancelled" else None)
    browser = signed_in(owner)
    assert browser.post(reverse("batch-action", args=[batch.pk, action])).url == URL
    batch.refresh_from_db()
    assert batch.state == after
    assert f"Bulk run {batch.pk} {message}" in Page(browser.get(URL)).text


def test_only_staff_change_the_batches_of_others(owner, colleague, staff, signed_in):
    batch = create_batch(owner)
    address = reverse("batch-action", args=[batch.pk, "pause"])
    assert signed_in(colleague).post(address).status_code == 404
    assert signed_in(owner).post(reverse("batch-action", args=[batch.pk, "explode"])).status_code == 404
    assert Batch.objects.get().state == "running"
    signed_in(staff).post(address)
    assert Batch.objects.get().state == "paused"


@pytest.mark.parametrize(
    "case",
    [
        ("7.50", "7.5", "running", "is running again."),
        ("$1,000", "1000", "running", "is running again."),
        ("", "5", "running", "is running again."),
        ("-1", "5", "stopped", "The budget must be from $0.00 to $100,000.00, not -1."),
        ("NaN", "5", "stopped", "The budget must be from $0.00 to $100,000.00, not NaN."),
        ("much", "5", "stopped", "“much” is not an amount in US dollars. Enter a number such as 20 or 0.50."),
    ],
)
def test_stopped_batch_resumes_with_another_budget(case, owner, signed_in):
    typed, budget, state, message = case
    batch, browser = create_batch(owner, state="stopped", budget=5), signed_in(owner)
    browser.post(reverse("batch-action", args=[batch.pk, "resume"]), {"budget": typed})
    batch.refresh_from_db()
    assert (batch.budget, batch.state) == (Decimal(budget), state)
    assert message in Page(browser.get(URL)).text


def causes(browser):
    failures = browser.get(URL).context["failures"]
    return [(row.api, row.code, row.pictures, row.sentence, row.advice) for row in failures]


def test_failures_are_grouped_by_cause(owner, colleague, staff, signed_in):
    for _ in range(2):
        create_analysis(create_image(owner), state="failed", is_permanent=True)
    create_analysis(create_image(owner), state="failed", error_code="storage", error_message="The storage is away.")
    create_analysis(create_image(colleague), state="failed", error_code="Throttling", error_message="Asked too fast.")
    own = [
        ("Labels", "InvalidImageFormatException", "2 pictures", "It is no picture.",
         "A retry will most likely fail again for this picture."),
        ("Labels", "storage", "1 picture", "The storage is away.", "Retry when the storage is available again."),
    ]  # fmt: skip
    others = ("Labels", "Throttling", "1 picture", "Asked too fast.",
              "All retries failed. Retry once the cause is fixed.")  # fmt: skip
    assert causes(signed_in(owner)) == own
    assert causes(signed_in(colleague)) == [others]
    assert causes(signed_in(staff)) == [own[0], others, own[1]]


def test_retried_and_trashed_pictures_are_not_failures(owner, signed_in):
    retried, trashed = create_image(owner), create_image(owner, trashed_at=timezone.now())
    create_analysis(retried, state="failed")
    create_analysis(retried)
    create_analysis(trashed, state="failed")
    assert causes(signed_in(owner)) == []
    create_analysis(retried, api="text", state="failed", is_sample=True)
    assert causes(signed_in(owner)) == []


def test_retry_of_a_cause_leads_to_its_estimate(owner, staff, signed_in):
    create_analysis(create_image(owner), state="failed")
    url = "/analyze/?q=is%3Afailed&scope=failed&code=InvalidImageFormatException&api=labels"
    assert signed_in(owner).get(URL).context["failures"][0].retry_url == url
    assert signed_in(staff).get(URL).context["failures"][0].retry_url == f"{url}&everybody=1"


def test_buckets_show_their_last_sync_and_errors(owner, colleague, signed_in):
    create_bucket(owner, last_error="AccessDenied.", report={"new": 1200, "kept": 0}, sync_started_at=timezone.now())
    create_bucket(owner, name="others", sync_started_at=timezone.now(), sync_ended_at=timezone.now())
    syncs = signed_in(owner).get(URL).context["syncs"]
    assert [(row.name, row.state_label, row.figures, row.last_error) for row in syncs] == [
        ("others", "synced just now", [], ""),
        ("photos", "syncing, started just now", ["New: 1,200"], "AccessDenied."),
    ]
    assert signed_in(colleague).get(URL).context["syncs"] == []


@pytest.mark.parametrize("number", [1, 3])
def test_page_takes_eleven_queries(number, owner, signed_in):
    for _ in range(number):
        create_finished_batch(owner, create_image(owner))
        create_analysis(create_image(owner), state="failed", error_code=f"code-{number}")
        create_bucket(owner, name=f"bucket-{Batch.objects.count()}")
    browser = signed_in(owner)
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(URL)
    assert len(page.context["rows"]) == number
    assert len(queries) == 11
    assert not Page(page).inline()
