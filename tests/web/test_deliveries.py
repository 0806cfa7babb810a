"""Deliveries page: rights, filters, sending again, escaping."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis.delivery import outbox
from analysis.delivery.documents import image_documents, matches_message
from analysis.models import Alert, Delivery, Image, SavedSearch, Sink
from tests.factories import create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
State = Delivery.State
PAGE, AGAIN = "deliveries", "deliveries-send-again"


def create_alert(owner, name: str = "Dogs") -> Alert:
    saved = SavedSearch.objects.create(owner=owner, name=name, query="dog")
    return Alert.objects.create(owner=owner, saved_search=saved, channel="webhook", address="https://example.org/")


@pytest.fixture
def sink(db) -> Sink:
    return Sink.objects.create(name="Queue", channel="webhook", address="https://example.org/")


def add(receiver, *, state: str = State.FAILED, error: str = "", **values) -> Delivery:
    [row] = outbox.add([Delivery(**{type(receiver)._meta.model_name: receiver}, payload={"label": "<b>"}, **values)])
    finished = None if state == State.WAITING else timezone.now()
    Delivery.objects.filter(pk=row.pk).update(state=state, error=error, finished_at=finished)
    return row


def listed_ids(page) -> set[int]:
    return {int(pk) for pk in re.findall(r'id="delivery-(\d+)"', page.content.decode())}


def test_everybody_sees_messages_of_own_alerts_and_staff_those_of_sinks(owner, colleague, staff, signed_in, sink):
    own, other, of_sink = add(create_alert(owner)), add(create_alert(colleague)), add(sink)
    for person, expected in ((owner, {own.pk}), (colleague, {other.pk}), (staff, {of_sink.pk})):
        assert listed_ids(signed_in(person).get(reverse(PAGE))) == expected


def test_cause_message_and_picture_are_shown_escaped(owner, signed_in):
    image = create_image(owner, filename="<i>.jpg")
    add(create_alert(owner), image_id=image.pk, error="The receiver returned HTTP 500. <script>")
    page = signed_in(owner).get(reverse(PAGE)).content.decode()
    assert "The receiver returned HTTP 500. &lt;script&gt;" in page
    assert (image.get_absolute_url() in page, "&lt;i&gt;.jpg" in page, "&quot;&lt;b&gt;&quot;" in page) == (True,) * 3


def test_name_of_a_picture_that_may_not_be_seen_is_left_out(owner, colleague, signed_in):
    image = create_image(colleague, filename="secret.jpg", visibility=0)
    add(create_alert(owner), image_id=image.pk)
    assert "secret.jpg" not in signed_in(owner).get(reverse(PAGE)).content.decode()


def test_message_does_not_show_pictures_that_were_hidden_since(owner, colleague, signed_in):
    images = [create_image(colleague, filename=name, visibility=1) for name in ("kept.jpg", "secret.jpg")]
    alert, browser = create_alert(owner), signed_in(owner)
    for chosen in (images, images[1:]):
        documents = list(image_documents([image.pk for image in chosen]).values())
        payload = matches_message({"name": "Dogs"}, images=documents, count=len(documents))
        outbox.add([Delivery(alert=alert, kind=Delivery.Kind.MATCHES, payload=payload)])
    assert browser.get(reverse(PAGE)).content.decode().count("secret.jpg") == 2
    Image.objects.filter(pk=images[1].pk).update(visibility=0)
    page = browser.get(reverse(PAGE)).content.decode()
    assert (page.count("secret.jpg"), page.count("kept.jpg"), len(listed_ids(browser.get(reverse(PAGE))))) == (0, 1, 2)


def test_filters_by_state_and_receiver(owner, signed_in):
    dogs, cats = create_alert(owner), create_alert(owner, "Cats")
    failed, waiting, other = add(dogs), add(dogs, state=State.WAITING), add(cats)
    browser = signed_in(owner)
    assert listed_ids(browser.get(reverse(PAGE), {"state": "failed"})) == {failed.pk, other.pk}
    page = browser.get(reverse(PAGE), {"alert": dogs.pk})
    assert (listed_ids(page), "Dogs: Webhook" in page.content.decode()) == ({failed.pk, waiting.pk}, True)
    assert listed_ids(browser.get(reverse(PAGE), {"state": "nonsense", "alert": "x"})) == {
        failed.pk,
        waiting.pk,
        other.pk,
    }


def test_failed_message_is_sent_again_and_no_other(owner, colleague, signed_in):
    mine, also_mine, foreign = add(create_alert(owner)), add(create_alert(owner, "Cats")), add(create_alert(colleague))
    browser = signed_in(owner)
    response = browser.post(reverse(AGAIN), {"delivery": foreign.pk}, follow=True)
    assert "There are no failed messages." in response.content.decode()
    response = browser.post(reverse(AGAIN), {"delivery": mine.pk}, follow=True)
    assert "Sending 1 message again." in response.content.decode()
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {mine.pk: State.WAITING, also_mine.pk: State.FAILED, foreign.pk: State.FAILED}
    browser.post(reverse(AGAIN))
    assert Delivery.objects.filter(state=State.FAILED).get() == foreign


def test_all_of_one_receiver_are_sent_again_and_no_other(owner, signed_in):
    """As the page's form says it: the ids of tests have four digits."""
    alert = create_alert(owner)
    chosen, other = add(alert), add(create_alert(owner, "Cats"))
    browser = signed_in(owner)
    page = Page(browser.get(reverse(PAGE), {"alert": alert.pk}))
    fields = {field["name"]: field["value"] for field in page.all("input") if field.get("name") in {"alert", "state"}}
    browser.post(reverse(AGAIN), fields)
    assert dict(Delivery.objects.values_list("pk", "state")) == {chosen.pk: State.WAITING, other.pk: State.FAILED}


@pytest.mark.parametrize("rows", [1, 3])
def test_number_of_queries_does_not_grow(owner, signed_in, rows, django_assert_num_queries):
    alert = create_alert(owner)
    for _row in range(rows):
        add(alert, image_id=create_image(owner).pk)
    browser = signed_in(owner)
    browser.get(reverse(PAGE))
    with django_assert_num_queries(9):
        browser.get(reverse(PAGE))


def test_long_lists_have_pages(owner, signed_in):
    alert = create_alert(owner)
    rows = [add(alert).pk for _ in range(51)]
    browser = signed_in(owner)
    first = browser.get(reverse(PAGE))
    assert listed_ids(first) == set(rows[1:])
    [more] = re.findall(r'href="(/deliveries/\?before=\d+)"', first.content.decode())
    assert listed_ids(browser.get(more)) == {rows[0]}


def test_empty_page_says_what_appears_here(owner, signed_in):
    assert "No messages yet." in signed_in(owner).get(reverse(PAGE)).content.decode()
