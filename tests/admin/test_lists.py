"""Lists: search, filters, invalid parameters, query counts."""

import functools
import re
from datetime import UTC, datetime
from urllib.parse import urljoin

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


def rows_of(page) -> list:
    return list(page.context["cl"].result_list)


def messages_of(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def test_sidebar_has_every_model_once():
    models = [item.model for section in sidebar.SECTIONS for item in section.items]
    assert sorted(map(str, models)) == sorted(map(str, admin.site._registry))


def test_sidebar_shows_sections(browser):
    page = browser.get(PICTURES).content.decode()
    for title in ("Library", "Recognition", "Buckets", "Access", "Internals"):
        assert re.search(rf">\s*{title}\s*<", page)


def test_image_list_uses_library_search(owner, browser):
    dog = create_labeled_image(owner, {"Dog": 98})
    create_labeled_image(owner, {"Cat": 98})
    assert rows_of(browser.get(PICTURES, {"q": "dog>=90"})) == [dog]
    assert rows_of(browser.get(PICTURES, {"q": "dog>=99"})) == []


def test_invalid_search_is_explained_and_shows_no_rows(owner, browser):
    create_image(owner)
    page = browser.get(PICTURES, {"q": 'dog "cat'})
    assert (rows_of(page), messages_of(page)) == (
        [],
        ["Invalid search, column 5: Unclosed quotation mark."],
    )
    assert messages_of(browser.get(ANALYSES, {"q": 'dog "cat'})) == messages_of(page)


def test_image_filters_narrow_search(owner, colleague, browser):
    bucket = create_bucket(owner)
    dog = create_labeled_image(owner, {"Dog": 80}, visibility=2, format="png")
    create_analysis(dog, api="text", state="failed")
    in_bucket = create_bucket_image(bucket, "a.jpg")
    theirs = create_image(colleague)
    trashed = create_image(owner, trashed_at=timezone.now())
    assert rows_of(browser.get(PICTURES)) == [theirs, in_bucket, dog]
    for params, expected in (
        ({"is": "failed"}, [dog]),
        ({"is": "trashed"}, [trashed]),
        ({"image_labels__label__id__exact": create_label("Dog").pk}, [dog]),
        ({"image_labels__label__id__exact": create_label("Dog").pk, "confidence_from": "81"}, []),
        ({"image_labels__label__id__exact": create_label("Dog").pk, "confidence_to": "80"}, [dog]),
        ({"image_labels__label__id__exact": create_label("Dog").pk, "confidence_to": "79.99"}, []),
        ({"owner__id__exact": colleague.pk}, [theirs]),
        ({"bucket__id__exact": bucket.pk}, [in_bucket]),
        ({"visibility": "public"}, [dog]),
        ({"by": "local"}, [dog]),
        ({"model": "3.0"}, [dog]),
        ({"has": "labels"}, [dog]),
        ({"format": "png"}, [dog]),
        ({"added_at_from": "2026-01-01", "added_at_to": "2030-01-01"}, [theirs, in_bucket, dog]),
        ({"added_at_to": "2025-12-31"}, []),
        ({"sort": "oldest"}, [dog, in_bucket, theirs]),
        ({"is": "failed", "q": "-dog"}, []),
    ):
        assert rows_of(browser.get(PICTURES, params)) == expected, params


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (
            {"is": "nonsense"},
            "Unknown value “nonsense”. Choose one of: pending, failed, untagged, reviewed, duplicate, trashed.",
        ),
        ({"owner__id__exact": "999999"}, "The user of this filter no longer exists."),
        ({"bucket__id__exact": "999999"}, "The bucket of this filter no longer exists."),
        ({"image_labels__label__id__exact": "999999"}, "The label of this filter no longer exists."),
        ({"confidence_from": "50"}, "To filter by confidence, choose a label too."),
        ({"confidence_from": "-1"}, "Invalid confidence “-1”. Enter 0 to 100 percent."),
        ({"confidence_to": "nan"}, "Invalid confidence “nan”. Enter 0 to 100 percent."),
        ({"added_at_from": "yesterday"}, "Invalid date “yesterday”. Use the format 2026-05-31."),
        (
            {"sort": "x"},
            "Can't sort by “x”. Choose one of: "
            "taken, taken-oldest, newest, oldest, confidence, name, size, similarity.",
        ),
    ],
)
def test_invalid_filter_is_explained_and_shows_no_rows(params, sentence, owner, browser):
    create_image(owner)
    page = browser.get(PICTURES, params)
    assert (rows_of(page), messages_of(page)) == ([], [sentence])


