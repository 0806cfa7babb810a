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
        request_id="request-7",
    )
    return image


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_each_analysis_says_what_it_changed_and_cost(image, owner, signed_in):
    page = signed_in(owner).get(reverse("history", args=[image.pk]))
    said = words(page)
    for part in (
        "+ Truck 80 %",
        "− Van 90 %",
        "~ Sky 60 % → 75 %",
        "$0.00175",
        "request-7",
        "The labels request failed with AccessDeniedException.",
        "Retry",
    ):
        assert part.replace(" %", "\u202f%") in said or part in said, part
    assert b"<b>dog" not in page.content


def test_another_original_is_told_between_what_was_asked_about_each(image, owner, signed_in):
    browser, address = signed_in(owner), reverse("history", args=[image.pk])
    assert "Another original" not in words(browser.get(address))
    last = Analysis.objects.latest("pk")
    before = timezone.now() - timedelta(hours=3)
    Analysis.objects.exclude(pk=last.pk).update(finished_at=before)
    Analysis.objects.filter(pk=last.pk).update(requested_at=before)  # and asked again in the same row
    Image.objects.update(original_replaced_at=timezone.now() - timedelta(hours=2))
    said = words(browser.get(address))
    told = "Another original 2 hours ago The file in the bucket changed and was read again. What is above is about the"
    assert said.index("+ Truck") < said.index(told) < said.index("AccessDeniedException")
    assert "what people said of the picture stays." in said
    Image.objects.update(original_replaced_at=timezone.now())
    said = words(browser.get(address))
    assert said.index("Nothing has been asked about the new one yet;") < said.index("+ Truck")
    page = words(browser.get(reverse("image", args=[image.pk])))
    assert "Original Changed just now" in page


def test_going_back_to_an_older_answer_and_forward_again(image, owner, signed_in):
    browser, older = signed_in(owner), Analysis.objects.order_by("pk")[0]
    browser.post(reverse("analysis-pin", args=[image.pk, older.pk]))
    assert label_rows(image) == {"Van": 90, "Dog": 90, "Sky": 60}
    assert "Let the last answer count" in words(browser.get(reverse("history", args=[image.pk])))
    browser.post(reverse("analysis-pin", args=[image.pk, older.pk]), {"unpin": "1"})
    assert label_rows(image) == {"Truck": 80, "Dog": 90, "Sky": 75}


def test_the_answer_is_given_as_received(image, owner, signed_in):
    analysis = Analysis.objects.order_by("pk")[0]
    page = signed_in(owner).get(reverse("analysis-response", args=[image.pk, analysis.pk]))
    assert (page.json(), page["Content-Type"]) == (analysis.answer, "application/json")


def test_a_failed_analysis_cannot_be_chosen(image, owner, signed_in):
    failed = Analysis.objects.get(state="failed")
    assert signed_in(owner).post(reverse("analysis-pin", args=[image.pk, failed.pk])).status_code == 404


def test_the_page_costs_the_same_queries_however_much_was_asked(image, owner, signed_in, django_assert_num_queries):
    browser = signed_in(owner)
    with django_assert_num_queries(5):
        browser.get(reverse("history", args=[image.pk]))
