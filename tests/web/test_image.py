"""The image page: results, boxes, metadata, pending and failed analyses."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from analysis.models import Analysis, Label, Verdict
from analysis.permissions import viewer_of
from analysis.recognition.reindex_images import reindex
from analysis.search.results import image_ids
from analysis.search.syntax.parser import parse
from tests import rekognition_responses
from tests.factories import create_analysis, create_image, labels_answer
from tests.web.pages import Page, address_for

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def look(browser, image, **parameters) -> Page:
    return Page(browser.get(address_for(browser, image), parameters))


def analyzed(owner, *, fields=None, **contents):
    """A picture with a current result of each given API."""
    image = create_image(owner, **(fields or {}))
    for api, answer in contents.items():
        create_analysis(image, api=api, state="done", answer=answer, recognizer="rekognition", model_version="3.0")
    reindex([image.pk])
    return image


# --- What was found ---


def test_labels_are_grouped_by_category_and_confidence(owner, browser):
    image = analyzed(
        owner,
        labels={
            "Labels": [
                rekognition_responses.label("Car", 88, category="Vehicles"),
                rekognition_responses.label(
                    "Dog", 98.6, instances=(rekognition_responses.instance(), rekognition_responses.instance(left=0.5))
                ),
                rekognition_responses.label("Pet", 97, category="Animals and Pets"),
            ]
        },
    )
    page = look(browser, image)
    assert "Animals and Pets Dog × 2 98 % Pet 97 % Vehicles Car 88 %" in page.text
    assert page.links["Dog"] == "/?q=Dog"
    assert [element["class"] for element in page.all("svg", "confidence-bar")] == [
        "confidence-bar sure",
        "confidence-bar sure",
        "confidence-bar likely",
    ]
    assert [element["width"] for element in page.all("rect", "confidence-bar-fill")] == ["98.6", "97.0", "88.0"]


def test_labels_say_which_local_model_named_them(owner, browser):
    entries = [
        {**rekognition_responses.label(name, percent), "DetectedBy": [{"Name": model} for model in models]}
        for name, percent, models in (
            ("Dog", 98, ["detector"]),
            ("Pet", 97, ["classifier", "detector"]),
            ("Cat", 96, []),
        )
    ]
    page = look(browser, analyzed(owner, labels={"Labels": entries}))

    confidences = page.all("span", "detection-confidence")
    assert [element.get("title") for element in confidences] == [
        "Found by the local detector",
        "Found by the local classifier and detector",
        None,
    ]
    assert "98 % Found by the local detector" in page.text


def test_verdicts_count_and_hidden_labels_do_not(owner, browser):
    image = analyzed(owner, labels=labels_answer(Dog=60, Cat=90, Thing=99))
    Label.objects.filter(name="Thing").update(is_hidden=True)
    for name, decision in (("Dog", "confirmed"), ("Cat", "rejected")):
        Verdict.objects.create(image=image, label=Label.objects.get(name=name), decision=decision, by=owner)
    reindex([image.pk])
    page = look(browser, image)
    assert "Dog 100 %" in page.text
    assert "Cat" not in page.links
    assert "Thing" not in page.links


def test_boxes_are_connected_with_their_rows(owner, browser):
    instance = rekognition_responses.instance(96.5, left=0.1, top=0.2, width=0.3, height=0.4)
    image = analyzed(
        owner,
        fields={"width": 2000, "height": 1000},
        labels={"Labels": [rekognition_responses.label("Dog", instances=(instance,))]},
    )
    page = look(browser, image)
    drawing = page.by_id("boxes")
    assert (drawing["viewbox"], drawing["width"]) == ("0 0 1000.0 500.0", "1600")
    box = page.all("rect", "box")[0]
    assert [box[side] for side in ("x", "y", "width", "height")] == ["100.0", "100.0", "300.0", "200.0"]
    assert box["data-confidence"] == "96.50"
    row = page.all("li", "detection-row")[0]
    assert box["data-highlight"] == row["data-highlight"] == "label-0"


def test_faces_and_text_are_listed(owner, browser):
    image = analyzed(owner, faces=rekognition_responses.faces(), text=rekognition_responses.text())
    page = look(browser, image)
    assert "Faces 1 Face 1 29–39 years, smiling, happy 99 %" in page.text
    assert "Text 2 KEEP LEFT 99 % exit 99 %" in page.text
    assert (page.all("form", "labels"), "No labels found." in page.text) == ([], False)


def test_face_and_label_share_a_box(owner, browser):
    box = {"left": 0.27, "top": 0.1, "width": 0.2, "height": 0.3}
    image = analyzed(
        owner,
        labels={
            "Labels": [rekognition_responses.label("Face", 99, instances=(rekognition_responses.instance(99, **box),))]
        },
        faces=rekognition_responses.faces(rekognition_responses.face(BoundingBox=rekognition_responses.box(**box))),
    )
    assert [element["data-highlight"] for element in look(browser, image).all("rect", "box")] == ["label-0 face-0"]


def test_colors_and_quality_come_from_the_picture(owner, browser):
    properties = {
        "DominantColors": [rekognition_responses.color((214, 84, 38), "chocolate", "orange", 31.4)],
        "Quality": {"Brightness": 71.2, "Sharpness": 88.9, "Contrast": 64.4},
    }
    page = look(browser, analyzed(owner, labels={"Labels": [], "ImageProperties": properties}))
    assert "Colors chocolate 31 % Brightness 71 % Sharpness 88 % Contrast 64 %" in page.text
    assert "Labels No labels found." in page.text
    assert {"fill": "#d65426"}.items() <= page.all("rect")[-4].items()


def test_sources_name_recognizer_and_date(owner, browser):
    image = analyzed(owner, labels=labels_answer(Dog=98))
    Analysis.objects.update(latency_ms=1234)
    assert "Labels rekognition 3.0 1,234 ms just now" in look(browser, image).text


def test_metadata_is_shown_and_location_on_demand(owner, browser):
    fields = {
        "width": 4000, "height": 3000, "size": 5_300_000, "format": "heic", "camera_make": "Apple",
        "camera_model": "iPhone 15", "latitude": -33.8568, "longitude": 151.2153,
        "taken_at": datetime(2025, 5, 3, 14, 5, tzinfo=UTC),
    }  # fmt: skip
    image = create_image(owner, **fields)
    page = look(browser, image)
    assert (
        "Dimensions 4,000 × 3,000 px Format HEIC Size 5.3 MB Taken 3 May 2025, 14:05 Camera Apple iPhone 15 Added"
        in page.text
    )
    content = browser.get(image.get_absolute_url()).content.decode()
    closed = re.search(r'<details class="metadata-location">(.*?)</details>', content, re.DOTALL)
    assert "33.85680° S, 151.21530° E" in closed[1]
    rest = re.sub(r'<details class="(metadata-location|edit-details)">.*?</details>', "", content, flags=re.DOTALL)
    assert "151.2" not in rest


@pytest.mark.parametrize(
    ("offset", "exact"),
    [
        (None, "5 June 2021, 23:30:00 (time zone unknown)"),
        (120, "5 June 2021, 23:30:00 UTC+02:00"),
        (-210, "5 June 2021, 23:30:00 UTC-03:30"),
        (0, "5 June 2021, 23:30:00 UTC+00:00"),
    ],
)
def test_camera_time_is_independent_of_the_site_time_zone(owner, browser, *, staff, signed_in, settings, offset, exact):
    settings.TIME_ZONE = "Asia/Tokyo"
    image = create_image(owner, taken_at=datetime(2021, 6, 5, 23, 30, tzinfo=UTC), taken_offset=offset)
    page = look(browser, image)
    assert "Taken 5 June 2021" in page.text
    assert exact in browser.get(image.get_absolute_url()).content.decode()
    for query, expected in (("taken:2021-06-05", [image.pk]), ("taken:2021-06-06", [])):
        assert image_ids(parse(query), viewer=viewer_of(owner), limit=5) == expected
    admin = signed_in(staff).get(reverse("admin:analysis_image_change", args=[image.pk]))
    assert exact in admin.content.decode()


def test_anonymous_viewers_see_no_names_and_no_location(owner, nobody):
    image = create_image(owner, visibility=2, latitude=1.5, longitude=2.5)
    page = look(nobody, image)
    assert "Dimensions" in page.text
    revealed = [secret for secret in ("owner", "Owner", "1.50000", "Visibility", "Download") if secret in page.text]
    assert revealed == []
    assert page.links["Sign in"].startswith(reverse("login"))


def test_unanalyzed_picture_can_be_analyzed(owner, browser, colleague, signed_in):
    image = create_image(owner, visibility=1)
    assert "This picture has not been analyzed. Analyze" in look(browser, image).text
    assert "Analyze" not in look(signed_in(colleague), image).text.replace("analyzed", "")


def test_hostile_text_is_escaped_and_nothing_is_inline(owner, browser):
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    image = analyzed(
        owner,
        fields={"filename": f"{hostile}.jpg", "camera_model": hostile, "pk": 1_204_567, "placeholder": b"tiny"},
        labels={
            "Labels": [
                rekognition_responses.label(hostile, category=hostile, instances=(rekognition_responses.instance(),))
            ]
        },
        faces=rekognition_responses.faces(),
        text={"TextDetections": [rekognition_responses.text_detection(hostile, 0)]},
    )
    create_analysis(image, api="moderation", state="failed", error_message=hostile)
    page = look(browser, image, q=f'"{hostile[2:]}"')
    assert page.inline() == []
    assert [element for element in page.all("img") if element["src"] == "x"] == []
    assert len(page.all("text")) == 2
    assert "/images/1204567/original" in page.links.values()


@pytest.mark.parametrize("number", [1, 3])
def test_image_page_takes_fourteen_queries(owner, browser, number, django_assert_num_queries):
    image = analyzed(
        owner,
        labels=labels_answer(**{f"Label_{index}": 90.0 for index in range(number)}),
        faces=rekognition_responses.faces(*[rekognition_responses.face()] * number),
    )
    # session, person; picture; latest and current analyses, verdicts, labels; one's own mark;
    # permissions of the person and of their groups; ids of the search, neighbors; collections
    with django_assert_num_queries(14):
        look(browser, image)


# --- Pending and failed analyses ---


def test_panel_polls_only_while_analyses_are_pending(owner, browser):
    image = create_image(owner)
    analysis = create_analysis(image)
    panel = look(browser, image).by_id("panel")
    assert (panel["hx-trigger"], panel["hx-swap"]) == ("every 500ms", "outerHTML")
    assert browser.get(panel["hx-get"], **HTMX).status_code == 204  # as it is on the page already

    Analysis.objects.filter(pk=analysis.pk).update(state="running", claimed_until="2030-01-01T00:00Z")
    running = Page(browser.get(panel["hx-get"], **HTMX))
    assert "Labels Analyzing" in running.text
    assert running.by_id("panel")["hx-get"] != panel["hx-get"]

    Analysis.objects.filter(pk=analysis.pk).update(
        state="done", claimed_until=None, finished_at="2026-01-01T00:00Z", is_current=True, model_version="3.0",
        answer={"Labels": [rekognition_responses.label("Dog", instances=(rekognition_responses.instance(),))]},
    )  # fmt: skip
    reindex([image.pk])
    done = Page(browser.get(running.by_id("panel")["hx-get"], **HTMX))
    assert done.by_id("panel") == {"id": "panel"}
    assert done.by_id("boxes")["hx-swap-oob"] == "true"
    assert len(done.all("rect", "box")) == 1
    assert done.links["Dog"] == "/?q=Dog"


def test_labels_are_shown_although_faces_failed(owner, browser):
    image = analyzed(owner, labels=labels_answer(Dog=98))
    create_analysis(image, api="faces", state="failed", error_message="The faces request failed with Throttled: busy.")
    page = look(browser, image)
    passing = "All retries failed. Retry once the cause is fixed."
    assert f"Faces Failed The faces request failed with Throttled: busy. {passing} Retry" in page.text
    assert page.links["Dog"] == "/?q=Dog"
    assert page.by_id("panel") == {"id": "panel"}


def test_permanent_failure_can_be_retried(owner, browser):
    image = create_image(owner)
    create_analysis(image, state="failed", is_permanent=True)
    page = look(browser, image)
    assert "It is no picture. A retry will most likely fail again for this picture. Retry" in page.text


def test_waiting_retry_shows_its_error(owner, browser):
    image = create_image(owner)
    create_analysis(image, error_code="Busy", error_message="Too many requests.")
    assert "Labels Waiting to retry Too many requests." in look(browser, image).text


def test_only_the_owner_can_retry(owner, colleague, signed_in):
    image = create_image(owner, visibility=1)
    create_analysis(image, state="failed")
    assert "Retry" not in look(signed_in(colleague), image).text


def test_cause_of_a_failure_is_told_to_the_owner_only(owner, colleague, nobody, signed_in):
    image = create_image(owner, visibility=2)
    create_analysis(image, state="failed", error_message="The bucket merger no longer has plans/a.jpg.")
    create_analysis(image, api="faces", error_message="s3:GetObject is not allowed for plans/a.jpg.")
    image.refresh_from_db()
    pages = [look(signed_in(person), image) for person in (owner, colleague)]
    pages.append(Page(nobody.get(image.get_public_url())))
    assert ["plans/a.jpg" in page.text for page in pages] == [True, False, False]
    assert all("Labels Failed" in page.text for page in pages)


@pytest.mark.parametrize(("headers", "status"), [({}, 302), (HTMX, 200)])
def test_retry_requests_that_api_again(owner, browser, headers, status):
    image = create_image(owner)
    create_analysis(image, api="faces", state="failed")
    response = browser.post(reverse("retry", args=[image.pk]), {"api": "faces"}, **headers)
    assert response.status_code == status
    states = Analysis.objects.order_by("pk").values_list("api", "state")
    assert list(states) == [("faces", "failed"), ("faces", "queued")]
    if headers:
        assert "Faces Queued" in Page(response).text


def test_menu_offers_what_is_missing_and_what_can_be_repeated(owner, browser, settings):
    settings.RECOGNIZER, settings.RECOGNIZER_APIS = "rekognition", ["labels", "faces", "text"]
    image = create_image(owner)
    create_analysis(image, api="labels", state="done", answer=labels_answer(Dog=98))
    create_analysis(image, api="faces", state="failed")
    create_analysis(image, api="text", state="queued")
    page = look(browser, image)
    menu = page.by_id("analyze-actions") and {
        name: page.by_id(f"analyze-{name}") for name in ("labels", "faces", "text", "moderation")
    }
    assert {name: button and (button["name"], "disabled" in button) for name, button in menu.items()} == {
        "labels": ("again", False),
        "faces": ("api", False),
        "text": ("api", True),
        "moderation": None,
    }
    assert "Missing Faces Failed $0.0013 Text Queued Analyze again Labels analyzed just now $0.002275" in page.text
    assert "History (3)" in page.text


def test_analyzing_again_is_forced(owner, browser):
    image = create_image(owner)
    create_analysis(image, api="labels", state="done", answer=labels_answer(Dog=98))
    response = browser.post(reverse("retry", args=[image.pk]) + "?q=dog", {"again": "labels"})
    assert response.url == f"/images/{image.pk}/?q=dog"
    assert list(Analysis.objects.order_by("pk").values_list("state", "is_forced")) == [
        ("done", False),
        ("queued", True),
    ]


def test_others_get_no_menu_and_no_history(owner, colleague, signed_in):
    image = create_image(owner, visibility=1)
    create_analysis(image, api="labels", state="done", answer=labels_answer(Dog=98))
    page = look(signed_in(colleague), image)
    assert (page.by_id("analyze-labels"), "History" in page.text) == (None, False)


def test_second_retry_adds_no_request(owner, browser):
    image = create_image(owner)
    create_analysis(image, api="faces", state="failed")
    for _ in range(2):
        browser.post(reverse("retry", args=[image.pk]), {"api": "faces"})
    assert Analysis.objects.filter(state="queued").count() == 1


def test_analyze_requests_all_enabled_apis(owner, browser):
    image = create_image(owner)
    browser.post(reverse("retry", args=[image.pk]))
    assert sorted(Analysis.objects.values_list("api", flat=True)) == ["faces", "labels", "text"]


def test_unknown_api_is_not_found(owner, browser):
    image = create_image(owner)
    assert browser.post(reverse("retry", args=[image.pk]), {"api": "prices"}).status_code == 404
    assert not Analysis.objects.exists()


def test_disabled_api_cannot_be_requested(owner, signed_in, settings):
    settings.RECOGNIZER_APIS = ["labels"]
    image, browser = create_image(owner), signed_in(owner)
    for api, status in (("moderation", 404), ("faces", 404), ("labels", 302)):
        assert browser.post(reverse("retry", args=[image.pk]), {"api": api}).status_code == status