INVALID_PARAMS = (
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
INVALID_PARAMS += (
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
def test_invalid_params_do_not_break_list(model, browser):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    get = functools.cache(browser.get)  # most of them redirect to the same page
    for params in INVALID_PARAMS:
        page = get(f"{address}?{params}")
        while page.status_code == 302:
            page = get(urljoin(address, page.url))
        assert page.status_code in {200, 400}, params


def test_invalid_day_shows_all_rows_with_warning(browser):
    page = browser.get(ANALYSES, {"finished_at_from": "x"}, follow=True)
    assert messages_of(page) == ["Invalid filter; showing all rows."]


def test_invalid_choice_shows_all_rows_with_warning(browser):
    page = browser.get(ANALYSES, {"permanent": "maybe"}, follow=True)
    assert messages_of(page) == ["Invalid filter; showing all rows."]


def test_missing_row_is_reported(browser):
    page = browser.get(reverse("admin:analysis_image_change", args=[999_999]), follow=True)
    assert messages_of(page) == ["picture with ID “999999” doesn’t exist. Perhaps it was deleted?"]


def test_paginator_counts_up_to_cap():
    paginator = CappedPaginator(range(CAP + 5), 50)
    assert (paginator.count, paginator.capped_total) == (CAP, CAP + 5)


def test_empty_list_does_not_query_rows_twice(browser, django_assert_num_queries):
    with django_assert_num_queries(QUERIES["rating"] - 1):
        assert rows_of(browser.get(reverse("admin:analysis_rating_changelist"))) == []


def test_empty_list_names_reason(owner, browser):
    empty, address = "No ratings yet.", reverse("admin:analysis_rating_changelist")
    assert empty in browser.get(address).content.decode()
    Rating.objects.create(image=create_image(owner), person=owner)
    page = browser.get(address, {"rating_from": "5"}).content.decode()
    assert (empty in page, "No rows match this search and these filters." in page) == (False, True)


def test_statistics_columns_are_readable(owner, browser):
    LatencyStatistics.objects.create(start=timezone.now(), recognizer="local", api="labels", step=8, answers=1)
    ConfidenceStatistics.objects.create(step=17, labels=1)
    latency = browser.get(reverse("admin:analysis_latencystatistics_changelist")).content.decode()
    confidence = browser.get(reverse("admin:analysis_confidencestatistics_changelist")).content.decode()
    assert ("4–5 ms" in latency, "Day" in latency) == (True, True)
    assert ("85–90 %" in confidence, "All owners" in confidence) == (True, True)


def test_list_filtered_by_days_is_ordered_by_them(owner, browser):
    late, early, before = (
        create_analysis(create_image(owner), state="done", finished_at=datetime(2026, 3, day, tzinfo=UTC))
        for day in (5, 4, 1)
    )
    assert rows_of(browser.get(ANALYSES)) == [before, early, late]
    days = {"finished_at_from": "2026-03-04", "finished_at_to": "2026-03-05"}
    assert rows_of(browser.get(ANALYSES, days)) == [late, early]


def test_analyses_are_found_by_picture_and_request_id(owner, browser):
    dog = create_labeled_image(owner, {"Dog": 98})
    other = create_analysis(create_image(owner), state="failed")
    request_id = "0f8fad5b-d9cb-469f-a165-70867728950e"
    Call.objects.create(analysis=other, recognizer="local", api="labels", outcome="failed", request_id=request_id)
    assert rows_of(browser.get(ANALYSES, {"q": "dog"})) == list(dog.analyses.all())
    assert rows_of(browser.get(ANALYSES, {"q": request_id})) == [other]
    assert rows_of(browser.get(ANALYSES, {"state__exact": "failed"})) == [other]


def test_response_is_collapsed_and_escaped(owner, browser):
    analysis = create_analysis(create_image(owner), state="done", answer={"Name": "<script>alert(1)</script>"})
    page = browser.get(reverse("admin:analysis_analysis_change", args=[analysis.pk])).content.decode()
    assert "<summary>Raw response</summary>" in page
    assert "&quot;Name&quot;: &quot;&lt;script&gt;alert(1)" in page


def _create_rows(owner, number):
    """Add rows to every table that grows with the library."""
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
    "image": 8,
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
def test_list_needs_same_queries_for_one_and_three_rows(name, owner, browser, django_assert_num_queries):
    for number in (1, 2):
        _create_rows(owner, number)
        with django_assert_num_queries(QUERIES[name]):
            browser.get(reverse(f"admin:analysis_{name}_changelist"))
