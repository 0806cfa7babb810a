"""Mail with an invitation or a reset, and what happens where none can be sent."""

import re

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.test import Client
from django.urls import reverse

from analysis.health import doctor
from analysis.web import attempt_limits
from imagelib.accounts import mail as mail_to_people
from imagelib.accounts.models import Invitation, User
from tests.accounts.test_invitations import INVITED, link_of
from tests.factories import create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff, signed_in) -> Client:
    return signed_in(staff)


def test_mail_has_the_link_and_the_page_too(browser, settings):
    settings.EMAIL_HOST = "mail.example.org"
    page = browser.post(reverse("invite"), INVITED)
    (message,) = mail.outbox
    assert (message.subject, message.to) == ("Your invitation to imagelib", ["anna@example.org"])
    assert f"http://testserver{link_of(page)}" in message.body
    assert "Hello Anna Müller," in message.body
    assert "The link is on its way to anna@example.org." in Page(page).text
    browser.post(reverse("invitation-resend", args=[Invitation.objects.get().pk]))
    assert len(mail.outbox) == 2


@pytest.mark.parametrize(("host", "email"), [("", "anna@example.org"), ("mail.example.org", "")])
def test_without_mail_there_is_the_link_alone(host, email, browser, settings):
    settings.EMAIL_HOST = host
    page = browser.post(reverse("invite"), INVITED | {"email": email})
    assert "Send them this link. No email was sent." in Page(page).text
    assert mail.outbox == []
    assert Client().get(link_of(page)).status_code == 200


def test_mail_server_that_is_down_is_named_and_the_link_still_works(browser, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = browser.post(reverse("invite"), INVITED)
    assert re.search(
        r"The email to anna@example.org could not be sent: .*refused.*\. Send them the link yourself\.", Page(page).text
    )
    assert Client().get(link_of(page)).status_code == 200


@pytest.fixture
def no_mail(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    mail_to_people.note_success()
    yield settings
    mail_to_people.note_success()


def found_mail():
    (check,) = [check for check in doctor.all_checks() if check.subject == "mail"]
    return doctor.run_check(check)[0]


def test_reset_answers_the_same_whatever_becomes_of_the_mail_and_staff_see_why(no_mail, browser, nobody, caplog):
    for key in attempt_limits.redis_client().scan_iter("password reset:*"):
        attempt_limits.redis_client().delete(key)
    create_user("owner", email="owner@example.org")
    pages = [nobody.post(reverse("password_reset"), {"email": f"{name}@example.org"}) for name in ("owner", "nobody")]
    assert [(page.status_code, page.url) for page in pages] == [(302, reverse("account_reset_password_done"))] * 2
    assert "Mail was not sent: [Errno 111] Connection refused" in caplog.text
    assert "The mail server doesn't work: [Errno 111] Connection refused." in found_mail().sentence
    assert "The mail server doesn't work" in Page(browser.get(reverse("system"), {"look": "1"})).text


def test_last_failure_is_a_warning_until_mail_is_sent_again(no_mail, nobody):
    mail_to_people.note_failure(OSError("quota exceeded"))
    no_mail.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    finding = found_mail()
    assert finding.state == "warning"
    assert finding.sentence == "The last message was not sent (just now): quota exceeded."
    create_user("owner", email="owner@example.org")
    mail_to_people.send_security_notice(User.objects.get(username="owner"), event="Password changed")
    assert found_mail().sentence == "The mail server works."


def test_app_codes_of_another_secret_key_are_reported(owner, settings):
    TOTP.activate(owner, "JBSWY3DPEHPK3PXP")
    (check,) = [check for check in doctor.all_checks() if check.subject == "two-step sign-in"]
    assert doctor.run_check(check)[0].sentence == "App codes can be read."
    settings.SECRET_KEY = "another" * 10
    finding = doctor.run_check(check)[0]
    assert finding.sentence == "SECRET_KEY was changed, so the app codes of 1 account can't be checked: owner."
