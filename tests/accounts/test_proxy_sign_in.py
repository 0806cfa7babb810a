"""Sign-in by a reverse proxy's header: whose header counts, and for whom."""

import pytest
from django.test import Client
from django.urls import reverse

from imagelib.accounts import api_tokens, user_management
from imagelib.accounts.models import Session, User
from imagelib.accounts.roles import Role
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
PROXY, STRANGER = "10.0.0.1", "203.0.113.9"


@pytest.fixture(autouse=True)
def proxy(settings):
    settings.PROXY_USER_HEADER, settings.TRUSTED_PROXIES = "X-Forwarded-User", ["10.0.0.0/24"]


def browser(name, address=PROXY, **options) -> Client:
    return Client(REMOTE_ADDR=address, headers={"X-Forwarded-User": name} if name else {}, **options)


def username_of(client) -> str:
    """Username of the signed-in person; empty for nobody."""
    page = client.get(reverse("account"))
    return page.context["user"].get_username() if page.status_code == 200 else ""


def test_header_of_a_trusted_proxy_signs_in(owner):
    client = browser("owner")
    assert username_of(client) == "owner"
    assert client.get(reverse("account")).status_code == 200
    assert Session.objects.filter(user=owner).count() == 1  # one, not one for each request


@pytest.mark.parametrize("address", [STRANGER, "10.0.1.1", "", "nonsense"])
def test_header_of_any_other_address_is_ignored_and_logged(address, owner, caplog):
    assert username_of(browser("owner", address)) == ""
    assert f"Ignored X-Forwarded-User from {address or '?'}, which is not in TRUSTED_PROXIES." in caplog.text


def test_forwarded_address_makes_nobody_a_proxy(owner):
    client = Client(REMOTE_ADDR=STRANGER, headers={"X-Forwarded-User": "owner", "X-Forwarded-For": PROXY})
    assert username_of(client) == ""


def test_without_the_setting_or_proxies_the_header_counts_for_nothing(owner, settings):
    settings.TRUSTED_PROXIES = []
    assert username_of(browser("owner")) == ""
    settings.TRUSTED_PROXIES, settings.PROXY_USER_HEADER = ["10.0.0.0/24"], ""
    assert username_of(browser("owner")) == ""


@pytest.mark.parametrize("name", ["owner,colleague", "owner;", "x" * 151])
def test_several_or_invalid_values_are_ignored(name, owner, colleague, caplog):
    assert username_of(browser(name)) == ""
    assert "Ignored X-Forwarded-User: it has several values or an invalid one." in caplog.text


def test_person_without_an_account_reads_why_on_the_sign_in_page(settings):
    page = browser("ghost <b>").get(reverse("library"), follow=True)
    assert "Your organization signs you in as ghost <b> , but there is no active account" in Page(page).text
    assert not User.objects.exists()


def test_deactivated_person_stays_out(owner):
    User.objects.update(is_active=False)
    assert username_of(browser("owner")) == ""


def test_new_accounts_by_setting(settings):
    settings.PROXY_NEW_ACCOUNTS, settings.PROXY_ROLE = True, "curator"
    assert username_of(browser("new.person")) == "new.person"
    person = User.objects.get()
    assert (user_management.role_of(person), person.has_usable_password()) == (Role.CURATOR, False)
    assert username_of(browser("new.person")) == "new.person"
    assert User.objects.count() == 1


def test_other_person_at_the_same_browser_replaces_the_first(owner, colleague):
    client = browser("owner")
    assert username_of(client) == "owner"
    answer = client.get(reverse("account"), headers={"X-Forwarded-User": "colleague"})
    assert answer.context["user"] == colleague
    assert not Session.objects.filter(user=owner).exists()


def test_signing_out_at_the_proxy_signs_out_here(owner):
    client = browser("owner")
    assert username_of(client) == "owner"
    anonymous = Client(REMOTE_ADDR=PROXY)
    anonymous.cookies = client.cookies
    assert username_of(anonymous) == ""
    assert Session.objects.filter(user=owner).count() == 0


def test_session_ends_with_the_setting(owner, settings):
    client = browser("owner")
    assert username_of(client) == "owner"
    settings.PROXY_USER_HEADER = ""
    assert username_of(client) == ""


def test_password_sign_in_stays_where_the_proxy_names_nobody(owner):
    client = browser("")
    client.post(reverse("login"), {"username": "owner", "password": "word"})
    assert username_of(client) == "owner"


def test_api_takes_tokens_alone(owner):
    _, text = api_tokens.create(owner, name="script", scopes=["read"], days=1)
    assert browser("owner").get("/api/v1/images").status_code == 401
    token = {"Authorization": f"Bearer {text}", "X-Forwarded-User": "nobody"}
    assert Client(REMOTE_ADDR=PROXY).get("/api/v1/images", headers=token).status_code == 200


def test_pages_need_as_many_queries_as_without_it(owner, signed_in, settings, django_assert_num_queries):
    by_proxy, by_password = browser("owner"), signed_in(owner)
    by_proxy.get(reverse("labels"))
    with django_assert_num_queries(4):
        by_proxy.get(reverse("sessions"))
    settings.PROXY_USER_HEADER = ""
    with django_assert_num_queries(4):
        by_password.get(reverse("sessions"))
