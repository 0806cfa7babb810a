"""People: the list, roles, deactivation, and the transfer of pictures."""

import re
import threading

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse

from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange, Image, SavedSearch
from imagelib.accounts import api_tokens, invitations, user_management
from imagelib.accounts.models import Session, User
from imagelib.accounts.roles import Role
from tests.factories import create_bucket, create_image, create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff, signed_in) -> Client:
    return signed_in(staff)


@pytest.fixture
def registrar(db):
    """Staff who may view, add and change people."""
    person = create_user("registrar", is_staff=True)
    person.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="accounts", codename__in=("view_user", "change_user"))
    )
    return person


def names(page) -> list[str]:
    links = re.findall(r'<a href="/people/\d+/"[^>]*>([^<]*)</a>', page.content.decode())
    return [" ".join(name.split()) for name in links]


def change(browser, person, name, **fields):
    return browser.post(reverse(f"person-{name}", args=[person.pk]), fields)


def test_list_has_everybody_with_role_last_use_and_state(browser, owner, colleague):
    User.objects.filter(pk=colleague.pk).update(is_active=False, first_name="Zoë <b>")
    user_management.set_role(owner, Role.VIEWER)
    page = browser.get(reverse("people"))
    assert names(page) == ["Zoë &lt;b&gt;", "owner", "staff"]
    text = Page(page).text
    assert "Zoë <b> Deactivated colleague Owner Never signed in" in text
    assert "owner Viewer Never signed in" in text
    assert "staff You Administrator Last seen just now" in text


def test_list_is_found_by_name_username_and_address(browser, owner):
    User.objects.filter(pk=owner.pk).update(first_name="Anna Müller", email="am@example.org")
    for words in ("müller", "OWN", "am@example"):
        assert names(browser.get(reverse("people"), {"q": words})) == ["Anna Müller"]
    assert "No accounts match “x%”." in Page(browser.get(reverse("people"), {"q": " x%\x00 "})).text


def test_long_list_has_pages(browser):
    User.objects.bulk_create(User(username=f"person-{number:03}") for number in range(60))
    first = browser.get(reverse("people"))
    second = browser.get(Page(first).links["Show more"])
    assert (len(names(first)), len(names(second))) == (50, 11)
    assert set(names(first)) & set(names(second)) == set()
    assert browser.get(reverse("people"), {"after": "\x00" + "x" * 999}).status_code == 200


def test_list_needs_same_queries_for_one_and_three_rows(browser, staff, django_assert_num_queries):
    for more in (1, 2):
        for _ in range(more):
            user_management.set_role(create_user(), Role.CURATOR)
            invitations.create(name="Anna", email="", role=Role.VIEWER, by=staff)
        with django_assert_num_queries(8):
            browser.get(reverse("people"))


def test_only_staff_with_a_permission_about_users_see_people(signed_in, registrar, owner):
    page = signed_in(registrar).get(reverse("people"))
    assert (page.status_code, "Invite someone" in page.content.decode()) == (200, False)
    assert 'href="/people/"' in page.content.decode()
    assert 'href="/people/"' not in signed_in(owner).get(reverse("library")).content.decode()
    registrar.is_staff = False
    registrar.save()
    assert signed_in(registrar).get(reverse("people")).status_code == 404


@pytest.mark.parametrize(
    ("groups", "fields", "permissions", "role"),
    [
        ([], {}, [], Role.OWNER),
        (["viewer"], {}, [], Role.VIEWER),
        (["curator"], {}, [], Role.CURATOR),
        (["owner"], {}, [], Role.OWNER),
        (["staff"], {"is_staff": True}, [], Role.STAFF),
        ([], {"is_superuser": True}, [], Role.ADMINISTRATOR),
        (["curator", "owner"], {}, [], None),
        (["staff"], {}, [], None),
        (["viewer"], {"is_staff": True}, [], None),
        ([], {"is_staff": True}, [], None),
        (["family"], {}, [], None),
        (["viewer"], {}, ["add_verdict"], None),
    ],
)
def test_role_of_a_person(groups, fields, permissions, role):
    from django.contrib.auth.models import Group

    person = create_user(**fields)
    person.groups.set([Group.objects.get_or_create(name=name)[0] for name in groups])
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    assert user_management.role_of(person) == role


