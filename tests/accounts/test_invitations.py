"""Invitations: sending, accepting once, withdrawing, and unusable links."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.web import attempt_limits
from imagelib.accounts import invitations, user_management
from imagelib.accounts.models import Invitation, User
from imagelib.accounts.roles import Role
from tests.factories import create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
INVITED = {"name": "Anna Müller", "email": "anna@example.org", "role": "curator"}
PASSWORD = "a long new secret"
ACCEPTED = {"username": "anna", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture(autouse=True)
def nothing_counted():
    """The tests share one Redis."""
    for key in attempt_limits.redis_client().scan_iter("invitation:*"):
        attempt_limits.redis_client().delete(key)


@pytest.fixture
def browser(staff, signed_in) -> Client:
    return signed_in(staff)


def invite(browser, **changed) -> str:
    """The link's path."""
    return link_of(browser.post(reverse("invite"), INVITED | changed))


def link_of(page) -> str:
    (field,) = [field for field in Page(page).all("input") if field.get("id") == "invitation-link"]
    return field["value"].removeprefix("http://testserver")


def text_of(response) -> tuple[int, str]:
    return response.status_code, Page(response).text


def test_invited_person_sets_a_password_and_is_signed_in(browser):
    link = invite(browser)
    guest = Client()
    page = guest.get(link)
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert "Welcome, Anna Müller" in Page(page).text
    assert Page(page).by_id("id_username")["value"] == "anna"
    done = guest.post(link, ACCEPTED, follow=True)
    assert (done.status_code, done.redirect_chain) == (200, [(reverse("library"), 302)])
    assert "Welcome, Anna Müller. Your username is anna." in Page(done).text
    person = User.objects.get(username="anna")
    assert (person.email, person.get_full_name(), person.check_password(PASSWORD)) == (
        "anna@example.org",
        "Anna Müller",
        True,
    )
    assert (user_management.role_of(person), person.is_staff) == (Role.CURATOR, False)
    assert Invitation.objects.get().account == person


def test_link_works_once(browser):
    link = invite(browser)
    Client().post(link, ACCEPTED)
    status, text = text_of(Client().get(link))
    assert (status, "It has already been used." in text) == (410, True)
    Client().post(link, ACCEPTED | {"username": "eve"})
    assert not User.objects.filter(username="eve").exists()


def test_link_that_is_used_while_its_form_is_open_makes_no_second_account(browser, staff):
    invitation, _token = invitations.create(name="Anna", email="", role=Role.VIEWER, by=staff)
    invitations.accept(invitation, User(username="anna"))
    with pytest.raises(invitations.InvitationUnusable):
        invitations.accept(invitation, User(username="eve"))
    assert not User.objects.filter(username="eve").exists()


def test_only_a_digest_of_the_link_is_stored(browser):
    token = invite(browser).strip("/").rpartition("/")[2]
    row = Invitation.objects.values().get()
    assert len(token) >= 40
    assert [name for name, value in row.items() if token in str(value)] == []
    assert token not in browser.get(reverse("people")).content.decode()


def test_expired_link_says_so_and_can_be_sent_again(browser):
    link = invite(browser)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    status, text = text_of(Client().get(link))
    assert (status, "It was valid until" in text, "Ask staff to send it again." in text) == (410, True, True)
    assert "expired" in Page(browser.get(reverse("people"))).text
    renewed = link_of(browser.post(reverse("invitation-resend", args=[Invitation.objects.get().pk])))
    assert (Client().get(link).status_code, Client().get(renewed).status_code) == (404, 200)


def test_withdrawn_link_says_so_and_the_address_can_be_invited_again(browser):
    link = invite(browser)
    pk = Invitation.objects.get().pk
    done = browser.post(reverse("invitation-revoke", args=[pk]), follow=True)
    assert "Withdrew the invitation for Anna Müller. Its link no longer works." in Page(done).text
    status, text = text_of(Client().get(link))
    assert (status, "It was withdrawn." in text) == (410, True)
    again = browser.post(reverse("invitation-revoke", args=[pk]), follow=True)
    assert "has already been accepted or withdrawn." in Page(again).text
    late = browser.post(reverse("invitation-resend", args=[pk]), follow=True)
    assert "This invitation has already been accepted or withdrawn." in Page(late).text
    assert Client().get(invite(browser)).status_code == 200


@pytest.mark.parametrize("email", ["anna@example.org", "ANNA@Example.org"])
def test_second_invitation_to_an_address_is_refused(email, browser, staff):
    invite(browser)
    answer = browser.post(reverse("invite"), INVITED | {"email": email})
    assert answer.status_code == 422
    assert "This address already has an invitation." in Page(answer).text
    with pytest.raises(IntegrityError):
        invitations.create(name="Anna", email=email, role=Role.VIEWER, by=staff)


def test_address_with_an_account_is_refused(browser):
    create_user("anna", email="Anna@example.org")
    answer = browser.post(reverse("invite"), INVITED)
    assert answer.status_code == 422
    assert "anna already has an account with this address." in Page(answer).text


def test_address_that_got_an_account_in_the_meantime_is_refused(browser):
    link = invite(browser)
    create_user("other", email="anna@example.org")
    answer = Client().post(link, ACCEPTED)
    assert answer.status_code == 422
    assert "An account with the address anna@example.org already exists." in Page(answer).text


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": "   "}, "This field is required."),
        ({"name": "\x00"}, "This field is required."),
        ({"name": "x" * 10_000}, "Ensure this value has at most 150 characters (it has 10000)."),
        ({"email": "anna"}, "Enter a valid email address."),
        ({"role": ""}, "This field is required."),
        ({"role": "administrator"}, "Select a valid choice."),
        ({"role": "king"}, "Select a valid choice."),
    ],
)
def test_form_names_what_is_wrong(changed, sentence, browser):
    answer = browser.post(reverse("invite"), INVITED | changed)
    assert (answer.status_code, Invitation.objects.count()) == (422, 0)
    assert sentence in Page(answer).text


