"""Mail with an invitation, and what happens where none can be sent."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from imagelib.accounts.models import Invitation
from tests.accounts.test_invitations import INVITED, link_of
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
    assert "Pass on this link. Nothing was sent by email." in Page(page).text
    assert mail.outbox == []
    assert Client().get(link_of(page)).status_code == 200


def test_mail_server_that_is_down_is_named_and_the_link_still_works(browser, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = browser.post(reverse("invite"), INVITED)
    assert re.search(
        r"The email to anna@example.org could not be sent: .*refused.*\. Pass on the link yourself\.", Page(page).text
    )
    assert Client().get(link_of(page)).status_code == 200