@pytest.mark.parametrize("role", list(Role))
def test_role_that_was_given_is_the_person_s_role(role):
    person = create_user(is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="add_bucket"))
    user_management.set_role(person, role)
    assert user_management.role_of(User.objects.get(pk=person.pk)) == role


def test_changed_role_takes_effect_where_the_person_is_signed_in(browser, owner, signed_in):
    theirs = signed_in(owner)
    assert theirs.get(reverse("upload")).status_code == 200
    done = browser.post(reverse("person-role", args=[owner.pk]), {"role": "viewer"}, follow=True)
    assert "Changed the role of owner to Viewer." in Page(done).text
    assert theirs.get(reverse("upload")).status_code == 403
    change(browser, owner, "role", role="staff")
    assert theirs.get(reverse("admin:index")).status_code == 200
    change(browser, owner, "role", role="curator")
    assert theirs.get(reverse("admin:index"), follow=True).status_code == 403


def test_nobody_changes_their_own_role_or_deactivates_themselves(browser, registrar, staff, signed_in):
    for person, own in ((staff, browser), (registrar, signed_in(registrar))):
        page = own.get(reverse("person", args=[person.pk]))
        assert "You can't change your own role or deactivate yourself." in Page(page).text
        assert (change(own, person, "role", role="viewer").status_code, change(own, person, "access").status_code) == (
            404,
            404,
        )
    assert User.objects.filter(is_active=True, is_superuser=True).count() == 1


def test_registrar_changes_no_staff_and_gives_no_more_than_they_have(registrar, staff, owner, signed_in):
    other = create_user("clerk", is_staff=True)
    browser = signed_in(registrar)
    for person in (staff, other):
        assert change(browser, person, "role", role="viewer").status_code == 404
        assert change(browser, person, "access").status_code == 404
        assert "Deactivate" not in Page(browser.get(reverse("person", args=[person.pk]))).text
    statuses = {role: change(browser, owner, "role", role=role).status_code for role in Role.values}
    assert statuses == {"viewer": 302, "curator": 422, "owner": 302, "staff": 422, "administrator": 422}
    with pytest.raises(ActionRefused):
        user_management.change_role(owner, Role.STAFF, by=registrar)


def test_administrator_passes_on_the_administration(browser, staff, owner, signed_in):
    change(browser, owner, "role", role="administrator")
    assert change(signed_in(owner), staff, "role", role="owner").status_code == 302
    staff.refresh_from_db()
    assert (staff.is_superuser, staff.is_staff) == (False, False)
    with pytest.raises(ActionRefused):
        user_management.deactivate(User.objects.get(username="owner"), by=staff)


