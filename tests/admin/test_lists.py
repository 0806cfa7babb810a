"""The lists: what they find, what they say of nonsense, what they cost."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from analysis.admin import sidebar
from analysis.admin.pagination import CAP, CappedPaginator
from analysis.models import (
    Batch,
    BucketObject,
    Call,
    ConfidenceStatistics,
    Face,
    Image,
    Label,
    LatencyStatistics,
    Rating,
    Upload,
    Verdict,
)
from tests.factories import (
    create_analysis,
    create_bucket,
    create_bucket_image,
    create_image,
    create_label,
    create_labeled_image,
)

pytestmark = pytest.mark.django_db

PICTURES = reverse("admin:analysis_image_changelist")
ANALYSES = reverse("admin:analysis_analysis_changelist")


@pytest.fixture
def browser(staff, signed_in):
    return signed_in(staff)


def shown(page) -> list:
    return list(page.context["cl"].result_list)


def said(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def test_every_model_has_its_place_in_the_sidebar():
    placed = [item.model for items in sidebar.SECTIONS.values() for item in items]
    assert sorted(map(str, placed)) == sorted(map(str, admin.site._registry))


def test_the_sidebar_shows_the_sections(browser):
    page = browser.get(PICTURES).content.decode()
    for title in ("Library", "Recognition", "Buckets", "Figures", "Access"):
        assert re.search(rf">\s*{title}\s*<", page)


def test_pictures_are_found_by_the_librarys_own_search(owner, browser):
    dog = create_labeled_image(owner, {"Dog": 98})
    create_labeled_image(owner, {"Cat": 98})
    assert shown(browser.get(PICTURES, {"q": "dog>=90"})) == [dog]
    assert shown(browser.get(PICTURES, {"q": "dog>=99"})) == []


def test_a_search_that_is_not_understood_says_what_is_wrong_and_shows_nothing(owner, browser):
    create_image(owner)
    page = browser.get(PICTURES, {"q": 'dog "cat'})
    assert (shown(page), said(page)) == ([], ["This search is not understood. Column 5: Unclosed quotation mark."])
    assert said(browser.get(ANALYSES, {"q": 'dog "cat'})) == said(page)


def test_each_filter_of_pictures_is_a_part_of_the_search(owner, colleague, browser):
    bucket = create_bucket(owner)
    dog = create_labeled_image(owner, {"Dog": 80}, visibility=2, format="png")
    create_analysis(dog, api="text", state="failed")
    kept = create_bucket_image(bucket, "a.jpg")
    theirs = create_image(colleague)
    gone = create_image(owner, trashed_at=timezone.now())
    assert shown(browser.get(PICTURES)) == [theirs, kept, dog]
    for asked, expected in (
        ({"is": "failed"}, [dog]),
        ({"is": "trashed"}, [gone]),
        ({"image_labels__label__id__exact": create_label("Dog").pk}, [dog]),
        ({"image_labels__label__id__exact": create_label("Dog").pk, "confidence_from": "81"}, []),
        ({"image_labels__label__id__exact": create_label("Dog").pk, "confidence_to": "80"}, [dog]),
        ({"image_labels__label__id__exact": create_label("Dog").pk, "confidence_to": "79.99"}, []),
        ({"owner__id__exact": colleague.pk}, [theirs]),
        ({"bucket__id__exact": bucket.pk}, [kept]),
        ({"visibility": "public"}, [dog]),
        ({"by": "local"}, [dog]),
        ({"model": "3.0"}, [dog]),
        ({"has": "labels"}, [dog]),
        ({"format": "png"}, [dog]),
        ({"added_at_from": "2026-01-01", "added_at_to": "2030-01-01"}, [theirs, kept, dog]),
        ({"added_at_to": "2025-12-31"}, []),
        ({"sort": "oldest"}, [dog, kept, theirs]),
        ({"is": "failed", "q": "-dog"}, []),
    ):
        assert shown(browser.get(PICTURES, asked)) == expected, asked


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"is": "nonsense"}, "“nonsense” is none of pending, failed, untagged, reviewed, duplicate, trashed."),
        ({"owner__id__exact": "999999"}, "The person of this filter is not there any more."),
        ({"bucket__id__exact": "999999"}, "The bucket of this filter is not there any more."),
        ({"image_labels__label__id__exact": "999999"}, "The label of this filter is not there any more."),
        ({"confidence_from": "50"}, "Confidence is that of a label: choose the label, too."),
        ({"confidence_from": "-1"}, "“-1” is no confidence; it is percent, from 0 to 100."),
        ({"confidence_to": "nan"}, "“nan” is no confidence; it is percent, from 0 to 100."),
        ({"added_at_from": "yesterday"}, "“yesterday” is no day; write it as 2026-05-31."),
        ({"sort": "x"}, "Pictures are not sorted by “x”, but by newest, oldest, taken, confidence, name, size."),
    ],
)
def test_a_filter_that_says_nothing_says_so_and_shows_nothing(asked, sentence, owner, browser):
    create_image(owner)
    page = browser.get(PICTURES, asked)
    assert (shown(page), said(page)) == ([], [sentence])


NONSENSE = (
    "rating_from=1e400",
    "permanent=maybe",
    "id__exact=x",
    "foo=1",
    "p=0",
    "p=99999",
    "owner__id__exact=x",
    "finished_at_from=x",
    "state=x",
    "p=x",
)
NONSENSE += (
    "rating_from=1e400",
    "confidence_to=-inf",
    "image_labels__label__id__exact=x",
    "confidence_from=x",
    "day__year=x",
    "q=%00",
    "all=",
    "e=1",
    "o=x.y",
)


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=str), ids=str)
def test_no_address_breaks_a_list(model, browser):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for nonsense in NONSENSE:
        assert browser.get(f"{address}?{nonsense}", follow=True).status_code in {200, 400}, nonsense


def test_what_cannot_be_looked_for_is_told(browser):
    page = browser.get(ANALYSES, {"finished_at_from": "x"}, follow=True)
    assert said(page) == ["This address asks for what cannot be looked for. All rows are shown instead."]


def test_neither_yes_nor_no_is_told(browser):
    page = browser.get(ANALYSES, {"permanent": "maybe"}, follow=True)
    assert said(page) == ["This address asks for what cannot be looked for. All rows are shown instead."]


def test_a_row_that_is_gone_is_told(browser):
    page = browser.get(reverse("admin:analysis_image_change", args=[999_999]), follow=True)
    assert said(page) == ["image with ID “999999” doesn’t exist. Perhaps it was deleted?"]


def test_counting_ends_at_the_cap():
    paginator = CappedPaginator(range(CAP + 5), 50)
    assert (paginator.count, paginator.found) == (CAP, CAP + 5)


def test_what_was_not_found_is_not_looked_for_again(browser, django_assert_num_queries):
    with django_assert_num_queries(QUERIES["rating"] - 1):
        assert shown(browser.get(reverse("admin:analysis_rating_changelist"))) == []


def test_a_list_without_rows_says_why(owner, browser):
    empty, address = "There is none yet.", reverse("admin:analysis_rating_changelist")
    assert empty in browser.get(address).content.decode()
    Rating.objects.create(image=create_image(owner), person=owner)
    page = browser.get(address, {"rating_from": "5"}).content.decode()
    assert (empty in page, "Nothing is found by this search and these filters." in page) == (False, True)


def test_figures_are_told_in_words(owner, browser):
    LatencyStatistics.objects.create(start=timezone.now(), recognizer="local", api="labels", step=8, answers=1)
    ConfidenceStatistics.objects.create(step=17, labels=1)
    latency = browser.get(reverse("admin:analysis_latencystatistics_changelist")).content.decode()
    confidence = browser.get(reverse("admin:analysis_confidencestatistics_changelist")).content.decode()
    assert ("4 to 5 ms" in latency, "a day" in latency) == (True, True)
    assert ("85–90 %" in confidence, "everybody" in confidence) == (True, True)


def test_within_days_the_last_comes_first(owner, browser):
    late, early, before = (
        create_analysis(create_image(owner), state="done", finished_at=datetime(2026, 3, day, tzinfo=UTC))
        for day in (5, 4, 1)
    )
    assert shown(browser.get(ANALYSES)) == [before, early, late]
    days = {"finished_at_from": "2026-03-04", "finished_at_to": "2026-03-05"}
    assert shown(browser.get(ANALYSES, days)) == [late, early]


def test_analyses_are_found_by_their_pictures_and_by_request_id(owner, browser):
    dog = create_labeled_image(owner, {"Dog": 98})
    other = create_analysis(create_image(owner), state="failed")
    request_id = "0f8fad5b-d9cb-469f-a165-70867728950e"
    Call.objects.create(analysis=other, recognizer="local", api="labels", outcome="failed", request_id=request_id)
    assert shown(browser.get(ANALYSES, {"q": "dog"})) == list(dog.analyses.all())
    assert shown(browser.get(ANALYSES, {"q": request_id})) == [other]
    assert shown(browser.get(ANALYSES, {"state__exact": "failed"})) == [other]


def test_answers_are_folded_and_escaped(owner, browser):
    analysis = create_analysis(create_image(owner), state="done", answer={"Name": "<script>alert(1)</script>"})
    page = browser.get(reverse("admin:analysis_analysis_change", args=[analysis.pk])).content.decode()
    assert "<summary>As received</summary>" in page
    assert "&quot;Name&quot;: &quot;&lt;script&gt;alert(1)" in page


def _rows(owner, number):
    """So many rows more of every table that grows with the library."""
    bucket = create_bucket(owner, prefix=f"{number}-{Image.objects.count()}")
    for _ in range(number):
        image = create_labeled_image(owner, {"Dog": 98})
        label = Label.objects.create(kind="tag", name=f"tag {image.pk}")
        analysis = create_analysis(image, api="faces", state="failed", batch=Batch.objects.create(recognizer="local"))
        Call.objects.create(analysis=analysis, recognizer="local", api="labels", outcome="answered")
        Verdict.objects.create(image=image, label=label, decision="confirmed", by=owner)
        Face.objects.create(image=image, left=0, top=0, width=1, height=1, confidence=99)
        Rating.objects.create(image=image, person=owner)
        BucketObject.objects.create(bucket=bucket, key=f"{image.pk}.jpg", image=image)
        Upload.objects.create(owner=owner, key=f"k{image.pk}", filename="a", size=1, expires_at=timezone.now())


QUERIES = {
    "image": 6,
    "label": 5,
    "verdict": 4,
    "rating": 4,
    "analysis": 5,
    "batch": 4,
    "call": 4,
    "face": 4,
    "imageindex": 4,
    "bucketobject": 4,
    "upload": 4,
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_list_costs_the_same_at_one_and_three_rows(name, owner, browser, django_assert_num_queries):
    for more in (1, 2):
        _rows(owner, more)
        with django_assert_num_queries(QUERIES[name]):
            browser.get(reverse(f"admin:analysis_{name}_changelist"))
