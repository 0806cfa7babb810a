"""The activity page: whose batches are told, what can be done to them, failures by cause."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from analysis.models import Batch
from tests.factories import create_analysis, create_bucket, create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
URL = "/activity/"


def a_batch(person=None, **fields):
    defaults = {"recognizer": "local", "parameters": {"labels": {}}, "asked": 10, "is_fully_queued": True}
    return Batch.objects.create(person=person, **{**defaults, **fields})


def rows(browser):
    return [row.id for row in browser.get(URL).context["rows"]]


def test_everybody_sees_their_own_batches_and_staff_all(owner, colleague, staff, signed_in):
    own, others, shell = a_batch(owner), a_batch(colleague), a_batch()
    assert rows(signed_in(owner)) == [own.pk]
    assert rows(signed_in(colleague)) == [others.pk]
    assert rows(signed_in(staff)) == [shell.pk, others.pk, own.pk]


def test_what_is_over_comes_last(owner, signed_in):
    over = a_batch(owner, state="done", finished_at=timezone.now())
    alive = a_batch(owner, state="paused")
    newest = a_batch(owner, state="cancelled", finished_at=timezone.now())
    assert rows(signed_in(owner)) == [alive.pk, newest.pk, over.pk]


def test_a_row_says_how_far_it_is(owner, signed_in):
    a_batch(owner, query="dog", done=3, failed=1, reused=2, dollars="0.5", budget=2, pace=2.0)
    row = signed_in(owner).get(URL).context["rows"][0]
    assert (row.title, row.ended, row.maximum) == ("dog", "4", "10")
    assert row.counts == ["4 of 10", "1 failed", "2 from the store"]
    assert row.figures == ["2.0 a second", "3 seconds left", "$0.50 of $2.00"]
    assert row.note == "Labels · by owner"


def test_it_asks_again_only_while_something_is_in_progress(owner, signed_in):
    browser = signed_in(owner)
    batch = a_batch(owner)
    assert Page(browser.get(URL)).by_id("batches")["hx-trigger"] == "every 2s"
    Batch.objects.filter(pk=batch.pk).update(state="paused")
    part = browser.get(URL, headers={"HX-Request": "true"})
    assert "hx-trigger" not in Page(part).by_id("batches")
    assert "<html" not in part.content.decode()
    create_analysis(create_image(owner), state="running", batch=batch)  # ends by itself
    assert "hx-trigger" in Page(browser.get(URL)).by_id("batches")


@pytest.mark.parametrize(
    "case",
    [
        ("running", "pause", "paused", "is paused; what is under way ends by itself."),
        ("paused", "pause", "paused", "was not running."),
        ("paused", "resume", "running", "goes on."),
        ("stopped", "resume", "running", "goes on."),
        ("running", "resume", "running", "had nothing to resume."),
        ("stopped", "cancel", "cancelled", "is cancelled; what is answered stays."),
        ("cancelled", "cancel", "cancelled", "was over already."),
    ],
)
def test_a_batch_is_steered(case, owner, signed_in):
    before, action, after, words = case
    batch = a_batch(owner, state=before, finished_at=timezone.now() if before == "cancelled" else None)
    browser = signed_in(owner)
    assert browser.post(reverse("steer", args=[batch.pk, action])).url == URL
    batch.refresh_from_db()
    assert batch.state == after
    assert f"Batch {batch.pk} {words}" in Page(browser.get(URL)).text


def test_others_batches_cannot_be_steered_but_by_staff(owner, colleague, staff, signed_in):
    batch = a_batch(owner)
    address = reverse("steer", args=[batch.pk, "pause"])
    assert signed_in(colleague).post(address).status_code == 404
    assert signed_in(owner).post(reverse("steer", args=[batch.pk, "explode"])).status_code == 404
    assert Batch.objects.get().state == "running"
    signed_in(staff).post(address)
    assert Batch.objects.get().state == "paused"


@pytest.mark.parametrize(
    "case",
    [
        ("7.50", "7.5", "running", "goes on."),
        ("$1,000", "1000", "running", "goes on."),
        ("", "5", "running", "goes on."),
        ("-1", "5", "stopped", "The budget is -1; it is US dollars, from 0 to 100,000."),
        ("NaN", "5", "stopped", "The budget is NaN; it is US dollars, from 0 to 100,000."),
        ("much", "5", "stopped", "“much” is not an amount in US dollars. Enter a number such as 20 or 0.50."),
    ],
)
def test_one_that_a_budget_stopped_goes_on_with_another(case, owner, signed_in):
    typed, budget, state, words = case
    batch, browser = a_batch(owner, state="stopped", budget=5), signed_in(owner)
    browser.post(reverse("steer", args=[batch.pk, "resume"]), {"budget": typed})
    batch.refresh_from_db()
    assert (batch.budget, batch.state) == (Decimal(budget), state)
    assert words in Page(browser.get(URL)).text


def causes(browser):
    found = browser.get(URL).context["failures"]
    return [(each.api, each.code, each.pictures, each.sentence, each.advice) for each in found]


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


def test_what_was_asked_again_or_lies_in_the_trash_failed_no_more(owner, signed_in):
    again, trashed = create_image(owner), create_image(owner, trashed_at=timezone.now())
    create_analysis(again, state="failed")
    create_analysis(again)
    create_analysis(trashed, state="failed")
    assert causes(signed_in(owner)) == []
    create_analysis(again, api="text", state="failed", is_sample=True)
    assert causes(signed_in(owner)) == []


def test_retrying_leads_to_what_it_would_cost(owner, staff, signed_in):
    create_analysis(create_image(owner), state="failed")
    asked = "/analyze/?q=is%3Afailed&scope=failed&code=InvalidImageFormatException&api=labels"
    assert signed_in(owner).get(URL).context["failures"][0].retry_url == asked
    assert signed_in(staff).get(URL).context["failures"][0].retry_url == f"{asked}&everybody=1"


def test_buckets_are_told_with_what_troubles_them(owner, colleague, signed_in):
    create_bucket(owner, trouble="AccessDenied.", report={"new": 1200, "kept": 0}, sync_started_at=timezone.now())
    create_bucket(owner, name="others", sync_started_at=timezone.now(), sync_ended_at=timezone.now())
    syncs = signed_in(owner).get(URL).context["syncs"]
    assert [(each.name, each.state_words, each.figures, each.trouble) for each in syncs] == [
        ("others", "compared just now", [], ""),
        ("photos", "comparing since just now", ["1,200 new"], "AccessDenied."),
    ]
    assert signed_in(colleague).get(URL).context["syncs"] == []


@pytest.mark.parametrize("number", [1, 3])
def test_it_takes_as_many_statements_for_one_as_for_three(number, owner, signed_in):
    for _ in range(number):
        a_batch(owner)
        create_analysis(create_image(owner), state="failed", error_code=f"code-{number}")
        create_bucket(owner, name=f"bucket-{Batch.objects.count()}")
    browser = signed_in(owner)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page = browser.get(URL)
    assert len(page.context["rows"]) == number
    assert len(asked) == 9
    assert not Page(page).inline()
