"""Results reused from hidden pictures look like requests and cost nothing."""

import time
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.urls import reverse

from analysis import pipeline
from analysis.batches import lifecycle, queueing
from analysis.batches.options import build_batch
from analysis.batches.progress import progress
from analysis.batches.report import report_lines
from analysis.curation import trash
from analysis.models import Analysis, Batch, Call, Image, SpendEntry
from analysis.recognition import ledger
from analysis.recognition.response_cache import find_cached_responses
from analysis.storage import blobs
from tests import pictures
from tests.factories import create_image, label_rows
from tests.recognition.test_engine import work, work_until_done
from tests.web.pages import Page

pytestmark = pytest.mark.django_db

PRICE = Decimal("0.00175")


@pytest.fixture(autouse=True)
def latency(simulator):
    simulator.set(latency=30)


def stored(owner, *, seed: int = 0, **fields) -> Image:
    image = create_image(owner, orientation=1, width=160, height=120, sha256=f"{seed:064x}", **fields)
    blobs.put(image.key, pictures.jpeg(seed=seed))
    return image


def analyze(image: Image) -> Analysis:
    pipeline.request_analysis(image_ids=[image.pk])
    work_until_done()
    return Analysis.objects.get(image=image)


def run_over(person, **options) -> Batch:
    batch = build_batch(person_id=person.pk if person else None, **options)
    pipeline.run_batch(batch)
    queueing.queue_next(batch.pk)
    work_until_done()
    lifecycle.advance_batches()
    batch.refresh_from_db()
    return batch


def spent() -> dict:
    return SpendEntry.objects.aggregate(
        calls=Sum("calls"), reused=Sum("reused"), saved=Sum("saved"), dollars=Sum("dollars")
    )


def reported(analysis: Analysis) -> tuple:
    """The values that pages, statistics and reports read from a row."""
    return analysis.is_reused, analysis.price, bool(analysis.request_id), bool(analysis.latency_ms), analysis.attempts


@pytest.mark.parametrize("trashed", [False, True])
def test_reuse_of_a_hidden_picture_looks_like_a_request(owner, colleague, simulator, trashed):
    fields = {"visibility": Image.Visibility.PUBLIC} if trashed else {}
    hidden = stored(owner, **fields)
    first = analyze(hidden)
    if trashed:
        trash.trash([hidden.pk])
    second = analyze(stored(colleague))
    unrelated = analyze(stored(colleague, seed=5))
    assert reported(second) == reported(first) == reported(unrelated) == (False, PRICE, True, True, 1)
    assert second.answer == first.answer
    assert (simulator.statistics()["requests"], Call.objects.count()) == (2, 2)
    assert spent() == {"calls": 2, "reused": 1, "saved": PRICE, "dollars": 2 * PRICE}
    assert ledger.budget("rekognition").spent == 2 * PRICE


@pytest.mark.parametrize("visibility", [Image.Visibility.SHARED, Image.Visibility.PUBLIC])
def test_reuse_of_a_visible_picture_is_told(owner, colleague, simulator, visibility):
    analyze(stored(owner, visibility=visibility))
    assert reported(analyze(stored(colleague))) == (True, Decimal(0), False, False, 1)
    assert simulator.statistics()["requests"] == 1


def test_reuse_of_ones_own_picture_is_told(owner, simulator):
    first = stored(owner)
    analyze(first)
    trash.trash([first.pk])  # only there may one have the same bytes twice
    assert reported(analyze(stored(owner))) == (True, Decimal(0), False, False, 1)
    assert simulator.statistics()["requests"] == 1


def test_visible_source_is_preferred(owner, colleague, stranger, simulator):
    analyze(stored(owner, visibility=Image.Visibility.SHARED))
    analyze(stored(colleague))
    image = stored(stranger)
    pipeline.request_analysis(image_ids=[image.pk])
    (cached,) = find_cached_responses(list(Analysis.objects.filter(image=image))).values()
    assert cached.is_disclosed


def test_run_of_a_person_tells_the_same_with_and_without_the_hidden_picture(owner, colleague, stranger, simulator):
    for seed in range(3):
        analyze(stored(owner, seed=seed))
    for seed in range(3):
        stored(colleague, seed=seed)
        stored(stranger, seed=10 + seed)
    with_reuse, without = run_over(colleague), run_over(stranger)
    assert simulator.statistics()["requests"] == 6
    report, other = progress(with_reuse.pk), progress(without.pk)
    assert (
        (report.done, report.reused, report.dollars) == (other.done, other.reused, other.dollars) == (3, 0, 3 * PRICE)
    )
    lines = ["\n".join(report_lines(batch.pk)).replace(f"run {batch.pk}", "run") for batch in (with_reuse, without)]
    assert lines[0] == lines[1]


def test_budget_of_a_person_is_used_as_if_requests_were_sent(owner, colleague, settings, simulator):
    settings.PERSON_MONTHLY_BUDGET = Decimal("0.01")
    analyze(stored(owner))
    stored(colleague)
    run_over(colleague)
    assert ledger.remaining_person_budget("rekognition", colleague.pk) == Decimal("0.01") - PRICE
    assert spent()["dollars"] == PRICE


@pytest.mark.parametrize("is_shell", [True, False])
def test_run_over_all_owners_is_told_the_truth(owner, colleague, staff, simulator, is_shell):
    stored(owner)
    stored(colleague)
    batch = run_over(None if is_shell else staff, all_owners=True)
    report = progress(batch.pk)
    assert (report.done, report.reused, report.dollars) == (2, 1, PRICE)
    assert simulator.statistics()["requests"] == 1


def test_history_has_the_same_rows_for_both(owner, colleague, simulator, signed_in):
    analyze(stored(owner))
    reused, sent = stored(colleague), stored(colleague, seed=7)
    analyze(reused)
    analyze(sent)
    texts = [Page(signed_in(colleague).get(reverse("history", args=[image.pk]))).text for image in (reused, sent)]
    for term in ("Cost $0.00175", "Request ID", "Time"):
        assert [term in text for text in texts] == [True, True], texts
    assert ["same file" in text for text in texts] == [False, False]
    assert label_rows(reused)


def test_hidden_reuse_takes_as_long_as_the_request_did(owner, colleague, simulator):
    analyze(stored(owner))
    Analysis.objects.update(latency_ms=400)
    pipeline.request_analysis(image_ids=[stored(colleague).pk])
    started = time.monotonic()
    work()
    assert time.monotonic() - started >= 0.4
    assert set(Analysis.objects.values_list("state", "latency_ms")) == {("done", 400)}
    assert simulator.statistics()["requests"] == 1
