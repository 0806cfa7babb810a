"""Editing the details of a picture on its page, and of many in the bulk bar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from analysis.models import Image
from tests.factories import create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
NOON = datetime(2021, 6, 5, 12, 30, 15, 250_000, tzinfo=UTC)


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def image(owner):
    return create_image(
        owner, filename="one.jpg", taken_at=NOON, taken_offset=120, latitude=48.123456789, longitude=-2.5, place="Here"
    )


def form_of(page: Page) -> dict[str, str]:
    names = ("title", "taken", "offset", "place", "location")
    values = {name: page.by_id(f"details-{name}")["value"] for name in names}
    return values | {"description": ""}


def save(browser, image, query="", **values):
    form = form_of(Page(browser.get(image.get_absolute_url())))
    return browser.post(reverse("image-details", args=[image.pk]) + query, form | values)


def test_form_saved_unchanged_changes_nothing(browser, image):
    before = Image.objects.values().get(pk=image.pk)
    assert save(browser, image, "?q=dog").url == f"/images/{image.pk}/?q=dog"
    assert Image.objects.values().get(pk=image.pk) == before


def test_edited_values_are_shown_reset_and_undone(browser, image):
    save(browser, image, title="<b>Mine</b>", taken="2020-01-02T03:04:05", offset="-3:30", location="")
    page = Page(browser.get(image.get_absolute_url()))
    assert "<b>Mine</b>" in page.text
    assert "Taken 2 January 2020, 03:04" in page.text
    assert "In the file: 5 June 2021, 12:30:15 UTC+02:00 Reset" in page.text
    assert "In the file: 48.123457, -2.5 Reset" in page.text
    assert "Details saved. Undo" in page.text
    browser.post(reverse("image-details", args=[image.pk]), {"reset": "taken"})
    image.refresh_from_db()
    assert (image.taken_at, image.taken_offset, image.title, image.latitude) == (NOON, 120, "<b>Mine</b>", None)
    [undo] = [
        field["value"]
        for field in Page(browser.get(image.get_absolute_url())).all("input")
        if field.get("name") == "undo"
    ]
    browser.post(reverse("image-details", args=[image.pk]), {"undo": undo})
    image.refresh_from_db()
    assert (image.taken_at, image.taken_offset) == (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), -210)


def test_fragment_has_details_name_and_undo(browser, image):
    url = reverse("image-details", args=[image.pk])
    page = Page(browser.post(url, {"title": "Mine"}, **HTMX))
    assert page.by_id("picture-name")["hx-swap-oob"] == "true"
    assert "Details saved. Undo" in page.text
    assert page.by_id("details") is not None


REFUSED = {
    "title": ("x" * 10_000, "A title can have at most 200 characters"),
    "taken": ("0000-01-01T00:00:00", "Enter a date and time such as 2021-06-05 14:30."),
    "offset": ("+15:00", "A time zone is at most 14 hours from UTC."),
    "location": ("somewhere", "Enter a latitude and a longitude in degrees"),
}


@pytest.mark.parametrize("field", REFUSED)
def test_refused_value_stays_to_be_corrected(browser, image, field):
    value, message = REFUSED[field]
    fragment = browser.post(reverse("image-details", args=[image.pk]), {field: value}, **HTMX)
    response = save(browser, image, **{field: value})
    assert (fragment.status_code, response.status_code) == (200, 422)
    for page in (Page(fragment), Page(response)):
        assert message in page.text
        assert page.by_id(f"details-{field}")["value"] == value
    assert Image.objects.get().file_values is None


def test_year_9999_is_in_the_future(browser, image):
    assert "This date is in the future." in Page(save(browser, image, taken="9999-12-31T23:59:59")).text


def test_others_see_the_details_without_the_form(image, colleague, signed_in):
    Image.objects.update(visibility=1)
    page = Page(signed_in(colleague).get(image.get_absolute_url()))
    assert (page.by_id("details") is not None, page.by_id("details-title")) == (True, None)


def test_location_leads_to_a_map_and_to_pictures_nearby(browser, image):
    links = Page(browser.get(image.get_absolute_url())).links
    assert links["Show on OpenStreetMap"].startswith(
        "https://www.openstreetmap.org/?mlat=48.123456789&mlon=-2.5#map=15/"
    )
    assert links["Pictures taken nearby"] == "/?q=near%3A48.12346%2C-2.5%2C1km"


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"edit": "date", "taken": "2020-01-01"}, ("Edited 2 pictures.", datetime(2020, 1, 1, tzinfo=UTC))),
        ({"edit": "shift", "hours": "-1", "minutes": "30"}, ("Edited 1 picture.", NOON.replace(hour=12, minute=0))),
        ({"edit": "shift", "hours": "1e3"}, ("Enter whole numbers of days, hours and minutes.", NOON)),
        ({"edit": "shift"}, ("Enter how far to move the dates", NOON)),
        ({"edit": "date"}, ("Enter a date and time such as 2021-06-05 14:30.", NOON)),
        ({"edit": "place"}, ("Enter a place, coordinates or both.", NOON)),
        ({"edit": "everything"}, ("Choose what to edit.", NOON)),
    ],
    ids=["date", "shift", "no-number", "no-shift", "no-date", "no-place", "unknown"],
)
def test_dates_of_a_selection(browser, owner, image, fields, outcome):
    message, expected = outcome
    other = create_image(owner)
    response = browser.post(
        reverse("bulk", args=["edit-details"]), {"ids": f"{image.pk},{other.pk}", **fields}, follow=True
    )
    assert message in Page(response).text
    image.refresh_from_db()
    assert image.taken_at == expected


def test_place_of_a_selection_is_set_and_reset(browser, image):
    url, ids = reverse("bulk", args=["edit-details"]), str(image.pk)
    browser.post(url, {"ids": ids, "edit": "place", "place": "Elsewhere", "location": "1.5 2.5"})
    image.refresh_from_db()
    assert (image.place, image.latitude, image.longitude) == ("Elsewhere", 1.5, 2.5)
    browser.post(url, {"ids": ids, "edit": "reset-place"})
    image.refresh_from_db()
    assert (image.place, image.latitude, image.file_values) == ("Here", 48.123456789, None)
