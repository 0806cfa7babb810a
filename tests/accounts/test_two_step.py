"""Two-step sign-in: app codes, recovery codes, passkeys, and bad input."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from analysis.models import AuditEntry
from analysis.web import attempt_limits
from imagelib.accounts import api_tokens
from imagelib.accounts.models import Session
from tests.factories import create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
RIGHT = {"username": "owner", "password": "word"}


@pytest.fixture(autouse=True)
def nothing_counted():
    """The tests share one Redis, where used codes are noted too."""
    for pattern in ("sign-in:*", "code:*", "passkey:*", "imagelib:*"):
        for key in attempt_limits.redis_client().scan_iter(pattern):
            attempt_limits.redis_client().delete(key)


def code(*, minutes=0, key=KEY) -> str:
    return format_hotp_value(hotp_value(key, int(time.time() + minutes * 60) // 30))


@pytest.fixture
def person(owner):
    """Someone with app codes and recovery codes."""
    TOTP.activate(owner, KEY)
    RecoveryCodes.activate(owner)
    return owner


def with_password(**more) -> Client:
    """A browser that gave the right password and has the second step before it."""
    browser = Client()
    answer = browser.post(reverse("login"), RIGHT | more)
    assert answer.url == reverse("mfa_authenticate")
    return browser


def second_step(browser, text):
    return browser.post(reverse("mfa_authenticate"), {"code": text})


def is_signed_in(browser) -> bool:
    return browser.get(reverse("account")).status_code == 200


def test_app_codes_are_set_up_after_the_password_and_asked_for_from_then_on(owner, django_capture_on_commit_callbacks):
    owner.email = "owner@example.org"
    owner.save()
    browser = Client()
    browser.post(reverse("login"), RIGHT)
    confirm = browser.get(reverse("mfa_activate_totp"))
    assert confirm.url.startswith(reverse("account_reauthenticate"))
    wrong = browser.post(confirm.url, {"password": "wrong"})
    assert "Incorrect password." in Page(wrong).text
    page = browser.post(confirm.url, {"password": "word"}, follow=True)
    key = re.search(r'id="totp-key"[^>]*value="(\w+)"', page.content.decode())[1]
    refused = browser.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert re.search(r"Incorrect code\. A code is valid for 30 seconds; it's \d+:\d\d", Page(refused).text)
    with django_capture_on_commit_callbacks(execute=True):
        done = browser.post(reverse("mfa_activate_totp"), {"code": code(key=key)}, follow=True)
    assert done.redirect_chain[-1][0] == reverse("mfa_view_recovery_codes")
    assert len(Page(done).all("code")) == 10
    assert key not in str(Authenticator.objects.get(type="totp").data)
    assert "Two-step sign-in On" in Page(browser.get(reverse("account"))).text
    entry = AuditEntry.objects.latest("pk")
    assert (entry.actor_name, entry.details) == ("owner", {"fields": ["Two-step sign-in"]})
    with_password()


def test_code_signs_in_once_and_leads_to_the_requested_page(person):
    first, second = with_password(next="/labels/"), with_password()
    assert not is_signed_in(first)
    now = code()
    assert second_step(first, f"{now[:3]} {now[3:]}").url == "/labels/"
    assert is_signed_in(first)
    assert "This code has already been used. Wait for the next one." in Page(second_step(second, now)).text
    assert not is_signed_in(second)


def test_recovery_code_works_once(person):
    spare = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    assert second_step(with_password(), spare).url == reverse("library")
    assert second_step(with_password(), spare).status_code == 200


@pytest.mark.parametrize("minutes", [-10, 10])
def test_clock_that_is_off_is_named(minutes, person):
    text = Page(second_step(with_password(), code(minutes=minutes))).text
    assert re.search(
        r"This code is for \d+:\d\d, but it's \d+:\d\d on this server\. Let your phone set its clock", text
    )


def test_wrong_codes_lead_to_a_wait(person, settings):
    settings.SIGN_IN_ATTEMPTS = 3
    browser = with_password()
    assert [second_step(browser, "000000").status_code for _ in range(4)] == [200] * 3 + [429]
    refused = second_step(with_password(), code())  # by the account, not by the browser
    assert (refused.status_code, 0 < int(refused["Retry-After"]) <= 900) == (429, True)
    assert "Too many failed sign-in attempts. Try again in 15 minutes." in Page(refused).text


def test_second_step_can_be_cancelled(person):
    browser = with_password()
    assert browser.get(reverse("login")).url == reverse("mfa_authenticate")
    assert browser.post(reverse("cancel-sign-in")).url == reverse("login")
    assert browser.get(reverse("login")).status_code == 200
    assert second_step(browser, code()).url == reverse("login")


def test_changed_secret_key_asks_to_sign_in_again_and_says_why_codes_fail(person, signed_in, settings):
    browser, waiting = signed_in(person), with_password()
    browser.post(reverse("account_reauthenticate"), {"password": "word"})
    earlier, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 10
    assert browser.get(reverse("account")).url == f"{reverse('login')}?next=/account/"
    assert second_step(waiting, code()).url == reverse("login")
    browser = with_password()
    assert "manage.py reset_two_step owner" in Page(second_step(browser, code())).text
    settings.SECRET_KEY_FALLBACKS = [earlier]
    assert second_step(browser, code()).url == reverse("library")


def test_recovery_codes_of_another_secret_key_are_replaced(person, signed_in, settings):
    settings.SECRET_KEY = "another" * 10
    browser = signed_in(person)
    browser.post(reverse("account_reauthenticate"), {"password": "word"})
    for name in ("mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes"):
        page = browser.get(reverse(name))
        assert (page.status_code, "Your recovery codes can't be read" in Page(page).text) == (409, True)
    made = browser.post(reverse("mfa_generate_recovery_codes"), follow=True)
    assert (made.status_code, len(Page(made).all("code"))) == (200, 10)


def test_recovery_codes_are_a_file_too(person, signed_in):
    browser = signed_in(person)
    browser.post(reverse("account_reauthenticate"), {"password": "word"})
    file = browser.get(reverse("mfa_download_recovery_codes"))
    assert file["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert len(re.findall(r"^\d{8}$", file.content.decode(), re.MULTILINE)) == 10


def test_turning_it_off_needs_the_password_and_leaves_none_of_it(person, signed_in):
    browser = signed_in(person)
    assert browser.post(reverse("mfa_deactivate_totp")).url.startswith(reverse("account_reauthenticate"))
    browser.post(reverse("account_reauthenticate"), {"password": "word"})
    assert browser.post(reverse("mfa_deactivate_totp")).url == reverse("mfa_index")
    assert not Authenticator.objects.exists()
    assert Client().post(reverse("login"), RIGHT).url == reverse("library")


def test_api_tokens_need_no_second_step(person):
    _, text = api_tokens.create(person, name="script", scopes=["read"], days=1)
    assert Client().get("/api/v1/images", headers={"Authorization": f"Bearer {text}"}).status_code == 200


@pytest.mark.parametrize(
    "credential",
    ["", "nonsense", "null", "[]", "{}", '{"response": []}', '{"id": "x", "response": {"userHandle": "MQ"}}', "[[[["],
)
def test_nonsense_is_no_passkey(credential, owner):
    browser = Client()
    browser.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
    answer = browser.post(reverse("mfa_login_webauthn"), {"credential": credential})
    assert (answer.status_code, answer.url) == (302, reverse("login"))
    assert not is_signed_in(browser)
    assert browser.get(reverse("login")).status_code == 200


def test_nonsense_adds_no_passkey(owner, signed_in):
    browser = signed_in(owner)
    browser.post(reverse("account_reauthenticate"), {"password": "word"})
    for credential in ("[]", "{}", '{"response": []}'):
        assert browser.post(reverse("mfa_add_webauthn"), {"credential": credential}).status_code == 200
    assert not Authenticator.objects.exists()


def test_passkeys_that_are_not_accepted_lead_to_a_wait(settings, owner):
    settings.SIGN_IN_ATTEMPTS = 2
    pages = [Client().post(reverse("mfa_login_webauthn"), {"credential": '{"id": 1}'}, follow=True) for _ in range(3)]
    texts = [Page(page).text for page in pages]
    assert ["This passkey was not accepted." in text for text in texts] == [True, True, False]
    assert "Too many failed sign-in attempts." in texts[2]


def test_passwords_of_a_stolen_session_are_limited(owner, signed_in, settings):
    settings.SIGN_IN_ATTEMPTS = 2
    browser, address = signed_in(owner), reverse("account_reauthenticate")
    assert [browser.post(address, {"password": "wrong"}).status_code for _ in range(3)] == [200, 200, 429]
    change = {"old_password": "word", "new_password1": "a long new secret", "new_password2": "a long new secret"}
    assert browser.post(reverse("password_change"), change).status_code == 429


def test_person_without_a_password_sets_one_without_entering_any(owner, signed_in):
    owner.set_unusable_password()
    owner.save()
    browser = signed_in(owner)
    assert "Password Not set" in Page(browser.get(reverse("account"))).text
    assert browser.get(reverse("password_change")).url == reverse("account_set_password")
    new = {"new_password1": "a long new secret", "new_password2": "a long new secret"}
    assert browser.post(reverse("account_set_password"), new).url == reverse("password_change_done")
    owner.refresh_from_db()
    assert owner.check_password("a long new secret")
    assert browser.get(reverse("mfa_activate_totp")).url.startswith(reverse("account_reauthenticate"))


def test_person_is_told_of_changes_by_mail(person, signed_in, settings):
    settings.EMAIL_HOST = "mail.example.org"
    person.email = "owner@example.org"
    person.save()
    browser = signed_in(person)
    browser.post(reverse("account_reauthenticate"), {"password": "word"})
    browser.post(reverse("mfa_deactivate_totp"))
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["owner@example.org"], "Your imagelib sign-in was changed")
    assert "account “owner” have changed: App codes turned off." in message.body


def test_administrator_turns_it_off_for_someone_who_lost_their_phone(person, staff, signed_in):
    with_password()
    own, administrator = signed_in(person), signed_in(staff)
    address = reverse("person-two-step", args=[person.pk])
    assert address in administrator.get(reverse("person", args=[person.pk])).content.decode()
    done = administrator.post(address, follow=True)
    assert "owner can now sign in with only a password." in done.content.decode()
    assert (is_signed_in(own), Session.objects.filter(user=person).exists()) == (False, False)
    assert Client().post(reverse("login"), RIGHT).url == reverse("library")
    assert AuditEntry.objects.latest("pk").actor_name == "staff"
    assert address not in administrator.get(reverse("person", args=[person.pk])).content.decode()


def test_command_turns_it_off(person, capsys):
    call_command("reset_two_step", "owner")
    call_command("reset_two_step", "owner")
    assert capsys.readouterr().out.splitlines() == [
        "owner can now sign in with only a password.",
        "owner has no two-step sign-in.",
    ]
    with pytest.raises(CommandError, match="There is no account “nobody”"):
        call_command("reset_two_step", "nobody")


def test_deactivated_person_with_a_right_code_stays_out(person):
    browser = with_password()
    person.is_active = False
    person.save()
    assert second_step(browser, code()).status_code == 302
    assert not is_signed_in(browser)


def test_empty_password_does_not_reset_the_failures(settings):
    create_user("ada")
    settings.SIGN_IN_ATTEMPTS = 2
    browser = Client()
    for _ in range(2):
        browser.post(reverse("login"), {"username": "ada", "password": "wrong"})
        browser.post(reverse("login"), {"username": "ada", "password": ""})
    assert browser.post(reverse("login"), {"username": "ada", "password": "wrong"}).status_code == 429