@pytest.mark.parametrize(
    ("name", "email", "username"),
    [
        ("Anna Müller", "", "anna.muller"),
        ("Anna Müller", "Anna.M+x@example.org", "anna.m+x"),
        ("נועה לוי", "", "נועה.לוי"),
        ("<script>", "", "script"),
        ("!!!", "", ""),
        ("Owner", "", "owner2"),
    ],
)
@pytest.mark.usefixtures("owner")
def test_username_is_suggested(name, email, username, staff):
    invitation, token = invitations.create(name=name, email=email, role=Role.VIEWER, by=staff)
    assert invitations.suggested_username(invitation) == username
    page = Client().get(reverse("invitation", args=[token]))
    assert (page.status_code, "<script>," in page.content.decode()) == (200, False)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"username": "OWNER"}, "A user with that username already exists."),
        ({"username": "anna müller"}, "Enter a valid username."),
        ({"password2": "another"}, "The two password fields didn’t match."),
        ({"password1": "word", "password2": "word"}, "This password is too short."),
        ({"password1": "anna@example.org", "password2": "anna@example.org"}, "too similar to the email address"),
    ],
)
def test_accepting_names_what_is_wrong_and_can_be_tried_again(changed, sentence, owner, browser):
    link = invite(browser)
    answer = Client().post(link, ACCEPTED | changed)
    assert answer.status_code == 422
    assert sentence in Page(answer).text
    assert Client().post(link, ACCEPTED).status_code == 302


def test_signed_in_person_is_asked_to_sign_out_first(browser, owner, signed_in):
    link = invite(browser)
    person = signed_in(owner)
    assert "You're signed in as owner." in Page(person.get(link)).text
    assert person.post(link, ACCEPTED).status_code == 200
    assert not User.objects.filter(username="anna").exists()
    assert person.post(reverse("logout"), {"next": link}).url == link


def test_invitation_ends_when_its_sender_may_no_longer_give_the_role(browser, staff, signed_in):
    create_user("root", is_superuser=True, is_staff=True)
    links = [invite(browser, email=f"{role}@example.org", role=role) for role in ("viewer", "staff")]
    staff.is_superuser = False
    staff.save()
    staff.user_permissions.add(Permission.objects.get(codename="add_user"))
    assert [Client().get(link).status_code for link in links] == [200, 410]
    assert "can no longer invite people" in Page(Client().get(links[1])).text
    staff.is_active = False
    staff.save()
    assert Client().post(links[0], ACCEPTED).status_code == 410
    assert not User.objects.filter(username="anna").exists()


def test_staff_who_may_add_people_give_no_more_than_they_have(signed_in):
    registrar = create_user("registrar", is_staff=True)
    registrar.user_permissions.add(Permission.objects.get(codename="add_user"))
    browser = signed_in(registrar)
    form = Page(browser.get(reverse("invite")))
    assert [field["value"] for field in form.all("input") if field.get("name") == "role"] == ["viewer", "owner"]
    answers = {role: browser.post(reverse("invite"), INVITED | {"email": "", "role": role}) for role in Role.values}
    assert {role: answer.status_code for role, answer in answers.items()} == {
        "viewer": 200,
        "curator": 422,
        "owner": 200,
        "staff": 422,
        "administrator": 422,
    }


def test_others_invitations_of_higher_roles_cannot_be_sent_or_withdrawn(browser, signed_in):
    link = invite(browser, role="staff")
    registrar = create_user("registrar", is_staff=True)
    registrar.user_permissions.add(Permission.objects.get(codename="add_user"))
    arguments = [Invitation.objects.get().pk]
    for name in ("invitation-resend", "invitation-revoke"):
        assert signed_in(registrar).post(reverse(name, args=arguments)).status_code == 404
    assert Client().get(link).status_code == 200
    assert "Withdraw" not in Page(signed_in(registrar).get(reverse("people"))).text


def test_role_of_a_deleted_group_is_made_again_with_its_permissions(browser):
    Group.objects.filter(name="curator").delete()
    Client().post(invite(browser), ACCEPTED)
    assert User.objects.get(username="anna").has_perm("analysis.add_verdict")


def test_guessed_links_are_limited_as_sign_ins_are(browser, settings, caplog):
    settings.SIGN_IN_ATTEMPTS = 10
    link = invite(browser)

    def open_link(path, address="192.0.2.1"):
        return Client().get(path, REMOTE_ADDR=address)

    guesses = [open_link(reverse("invitation", args=[f"guess-{number}"])).status_code for number in range(52)]
    assert guesses == [404] * 50 + [429] * 2
    refused = open_link(link)
    assert (refused.status_code, 0 < int(refused["Retry-After"]) <= 900) == (429, True)
    assert "Too many invalid links were opened from your network. Try again in 15 minutes." in Page(refused).text
    assert "Invitation refused from 192.0.2.1: too many unknown links." in caplog.text
    assert open_link(link, "192.0.2.2").status_code == 200


def test_guesses_are_not_counted_without_a_limit(settings):
    settings.SIGN_IN_ATTEMPTS = 0
    assert Client().get(reverse("invitation", args=["guess"])).status_code == 404
    assert list(attempt_limits.redis_client().scan_iter("invitation:*")) == []


@pytest.mark.parametrize("token", ["x" * 2_000, "%00", "a%2Fb", "%F0%9F%90%95", "%FF"])
def test_nonsense_is_an_unknown_link(token):
    assert Client().get(f"/invitations/{token}/").status_code == 404