def test_deactivated_person_is_out_at_once_and_can_return(browser, owner, signed_in):
    theirs = signed_in(owner)
    _token, text = api_tokens.create(owner, name="x", scopes=["read"], days=None)
    done = browser.post(reverse("person-access", args=[owner.pk]), follow=True)
    assert "owner can no longer sign in." in Page(done).text
    assert theirs.get(reverse("library")).status_code == 302
    assert (api_tokens.find(text), Session.objects.filter(user=owner).count()) == (None, 0)
    assert Client().post(reverse("login"), {"username": "owner", "password": "word"}).status_code == 200
    assert "owner Deactivated" in Page(done).text
    back = browser.post(reverse("person-access", args=[owner.pk]), {"active": "1"}, follow=True)
    assert "owner can sign in again." in Page(back).text
    assert theirs.get(reverse("library")).status_code == 302  # that session stays ended
    assert Client().post(reverse("login"), {"username": "owner", "password": "word"}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_deactivate_each_other_at_once():
    first, second = (create_user(name, is_staff=True, is_superuser=True) for name in ("first", "second"))
    refused = []

    def deactivate(person, by):
        try:
            user_management.deactivate(person, by=by)
        except ActionRefused as refusal:
            refused.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=deactivate, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert (User.objects.filter(is_active=True).count(), refused) == (1, ["You can't change this account."])


def test_page_says_what_happens_to_pictures_and_buckets(browser, owner, colleague):
    create_image(owner), create_image(owner)
    create_bucket(owner)
    text = Page(browser.get(reverse("person", args=[owner.pk]))).text
    assert (
        "Their pictures are kept (2 pictures): shared ones stay visible, private ones stay visible only to them" in text
    )
    assert "New pictures in these buckets would still belong to them. Choose another owner for: photos" in text
    text = Page(browser.get(reverse("person", args=[colleague.pk]))).text
    assert ("They don't own any pictures." in text, "Transfer pictures" in text) == (True, False)


def test_pictures_are_transferred_and_taken_back(browser, owner, colleague):
    mine, private = create_image(owner, visibility=1), create_image(owner)
    trashed = create_image(owner, trashed_at=mine.added_at)
    SavedSearch.objects.create(owner=owner, name="Dogs", query="dog")
    done = browser.post(reverse("person-transfer", args=[owner.pk]), {"receiver": "colleague"}, follow=True)
    assert "Transferred 2 pictures." in Page(done).text
    owners = dict(Image.objects.values_list("pk", "owner__username"))
    assert owners == {mine.pk: "colleague", private.pk: "colleague", trashed.pk: "owner"}
    browser.post(reverse("undo", args=[BulkChange.objects.get().pk]), {"next": "/"})
    assert set(Image.objects.values_list("owner__username", flat=True)) == {"owner"}


@pytest.mark.parametrize("receiver", ["", "nobody", "owner", "gone", "\x00", "x" * 10_000])
def test_transfer_needs_another_active_account(receiver, browser, owner):
    create_image(owner)
    create_user("gone", is_active=False)
    answer = change(browser, owner, "transfer", receiver=receiver)
    assert answer.status_code == 422
    page = Page(answer)
    assert "There is no other active account with the username" in page.text
    assert page.by_id("receiver")["value"] == " ".join(receiver.replace("\x00", "").split())  # to be corrected
    assert Image.objects.get().owner == owner


def test_transfer_is_for_those_who_may_change_all_pictures(registrar, owner, colleague, signed_in):
    create_image(owner)
    browser = signed_in(registrar)
    assert "Transfer" not in Page(browser.get(reverse("person", args=[owner.pk]))).text
    assert change(browser, owner, "transfer", receiver="colleague").status_code == 404
    registrar.user_permissions.add(Permission.objects.get(codename="change_image"))
    assert change(browser, owner, "transfer", receiver="colleague").status_code == 302
    assert Image.objects.get().owner == colleague


def test_last_administrator_stays_one_in_the_admin_too(browser, staff):
    page = reverse("admin:accounts_user_change", args=[staff.pk])
    form = {"username": "staff", "theme": "system", "date_joined_0": "2026-01-01", "date_joined_1": "12:00"}
    fields = {"is_active": "on", "is_staff": "on", "is_superuser": "on"}
    for missing in ("is_active", "is_superuser"):
        answer = browser.post(page, form | {name: on for name, on in fields.items() if name != missing})
        assert "This is the only active administrator." in answer.content.decode()
    browser.post(reverse("admin:accounts_user_delete", args=[staff.pk]), {"post": "yes"})
    browser.post(
        reverse("admin:accounts_user_changelist"),
        {"action": "delete_selected", "_selected_action": [staff.pk], "post": "yes"},
    )
    staff.refresh_from_db()
    assert (staff.is_active, staff.is_superuser) == (True, True)
    create_user("second", is_superuser=True)
    assert browser.post(page, form | {"is_active": "on", "is_staff": "on"}).status_code == 302
