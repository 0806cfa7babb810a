"""Pages of alerts: list, form with preview, history and actions."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis.delivery import outbox
from analysis.models import Alert, AlertMatch, Delivery, Image, ImageLabel, SavedSearch
from tests.delivery.test_alert_matching import change
from tests.factories import create_label, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HOOK = "https://example.com/hook?key=word"


@pytest.fixture
def owner(owner):
    owner.email = "owner@example.com"
    owner.save()
    return owner


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def dogs(owner) -> SavedSearch:
    return SavedSearch.objects.create(owner=owner, name="Dogs", query="dog", is_shared=True)


@pytest.fixture
def alert(owner, dogs) -> Alert:
    values = {"channel": "webhook", "frequency": "at_once", "query": "dog", "secret": "whsec_AAAA", "address": HOOK}
    return Alert.objects.create(owner=owner, saved_search=dogs, **values)


def fill(browser, **values):
    return browser.post(reverse("alert-new"), {"channel": "email", "frequency": "daily", **values})


def act(browser, alert, action: str, **values):
    return browser.post(reverse("alert-action", args=[alert.pk, action]), values)


def page_of(browser, alert) -> Page:
    return Page(browser.get(reverse("alert", args=[alert.pk])))


def test_alert_is_reached_from_saved_searches_and_the_library(browser, dogs):
    address = f"{reverse('alert-new')}?search={dogs.pk}"
    assert Page(browser.get(reverse("searches"))).links["Alert me Dogs"] == address
    assert Page(browser.get(reverse("library"), {"q": "dog", "saved": dogs.pk})).links["Alert me"] == address
    assert "Alert me" not in Page(browser.get(reverse("library"), {"q": "cat", "saved": dogs.pk})).links
    page = Page(browser.get(address))
    assert "In the last 30 days, this alert would have sent nothing." in page.text
    assert page.by_id("id_channel_0")["checked"] == ""


def test_alert_is_created_and_listed(owner, browser, dogs):
    answer = fill(browser, search=dogs.pk)
    alert = Alert.objects.get()
    assert (answer.url, alert.channel, alert.frequency) == (reverse("alert", args=[alert.pk]), "email", "daily")
    assert "Alert saved. Pictures that match from now on are sent." in page_of(browser, alert).text
    listed = Page(browser.get(reverse("alerts")))
    assert "Dogs Active Email owner@example.com · Every day · no messages yet" in listed.text


def test_preview_counts_messages_and_shows_pictures(owner, browser, dogs):
    images = [create_labeled_image(owner, {"Dog": 99.0}, added_at=timezone.now()) for _ in range(3)]
    form = Page(browser.get(reverse("alert-new"), {"search": dogs.pk}))
    assert "this alert would have sent 2 messages about 3 pictures." in form.text
    fragment = Page(
        browser.get(reverse("alert-preview"), {"search": dogs.pk, "channel": "webhook", "frequency": "at_once"})
    )
    assert "this alert would have sent 3 messages about 3 pictures." in fragment.text
    assert len(fragment.all("img")) == len(images)
    # Without JavaScript, by a button; nothing is saved, and what was typed stays.
    answer = fill(browser, search=dogs.pk, preview="1", channel="webhook", frequency="at_once", address="https://a/")
    page = Page(answer)
    assert (answer.status_code, Alert.objects.count()) == (200, 0)
    assert "3 messages about 3 pictures" in page.text
    assert page.by_id("id_address")["value"] == "https://a/"


def test_preview_blurs_sensitive_pictures(owner, browser, dogs):
    image = create_labeled_image(owner, {"Dog": 99.0}, added_at=timezone.now())
    label = create_label("Weapons", kind="moderation")
    row = {"image": image, "label": label, "confidence": 9_900, "sort_time": image.added_at}
    ImageLabel.objects.create(owner=owner, visibility=0, **row)
    assert len(Page(browser.get(reverse("alert-new"), {"search": dogs.pk})).all("a", "is-blurred")) == 1
    browser.post(reverse("toggle-sensitive"), {"show": "1"})
    assert Page(browser.get(reverse("alert-new"), {"search": dogs.pk})).all("a", "is-blurred") == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"channel": "webhook", "address": "ftp://example.com"}, "Enter a URL that starts with https:// or http://."),
        ({"channel": "pigeon"}, "Select a valid choice. pigeon is not one of the available choices."),
        ({"channel": "slack"}, "Enter a URL that starts with https:// or http://."),
        ({"channel": "slack", "address": "https://" + "a" * 2_000}, "Ensure this value has at most 2000 characters"),
    ],
)
def test_mistakes_are_named_in_the_form(browser, dogs, values, message):
    answer = fill(browser, search=dogs.pk, **values)
    assert (answer.status_code, Alert.objects.count()) == (422, 0)
    assert message in Page(answer).text


def test_same_alert_in_two_tabs_is_refused(browser, dogs):
    fill(browser, search=dogs.pk)
    answer = fill(browser, search=dogs.pk)
    assert (answer.status_code, Alert.objects.count()) == (422, 1)
    assert "You already have this alert." in Page(answer).text


def test_search_that_is_no_longer_valid_has_no_preview(owner, browser):
    broken = SavedSearch.objects.create(owner=owner, name="Broken", query="((")
    assert "No preview: " in Page(browser.get(reverse("alert-new"), {"search": broken.pk})).text
    answer = fill(browser, search=broken.pk)
    assert (answer.status_code, Alert.objects.count()) == (422, 0)


def test_shared_search_says_that_it_is_copied(colleague, signed_in, dogs):
    browser = signed_in(colleague)
    assert "A copy is added to your saved searches" in Page(browser.get(f"/alerts/new/?search={dogs.pk}")).text
    fill(browser, search=dogs.pk, channel="slack", address=HOOK)
    assert Alert.objects.get().saved_search.owner == colleague
    SavedSearch.objects.filter(pk=dogs.pk).update(is_shared=False)
    assert browser.get(reverse("alert-new"), {"search": dogs.pk}).status_code == 404


def test_page_shows_messages_and_pictures(owner, browser, alert):
    dog = create_labeled_image(owner, {"Dog": 99.0}, filename="dog.jpg")
    change(dog)
    Delivery.objects.update(state="failed", error="The receiver returned HTTP 500. <b>broken</b>", attempts=9)
    answer = browser.get(reverse("alert", args=[alert.pk]))
    page = Page(answer)
    assert "1 picture Failed" in page.text
    assert "9 attempts The receiver returned HTTP 500. <b>broken</b>" in page.text
    assert b"<b>broken" not in answer.content
    assert page.by_id("alert-secret")["value"] == "whsec_AAAA"
    assert page.links["1 picture"] == f"/images/{dog.pk}/"
    assert "example.com" in page.text
    assert "key=word" not in page.text


def test_list_and_page_need_the_same_queries_for_one_and_three_rows(owner, browser, alert, django_assert_num_queries):
    browser.get(reverse("alerts"))
    for new in (1, 2):
        change(*(create_labeled_image(owner, {"Dog": 99.0}) for _ in range(new)))
        for number in range(new - 1):
            search = SavedSearch.objects.create(owner=owner, name=f"More {new} {number}", query="dog")
            Alert.objects.create(owner=owner, saved_search=search, channel="email")
        with django_assert_num_queries(4):
            browser.get(reverse("alerts"))
        with django_assert_num_queries(13):
            browser.get(reverse("alert", args=[alert.pk]))


def test_pictures_out_of_sight_are_not_shown(owner, colleague, browser, alert):
    image = create_labeled_image(colleague, {"Dog": 99.0}, visibility=Image.Visibility.SHARED)
    change(image)
    assert page_of(browser, alert).all("img", "")[1:] != []
    Image.objects.filter(pk=image.pk).update(visibility=Image.Visibility.PRIVATE)
    assert page_of(browser, alert).all("img", "")[1:] == []


def test_pause_resume_and_secret(browser, alert):
    assert act(browser, alert, "pause").url == reverse("alert", args=[alert.pk])
    page = page_of(browser, alert)
    assert "Dogs Paused" in page.text
    assert "Send test message" not in page.text
    assert act(browser, alert, "resume", list="1").url == reverse("alerts")
    act(browser, alert, "secret")
    alert.refresh_from_db()
    assert (alert.is_active, alert.secret == "whsec_AAAA") == (True, False)
    assert act(browser, alert, "explode").status_code == 404


def test_receiver_that_wants_no_more_is_shown_with_a_button(browser, alert):
    outbox.disable(alert, last_error="The receiver returned HTTP 410: it no longer accepts messages.")
    page = page_of(browser, alert)
    assert "Disabled by the receiver" in page.text
    assert "The receiver returned HTTP 410: it no longer accepts messages." in page.text
    assert "Enable" in page.text


def test_test_message_is_polled_until_it_is_sent(browser, alert):
    act(browser, alert, "test")
    page = page_of(browser, alert)
    assert "Test message Waiting" in page.text
    assert page.by_id("alert-messages")["hx-trigger"] == "every 2s"
    Delivery.objects.update(state="delivered")
    fragment = Page(browser.get(reverse("alert", args=[alert.pk]), headers={"HX-Request": "true"}))
    assert "hx-trigger" not in fragment.by_id("alert-messages")
    assert "Test message Delivered" in fragment.text
    act(browser, alert, "pause")
    act(browser, alert, "test")
    assert Delivery.objects.count() == 1


def test_failed_messages_are_sent_again(owner, browser, alert):
    change(*(create_labeled_image(owner, {"Dog": 99.0}) for _ in range(3)))
    first, *_rest = Delivery.objects.order_by("pk")
    Delivery.objects.update(state="failed", error="The receiver returned HTTP 500.")
    assert "Send all failed messages again" in page_of(browser, alert).text
    act(browser, alert, "send-again", message=first.pk)
    assert list(Delivery.objects.filter(state="waiting")) == [first]
    act(browser, alert, "send-again")
    assert Delivery.objects.filter(state="waiting").count() == 3
    assert act(browser, alert, "send-again", message="x").status_code == 302


def test_deleted_alert_is_restored(owner, browser, alert):
    act(browser, alert, "delete")
    page = Page(browser.get(reverse("alerts")))
    assert (Alert.objects.count(), "Deleted the alert on “Dogs”." in page.text) == (0, True)
    row = next(field["value"] for field in page.all("input") if field.get("name") == "row")
    browser.post(reverse("alert-restore"), {"row": row})
    alert.refresh_from_db()
    assert (alert.secret, AlertMatch.objects.count()) == ("whsec_AAAA", 0)
    for wrong in (row, "x", ""):
        browser.post(reverse("alert-restore"), {"row": wrong})
    assert Alert.objects.count() == 1


def test_search_says_that_its_alerts_go_with_it(browser, alert, dogs):
    page = Page(browser.get(reverse("searches")))
    assert page.links["1 alert"] == reverse("alerts")
    assert "Delete with 1 alert" in page.text
    browser.post(reverse("search-delete", args=[dogs.pk]))
    page = Page(browser.get(reverse("searches")))
    assert (Alert.objects.count(), "Deleted “Dogs” and its 1 alert." in page.text) == (0, True)
    row = next(field["value"] for field in page.all("input") if field.get("name") == "row")
    browser.post(reverse("search-restore"), {"row": row})
    assert Alert.objects.get() == alert


def test_edit_changes_the_alert(browser, alert):
    page = Page(browser.get(reverse("alert-edit", args=[alert.pk])))
    assert page.by_id("id_address")["value"] == HOOK
    values = {"channel": "slack", "frequency": "hourly", "address": "https://example.com/slack"}
    assert browser.post(reverse("alert-edit", args=[alert.pk]), values).status_code == 302
    alert.refresh_from_db()
    assert (alert.channel, alert.frequency, alert.secret) == ("slack", "hourly", "")
    assert browser.post(reverse("alert-edit", args=[alert.pk]), values | {"address": "x"}).status_code == 422


def test_alerts_of_others_are_not_found(alert, colleague, signed_in):
    browser = signed_in(colleague)
    assert Page(browser.get(reverse("alerts"))).text.count("Dogs") == 0
    for action in ("pause", "test", "delete", "send-again", "secret"):
        assert act(browser, alert, action).status_code == 404
