"""Sign-in at an OpenID Connect provider, run by authlib on this machine."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from analysis.web import attempt_limits
from imagelib.accounts import email_addresses, invitations, user_management
from imagelib.accounts.models import Session, User
from imagelib.accounts.roles import Role
from tests.factories import create_user
from tests.oidc_server import CLIENT_ID, SECRET, Provider, serving
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"


@pytest.fixture
def provider(settings, monkeypatch):
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    for key in attempt_limits.redis_client().scan_iter("single sign-on:*"):
        attempt_limits.redis_client().delete(key)
    idp = Provider()
    with serving(idp) as issuer:
        settings.OIDC_SERVER_URL, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = issuer, CLIENT_ID, SECRET
        settings.OIDC_NAME = "Acme"
        yield idp
        cache.delete(f"oidc:{issuer}/.well-known/openid-configuration")


@pytest.fixture
def anna() -> User:
    """Someone whose address was verified."""
    person = create_user("anna", email="anna@example.org")
    email_addresses.mark_verified(person)
    return person


def go(browser, **parameters) -> str:
    """Through the provider, as a browser goes; returns the address it leads back to."""
    start = browser.get(reverse("oidc-login"), parameters)
    assert start.status_code == 302, start.content.decode()
    back = requests.get(start.url, allow_redirects=False, timeout=5)
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["Location"])
    return f"{parts.path}?{parts.query}"


def sign_in(browser=None, **parameters):
    browser = browser or Client(headers={"User-Agent": FIREFOX}, REMOTE_ADDR="203.0.113.77")
    return browser, browser.get(go(browser, **parameters))


def is_signed_in(browser) -> bool:
    return browser.get(reverse("account")).status_code == 200


def refused(page, status, *sentences):
    text = Page(page).text
    assert page.status_code == status
    assert [sentence for sentence in sentences if sentence not in text] == []
    return True


def test_person_with_a_verified_address_signs_in_and_is_known_from_then_on(provider, anna):
    browser, answer = sign_in(next="/labels/")
    assert (answer.status_code, answer.url) == (302, "/labels/")
    assert is_signed_in(browser)
    assert list(Session.objects.values_list("user_agent", "network")) == [(FIREFOX, "203.0.113.0/24")]
    provider.claims["email"] = "anna.new@example.org"  # who has it now, is the provider's matter
    assert is_signed_in(sign_in()[0])
    anna.refresh_from_db()
    assert (anna.email, anna.check_password("word"), SocialAccount.objects.count()) == ("anna@example.org", True, 1)


def test_request_has_pkce_state_and_nonce_and_nothing_of_the_address(provider, anna):
    browser = Client()
    query = {"auth_params": "redirect_uri=https://evil.example/&prompt=none", "scope": "admin"}
    sent = parse_qs(urlsplit(browser.get(reverse("oidc-login"), query).url).query)
    assert (sent["code_challenge_method"], sent["response_type"]) == (["S256"], ["code"])
    assert sent["redirect_uri"] == ["http://testserver/accounts/oidc/callback/"]
    assert set(sent["scope"][0].split()) == {"openid", "profile", "email"}
    assert min(len(sent[name][0]) for name in ("code_challenge", "state", "nonce")) >= 16
    assert "prompt" not in sent


def test_sign_in_page_offers_it(provider, settings):
    page = Client().get(reverse("login"), {"next": "/labels/"}).content.decode()
    assert f'href="{reverse("oidc-login")}?next=/labels/"' in page
    assert "Sign in with Acme" in page
    settings.OIDC_CLIENT_ID = ""
    assert "oidc" not in Client().get(reverse("login")).content.decode()


def test_unknown_person_reads_why(provider):
    browser, page = sign_in()
    assert refused(page, 403, "There is no account for anna@example.org.", "Ask an administrator", "Try again")
    assert (is_signed_in(browser), User.objects.exists()) == (False, False)


def test_address_that_the_provider_did_not_verify_counts_for_nothing(provider, anna, settings):
    provider.claims["email_verified"] = False
    assert refused(sign_in()[1], 403, "Acme didn't provide a verified email address for you.")
    settings.OIDC_TRUST_EMAIL = True
    assert is_signed_in(sign_in()[0])


def test_address_that_its_account_did_not_verify_is_not_enough(provider):
    thief = create_user("thief", email="anna@example.org")
    assert refused(sign_in()[1], 403, "An account here uses anna@example.org, but you haven't verified")
    email_addresses.mark_verified(thief)
    User.objects.filter(pk=thief.pk).update(email="other@example.org")  # what was verified is no longer theirs
    assert refused(sign_in()[1], 403, "There is no account for anna@example.org.")


def test_invited_person_gets_the_account_of_the_invitation(provider, staff):
    invitation, _ = invitations.create(name="Anna", email="Anna@Example.org", role=Role.CURATOR, by=staff)
    provider.claims["preferred_username"] = "Anna M"
    browser, answer = sign_in()
    assert (answer.url, is_signed_in(browser)) == (reverse("library"), True)
    person = User.objects.get(username="anna.m")
    assert (person.get_full_name(), person.has_usable_password()) == ("Anna Müller", False)
    assert user_management.role_of(person) == Role.CURATOR
    invitation.refresh_from_db()
    assert invitation.account == person
    assert "Acme Connected" in Page(browser.get(reverse("account"))).text


def test_new_accounts_by_setting_get_its_role_and_a_free_username(provider, settings):
    settings.OIDC_NEW_ACCOUNTS, settings.OIDC_ROLE = True, "owner"
    create_user("anna")
    assert is_signed_in(sign_in()[0])
    person = User.objects.get(email="anna@example.org")
    assert (person.username, user_management.role_of(person)) == ("anna2", Role.OWNER)


def test_other_claim_may_hold_the_address(provider, anna, settings):
    settings.OIDC_EMAIL_CLAIM, settings.OIDC_TRUST_EMAIL = "upn", True
    provider.claims |= {"email": "somebody@example.org", "upn": "anna@example.org"}
    browser, _ = sign_in()
    assert is_signed_in(browser)


def test_address_of_another_claim_is_not_the_verified_one(provider, anna, settings):
    settings.OIDC_EMAIL_CLAIM = "upn"  # in some providers people choose it themselves
    provider.claims |= {"email": "thief@example.org", "email_verified": True, "upn": "anna@example.org"}
    browser, page = sign_in()
    assert refused(page, 403, "Acme didn't provide a verified email address for you.")
    assert not is_signed_in(browser)
    provider.claims["email"] = "anna@example.org"
    assert is_signed_in(sign_in()[0])


def test_deactivated_person_stays_out(provider, anna):
    User.objects.update(is_active=False)
    browser, answer = sign_in()
    assert answer.url == reverse("account_inactive")
    assert not is_signed_in(browser)


def test_second_step_is_asked_for_as_well(provider, anna):
    TOTP.activate(anna, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    browser, answer = sign_in()
    assert (answer.url, is_signed_in(browser)) == (reverse("mfa_authenticate"), False)


def test_person_connects_and_disconnects_it_on_the_account_page(provider, owner, signed_in, settings):
    browser, page = signed_in(owner), reverse("socialaccount_connections")
    link = browser.get(page).context["token"]
    confirm = browser.get(reverse("oidc-login"), {"process": "connect", "token": link}).url
    assert confirm.startswith(reverse("account_reauthenticate"))
    assert browser.post(confirm, {"password": "word"}).url.startswith(f"{reverse('oidc-login')}?process=connect&token=")
    back = go(browser, process="connect", token=link)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0  # it took long at the provider
    assert browser.get(back).url == reverse("account_reauthenticate")
    assert not SocialAccount.objects.exists()
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    assert browser.post(reverse("account_reauthenticate"), {"password": "word"}).url == page
    assert "Connected since" in Page(browser.get(page)).text
    assert is_signed_in(sign_in()[0])
    assert browser.post(page, {"account": SocialAccount.objects.get().pk}).url == page
    assert not SocialAccount.objects.exists()


def test_link_of_a_stranger_connects_nothing(provider, owner, stranger, signed_in):
    theirs = signed_in(stranger).get(reverse("socialaccount_connections")).context["token"]
    for token in ("", "nonsense", theirs):
        answer = signed_in(owner).get(reverse("oidc-login"), {"process": "connect", "token": token})
        assert answer.url == reverse("socialaccount_connections")
    assert provider.requests == []


def test_person_who_has_nothing_else_cannot_disconnect_it(provider, settings):
    settings.OIDC_NEW_ACCOUNTS = True
    browser, _ = sign_in()
    answer = browser.post(reverse("socialaccount_connections"), {"account": SocialAccount.objects.get().pk})
    assert "Set a password first." in Page(answer).text
    assert SocialAccount.objects.exists()


def test_provider_that_is_down_is_named(provider, settings, anna):
    provider.is_broken = True
    page = Client().get(reverse("oidc-login"))
    assert refused(page, 503, "Acme can't be reached at the moment.", "Try again", "Sign in another way")
    provider.is_broken = False
    browser = Client()
    back = go(browser)
    provider.is_broken = True
    assert refused(browser.get(back), 502, "Acme sent an invalid response.")
    settings.OIDC_SERVER_URL = "http://127.0.0.1:1"
    assert refused(Client().get(reverse("oidc-login")), 503, "Acme can't be reached at the moment.")


def test_answer_that_is_no_configuration_is_no_error_of_ours(provider, settings):
    settings.OIDC_SERVER_URL = provider.issuer + "/.well-known/../jwks"
    assert refused(Client().get(reverse("oidc-login")), 502, "sent an invalid response.")


def test_cancelled_sign_in(provider):
    provider.is_denied = True
    assert refused(sign_in()[1], 403, "You canceled it at Acme")


@pytest.mark.parametrize("query", ["", "?state=x&code=y", "?code=y", "?state=x&error=server_error"])
def test_callback_without_its_beginning(query, provider):
    page = Client().get(reverse("oidc-callback") + query)
    assert page.status_code in {400, 502}
    assert "Sign in" in Page(page).text


def test_callback_of_another_browser_signs_nobody_in(provider, anna):
    back, victim = go(Client()), Client()
    assert refused(victim.get(back), 400, "It was started too long ago, or in another window.")
    assert not is_signed_in(victim)


@pytest.mark.parametrize(
    ("name", "value"), [("nonce", "another"), ("subject_of_userinfo", "5678"), ("expires_in", -600)]
)
def test_response_of_another_sign_in_or_person_is_refused(name, value, provider, anna):
    setattr(provider, name, value)
    browser, page = sign_in()
    sentence = "The clocks of Acme and of this server differ too much" if value == -600 else "sent an invalid response"
    assert refused(page, 502, sentence)
    assert not is_signed_in(browser)


def test_same_number_of_another_provider_is_another_person(provider, anna):
    sign_in()
    SocialAccount.objects.update(uid="of another issuer")
    email_addresses.EmailAddress.objects.all().delete()
    assert refused(sign_in()[1], 403, "you haven't verified that the address is yours")


def test_failures_lead_to_a_wait(provider, settings):
    settings.SIGN_IN_ATTEMPTS = 2
    pages = [Client().get(reverse("oidc-callback")) for _ in range(3)]
    assert [page.status_code for page in pages] == [400, 400, 429]
    assert "Try again in 15 minutes." in Page(pages[2]).text
    assert Client().get(reverse("oidc-login")).status_code == 429
