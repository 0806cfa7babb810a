import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis.models import Analysis, Image
from tests.factories import create_analysis, create_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(owner):
    image = create_image(owner, filename="<b>dog</b>.jpg")
    create_analysis(image, state="done", is_current=False, answer=labels_answer(Van=90, Dog=90, Sky=60))
    create_analysis(image, state="failed", error_message="The labels request failed with AccessDeniedException.")
    create_analysis(
        image,
        state="done",
        model_version="3.1",
        answer=labels_answer(Truck=80, Dog=90, Sky=75),
        price="0.00175",
        parameters={"max_labels": 100, "min_confidence": 55.0, "image_properties": True},
        request_id="request-7",
    )
    return image


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_history_shows_changes_and_cost(image, owner, signed_in):
    page = signed_in(owner).get(reverse("history", args=[image.pk]))
    text = words(page)
    for part in (
        "+ Truck 80 %",
        "− Van 90 %",
        "~ Sky 60 % → 75 %",
        "$0.00175",
        "request-7",
        "up to 100 labels, confidence ≥ 55 %, with colors",
        "The labels request failed with AccessDeniedException.",
        "Retry",
    ):
        assert part.replace(" %", "\u202f%") in text or part in text, part
    assert b"<b>dog" not in page.content


def test_replaced_original_separates_the_history(image, owner, signed_in):
    browser, address = signed_in(owner), reverse("history", args=[image.pk])
    assert "Original replaced" not in words(browser.get(address))
    last = Analysis.objects.latest("pk")
    before = timezone.now() - timedelta(hours=3)
    Analysis.objects.exclude(pk=last.pk).update(finished_at=before)
    Analysis.objects.filter(pk=last.pk).update(requested_at=before)  # and repeated in the same row
    Image.objects.update(original_replaced_at=timezone.now() - timedelta(hours=2))
    text = words(browser.get(address))
    replaced = "Original replaced 2 hours ago The file in the bucket changed. The analyses above are of the new file."
    assert text.index("+ Truck") < text.index(replaced) < text.index("AccessDeniedException")
    assert "Tags, ratings and confirmed or rejected labels are kept." in text
    Image.objects.update(original_replaced_at=timezone.now())
    text = words(browser.get(address))
    assert text.index("The new file has not been analyzed yet.") < text.index("+ Truck")
    page = words(browser.get(reverse("image", args=[image.pk])))
    assert "Original Replaced just now" in page


def test_older_result_is_pinned_and_unpinned(image, owner, signed_in):
    browser, older = signed_in(owner), Analysis.objects.order_by("pk")[0]
    browser.post(reverse("analysis-pin", args=[image.pk, older.pk]))
    assert label_rows(image) == {"Van": 90, "Dog": 90, "Sky": 60}
    assert "Use latest result" in words(browser.get(reverse("history", args=[image.pk])))
    browser.post(reverse("analysis-pin", args=[image.pk, older.pk]), {"unpin": "1"})
    assert label_rows(image) == {"Truck": 80, "Dog": 90, "Sky": 75}


def test_raw_response_is_unchanged(image, owner, signed_in):
    analysis = Analysis.objects.order_by("pk")[0]
    page = signed_in(owner).get(reverse("analysis-response", args=[image.pk, analysis.pk]))
    assert (page.json(), page["Content-Type"]) == (analysis.answer, "application/json")


def test_failed_analysis_cannot_be_pinned(image, owner, signed_in):
    failed = Analysis.objects.get(state="failed")
    assert signed_in(owner).post(reverse("analysis-pin", args=[image.pk, failed.pk])).status_code == 404


def test_history_query_count_is_constant(image, owner, signed_in, django_assert_num_queries):
    browser = signed_in(owner)
    with django_assert_num_queries(8):
        browser.get(reverse("history", args=[image.pk]))
