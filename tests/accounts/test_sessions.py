"""Sessions: the list, signing out of one and of all others, what ends them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis import tasks
from imagelib.accounts import sessions
from imagelib.accounts.models import Session, User
from imagelib.accounts.session_pages import shown_network
from imagelib.accounts.sessions import coarse_network
from tests.factories import create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
PHONE = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"


def sign_in(name, user_agent=FIREFOX, address="203.0.113.77") -> Client:
    """Sign in through the page, as force_login sends no request."""
    browser = Client(headers={"User-Agent": user_agent}, REMOTE_ADDR=address)
    assert browser.post(reverse("login"), {"username": name, "password": "word"}).status_code == 302
    return browser


def listed(browser) -> list[str]:
    """The names of the sessions on the page."""
    text = Page(browser.get(reverse("sessions"))).text
    return [name for name in ("Firefox on Linux", "Chrome on Android") for _ in range(text.count(f"{name} "))]


def is_signed_in(browser) -> bool:
    return browser.get(reverse("account")).status_code == 200


@pytest.fixture
def browsers(owner) -> tuple[Client, Client]:
    return sign_in("owner"), sign_in("owner", PHONE, "2001:db8:1:2::3")


def sign_out_button(browser, number: int) -> str:
    page = Page(browser.get(reverse("sessions")))
    return [button["value"] for button in page.all("button") if button.get("name") == "session"][number]


def test_list_names_devices_coarse_networks_and_the_current_one(browsers, colleague):
    sign_in("colleague")
    first, _ = browsers
    page = first.get(reverse("sessions"))
    text = Page(page).text
    assert text.index("Firefox on Linux This session") < text.index("Chrome on Android")
    assert ("203.0.113.x" in text, "2001:db8:1:x" in text, "113.77" in text) == (True, True, False)
    assert "Used just now" in text
    keys = Session.objects.values_list("pk", flat=True)
    assert [key for key in keys if key in page.content.decode()] == []
    assert "Where you're signed in 2 sessions" in Page(first.get(reverse("account"))).text


def test_signing_out_of_another_session_ends_that_one_only(browsers):
    first, phone = browsers
    answer = first.post(reverse("session-sign-out"), {"session": sign_out_button(first, 1)}, follow=True)
    assert "Session signed out." in answer.content.decode()
    assert (is_signed_in(first), is_signed_in(phone)) == (True, False)


def test_signing_out_twice_says_that_it_had_ended(browsers):
    first, _ = browsers
    button = sign_out_button(first, 1)
    first.post(reverse("session-sign-out"), {"session": button})
    again = first.post(reverse("session-sign-out"), {"session": button}, follow=True)
    assert "That session had already ended." in again.content.decode()


def test_signing_out_of_the_current_session_leads_to_the_sign_in_page(browsers):
    first, phone = browsers
    answer = first.post(reverse("session-sign-out"), {"session": sign_out_button(first, 0)})
    assert answer.url == reverse("login")
    assert (is_signed_in(first), is_signed_in(phone)) == (False, True)


def test_signing_out_everywhere_else_keeps_this_session_and_other_people(browsers, colleague):
    first, phone = browsers
    other = sign_in("colleague")
    answer = first.post(reverse("session-sign-out"), {"others": "1"}, follow=True)
    assert "Signed out of 1 other session." in answer.content.decode()
    assert [is_signed_in(browser) for browser in (first, phone, other)] == [True, False, True]


def test_others_sessions_cannot_be_ended(browsers, colleague):
    first, _ = browsers
    other = sign_in("colleague")
    first.post(reverse("session-sign-out"), {"session": sign_out_button(other, 0)})
    assert is_signed_in(other)


@pytest.mark.parametrize("session", ["", "x" * 10_000, "\x00", "../"])
def test_nonsense_ends_nothing(session, browsers):
    first, phone = browsers
    assert first.post(reverse("session-sign-out"), {"session": session}).status_code == 302
    assert (is_signed_in(first), is_signed_in(phone)) == (True, True)


def test_password_change_ends_the_other_sessions(browsers):
    first, phone = browsers
    new = {"new_password1": "a long new secret", "new_password2": "a long new secret"}
    assert first.post(reverse("password_change"), {"old_password": "word", **new}).status_code == 302
    assert (is_signed_in(first), is_signed_in(phone)) == (True, False)
    assert listed(first) == ["Firefox on Linux"]


def test_sessions_that_a_new_password_ended_are_not_listed(browsers, owner):
    owner.set_password("another")
    owner.save()
    assert sessions.sessions_of(owner, current_key=None) == []
    assert [is_signed_in(browser) for browser in browsers] == [False, False]


def test_deleted_and_deactivated_accounts_have_no_session(browsers, owner, colleague):
    other = sign_in("colleague")
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    owner.delete()
    assert [is_signed_in(browser) for browser in (*browsers, other)] == [False] * 3
    assert not Session.objects.filter(user=None, session_data="").exists()
    assert Session.objects.filter(user_id=owner.pk).count() == 0


def test_use_is_recorded_every_few_minutes_with_the_device(browsers, owner, django_assert_num_queries):
    first, _ = browsers
    Session.objects.update(last_used_at=timezone.now() - timedelta(minutes=6), user_agent="", network="")
    before = timezone.now()
    first.get(reverse("sessions"))
    used = Session.objects.get(last_used_at__gte=before)
    assert (used.user_agent, used.network) == (FIREFOX, "203.0.113.0/24")
    owner.refresh_from_db()
    assert owner.last_seen_at >= before
    with django_assert_num_queries(4):  # session, person, sessions, and groups for the header: not written again
        first.get(reverse("sessions"))
    first.get(reverse("sessions"))
    assert Session.objects.get(pk=used.pk).last_used_at == used.last_used_at


def test_saving_a_session_keeps_its_start(browsers):
    first, _ = browsers
    start = timezone.now() - timedelta(days=3)
    Session.objects.update(created_at=start)
    first.post(reverse("toggle-sensitive"), {"show": "1"})
    assert set(Session.objects.values_list("created_at", flat=True)) == {start}


def test_list_needs_same_queries_for_one_and_three_sessions(owner, django_assert_num_queries):
    browser = sign_in("owner")
    for more in (0, 2):
        for _ in range(more):
            sign_in("owner", PHONE)
        with django_assert_num_queries(4):
            browser.get(reverse("sessions"))


def test_long_and_broken_headers_are_kept_within_bounds(owner):
    browser = sign_in("owner", "Firefox/\x00<b>" + "x" * 5_000, address="")
    row = Session.objects.get()
    assert (len(row.user_agent), row.network) == (300, "")
    assert "<b>" not in browser.get(reverse("sessions")).content.decode()


def test_expired_sessions_are_deleted(owner):
    sign_in("owner"), sign_in("owner", PHONE)
    Session.objects.filter(user_agent=PHONE).update(expire_date=timezone.now() - timedelta(seconds=1))
    tasks.delete_expired()
    assert list(Session.objects.values_list("user_agent", flat=True)) == [FIREFOX]


def test_visitors_have_no_session_row():
    Client().get(reverse("login"))
    create_user("ada")
    assert Session.objects.count() == 0


@pytest.mark.parametrize(
    ("address", "network", "text"),
    [
        ("203.0.113.77", "203.0.113.0/24", "203.0.113.x"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48", "2001:db8:1:x"),
        ("::ffff:203.0.113.77", "203.0.113.0/24", "203.0.113.x"),
        ("", "", ""),
        ("nonsense", "", ""),
    ],
)
def test_addresses_are_stored_without_their_end(address, network, text):
    assert (coarse_network(address), shown_network(network)) == (network, text)
