"""Audit log: its page, CSV files, and a picture's history page."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from analysis import audit_log
from analysis.curation import bulk
from analysis.curation.bulk import Selection
from analysis.models import AuditEntry, BulkChange
from tests.factories import create_image, create_label, create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
ADDRESS = "/audit-log/"


@pytest.fixture
def auditor(db):
    """Staff with the one permission."""
    person = create_user("auditor", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_auditentry"))
    return person


@pytest.fixture
def browser(auditor, signed_in):
    return signed_in(auditor)


@pytest.fixture
def image(owner):
    return create_image(owner, filename="=walk <b>.jpg")


def names(response) -> list[str]:
    return [row.action for row in response.context["rows"]]


def table(response) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_only_staff_with_the_permission_see_it(auditor, owner, signed_in, browser):
    helper = create_user("helper", is_staff=True)
    addresses = [ADDRESS, "/audit-log/entries.csv", "/audit-log/1/", "/audit-log/1/pictures.csv"]
    assert [signed_in(helper).get(address).status_code for address in addresses] == [404] * 4
    assert [browser.get(address).status_code for address in addresses] == [200, 200, 404, 404]
    assert ADDRESS in Page(browser.get("/labels/")).links.values()
    assert ADDRESS not in Page(signed_in(owner).get("/labels/")).links.values()


@pytest.mark.parametrize("number", [1, 3])
def test_list_has_a_fixed_number_of_queries(number, image, owner, browser, django_assert_num_queries):
    for _ in range(number):
        audit_log.record("confirm", image, by_id=owner.pk, label=create_label("Dog"))
    with django_assert_num_queries(9):
        page = browser.get(ADDRESS)
    assert names(page) == ["Confirmed label"] * number
    assert b"=walk &lt;b&gt;.jpg" in page.content


def test_filters(image, owner, colleague, browser):
    dog = create_label("Dog")
    audit_log.record("confirm", image, by_id=owner.pk, label=dog)
    audit_log.record("change", dog, by_id=colleague.pk, details={"values": {"threshold": [None, 60]}})
    bulk.apply(Selection(owner, ids=(image.pk,)), BulkChange.Action.TRASH)
    cases = {
        "user=OWNER": ["Moved to trash", "Confirmed label"],
        "action=trash": ["Moved to trash"],
        "type=label": ["Changed"],
        f"type=image&object_id={image.pk}": ["Moved to trash", "Confirmed label"],
        f"type=label&object_id={dog.pk}": ["Changed", "Confirmed label"],
        "type=image": ["Moved to trash", "Confirmed label"],
        "name=dog": ["Changed", "Confirmed label"],
        "user=nobody": [],
        f"since={timezone.localdate() + timedelta(days=2)}": [],
        f"until={timezone.localdate() - timedelta(days=2)}": [],
        # Invalid values filter nothing and show their error.
        "object_id=zero": ["Moved to trash", "Changed", "Confirmed label"],
        "since=0000-99-99&until=9999-12-31": ["Moved to trash", "Changed", "Confirmed label"],
        "action=none%00": ["Moved to trash", "Changed", "Confirmed label"],
    }
    assert {query: names(browser.get(f"{ADDRESS}?{query}")) for query in cases} == cases


def test_pages_and_csv_keep_the_filter(image, owner, browser):
    for number in range(101):
        audit_log.record("trash" if number else "restore", image, by_id=owner.pk)
    page = browser.get(f"{ADDRESS}?user=owner")
    following = browser.get(page.context["more_url"])
    assert (len(page.context["rows"]), names(following)) == (100, ["Restored from trash"])
    rows = table(browser.get(browser.get(f"{ADDRESS}?action=restore").context["csv_url"]))
    assert [(row["action"], row["user"], row["object_id"]) for row in rows] == [("restore", "owner", str(image.pk))]
    assert rows[0]["name"] == "'=walk <b>.jpg"  # no formula in a spreadsheet


def test_entry_of_a_bulk_change_lists_its_pictures(owner, browser):
    images = [create_image(owner) for _ in range(2)]
    bulk.apply(Selection(owner, ids=tuple(image.pk for image in images)), BulkChange.Action.TRASH)
    entry = AuditEntry.objects.get()
    page = Page(browser.get(f"{ADDRESS}{entry.pk}/"))
    assert page.links[str(images[0].pk)] == f"{ADDRESS}?type=image&object_id={images[0].pk}"
    rows = table(browser.get(f"{ADDRESS}{entry.pk}/pictures.csv"))
    assert [row["image_id"] for row in rows] == [str(image.pk) for image in images]


def test_history_page_shows_what_others_did(image, owner, colleague, signed_in):
    audit_log.record("confirm", image, by_id=colleague.pk, label=create_label("Dog"), details={"query": "secret"})
    bulk.apply(Selection(owner, ids=(image.pk,)), BulkChange.Action.OPEN_TO, visibility=1)
    response = signed_in(owner).get(reverse("history", args=[image.pk]))
    text = Page(response).text
    assert "Confirmed label “Dog”" in text
    assert "colleague · Command or worker" in text
    assert "Changed visibility" in text
    assert "secret" not in text
