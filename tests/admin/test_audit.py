"""Changes made in the administration are in the audit log."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group

from analysis.models import AuditEntry, Image, LabelAlias, SavedSearch
from tests.factories import create_bucket, create_image, create_label, create_labeled_image, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff, signed_in):
    return signed_in(staff)


def log() -> list[tuple]:
    rows = AuditEntry.objects.order_by("pk")
    return list(rows.values_list("actor_name", "source", "action", "object_type", "object_name", "details"))


def test_image_with_old_and_new_values(browser, owner, colleague):
    image = create_image(owner, filename="walk.jpg")
    form = {"owner": colleague.pk, "visibility": 1, "title": "Walk"}
    assert browser.post(f"/admin/analysis/image/{image.pk}/change/", form).status_code == 302
    edit, (actor, source, action, kind, _name, details) = log()
    assert edit[:3] == ("staff", "admin", "edit")  # titles are edited by one function everywhere
    assert (actor, source, action, kind) == ("staff", "admin", "change", "image")
    assert details["values"] == {"owner": ["owner", "colleague"], "visibility": [0, 1], "title": ["", "Walk"]}
    # Django's own log still reads its message.
    assert LogEntry.objects.get().get_change_message() == "Changed Owner, Visibility and Title."


def test_account_without_passwords(browser):
    group = Group.objects.create(name="curators")
    person = create_user("anna")
    browser.post(f"/admin/accounts/user/{person.pk}/password/", {"password1": "Kp7!hgqz31", "password2": "Kp7!hgqz31"})
    form = {"username": "anna", "is_active": "on", "is_staff": "on", "groups": [group.pk], "theme": "dark"}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    assert browser.post(f"/admin/accounts/user/{person.pk}/change/", form).status_code == 302
    (*_, password), (*_, account) = log()
    assert (password, "Kp7" in str(log())) == ({"fields": ["password"]}, False)
    values = account["values"]
    assert (values["is_staff"], values["groups"], values["theme"]) == (
        [False, True],
        [[], ["curators"]],
        ["system", "dark"],
    )


def test_label_once_with_its_aliases(browser):
    label = create_label("Dog")
    inline = {
        "aliases-TOTAL_FORMS": 1,
        "aliases-INITIAL_FORMS": 0,
        "aliases-0-name": "Hound",
        "aliases-0-label": label.pk,
    }
    form = {"category": "Animals", "threshold": 70, "merged_into": "", "revision": 0, **inline}
    assert browser.post(f"/admin/analysis/label/{label.pk}/change/", form).status_code == 302
    assert LabelAlias.objects.get().name == "Hound"
    assert [(action, details) for _actor, _source, action, _type, _name, details in log()] == [
        ("change", {"values": {"category": ["", "Animals"], "threshold": [None, 70]}}),
        ("change", {"related": ["added: Hound"]}),
    ]


def test_verdict_once(browser, owner):
    image = create_labeled_image(owner, {"Dog": 90})
    form = {"image": image.pk, "label": create_label("Dog").pk, "decision": "rejected"}
    browser.post("/admin/analysis/verdict/add/", form)
    verdict = image.verdicts.get()
    browser.post(f"/admin/analysis/verdict/{verdict.pk}/delete/", {"post": "yes"})
    assert [entry[2:4] for entry in log()] == [("reject", "image"), ("clear", "image")]


def test_added_and_deleted_rows(browser, owner):
    bucket = create_bucket(owner)
    browser.post(f"/admin/analysis/bucket/{bucket.pk}/delete/", {"post": "yes"})
    browser.post("/admin/analysis/savedsearch/add/", {"owner": owner.pk, "name": "Dogs", "query": "dog"})
    search = SavedSearch.objects.get()
    browser.post(
        "/admin/analysis/savedsearch/", {"action": "delete_selected", "_selected_action": [search.pk], "post": "yes"}
    )
    assert [entry[2:5] for entry in log()] == [
        ("remove", "bucket", "photos"),
        ("add", "savedsearch", "Dogs"),
        ("remove", "savedsearch", "Dogs"),
    ]


def test_bulk_action_is_one_entry(browser, owner):
    images = [create_image(owner) for _ in range(2)]
    form = {"action": "trash", "_selected_action": [image.pk for image in images]}
    browser.post("/admin/analysis/image/", form)
    assert Image.objects.exclude(trashed_at=None).count() == 2
    assert [entry[1:3] for entry in log()] == [("admin", "trash")]
