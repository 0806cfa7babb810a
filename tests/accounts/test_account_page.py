"""The account page, passwords and their reset by mail."""

import re

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from analysis.web import attempt_limits
from imagelib.accounts.models import User
from tests.factories import create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
TOO_MANY_MAILS = "Too many password resets were requested. Try again in 60 minutes."
SAVED = {"email": "owner@example.org", "time_zone": "Asia/Tokyo"}


@pytest.fixture(autouse=True)
def nothing_counted():
    """The tests share one Redis."""
    for key in attempt_limits.redis_client().scan_iter("password reset:*"):
        attempt_limits.redis_client().delete(key)


def test_account_page_saves_name_email_and_time_zone(owner, signed_in):
    browser = signed_in(owner)
    answer = browser.post(reverse("account"), SAVED | {"name": "  Anna   Müller "})
    assert (answer.status_code, answer.url) == (302, reverse("account"))
    owner.refresh_from_db()
    assert {name: getattr(owner, name) for name in SAVED} == SAVED
    assert owner.get_full_name() == "Anna Müller"
    page = browser.get(reverse("account")).content.decode()
    assert "Account saved." in page
    assert '<option value="Asia/Tokyo" selected translate="no">' in page
    assert 'value="Anna Müller"' in page
    assert 'name="language"' not in page  # there is one language only


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"email": "Colleague@Example.org"}, "Another account already uses this email address."),
        ({"email": "no address"}, "Enter a valid email address."),
        ({"time_zone": "Mars/Olympus"}, "Select a valid choice. Mars/Olympus is not one of the available choices."),
        ({"name": "x" * 10_000}, "Ensure this value has at most 150 characters (it has 10000)."),
    ],
)
def test_account_page_names_what_is_wrong_and_saves_nothing(changed, sentence, owner, signed_in):
    create_user("colleague", email="colleague@example.org")
    answer = signed_in(owner).post(reverse("account"), SAVED | changed)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    owner.refresh_from_db()
    assert (owner.email, owner.time_zone, owner.get_full_name()) == ("", "", "")


@pytest.mark.parametrize(
    ("name", "saved"), [("   ", ""), ("\x00 \n", ""), ("נועה לוי", "נועה לוי"), ("<b>Ann</b>", "<b>Ann</b>")]
)
def test_name_is_one_line_in_any_script(name, saved, owner, signed_in):
    browser = signed_in(owner)
    assert browser.post(reverse("account"), SAVED | {"name": name}).status_code == 302
    owner.refresh_from_db()
    assert owner.get_full_name() == saved
    assert "<b>Ann" not in browser.get(reverse("account")).content.decode()


def test_language_is_offered_and_used_where_there_are_several(owner, signed_in, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    browser = signed_in(owner)
    page = browser.get(reverse("account"))
    assert '<option value="de">Deutsch</option>' in page.content.decode()
    assert page["Content-Language"] == "en"
    assert browser.post(reverse("account"), SAVED | {"language": "fr"}).status_code == 422
    browser.post(reverse("account"), SAVED | {"language": "de"})
    assert browser.get(reverse("account"))["Content-Language"] == "de"
    settings.LANGUAGES = [("en", "English")]
    assert browser.get(reverse("account"))["Content-Language"] == "en"


def test_email_is_unique_in_the_database_where_given(db):
    create_user(email=""), create_user(email="")
    create_user(email="owner@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        create_user(email="OWNER@example.org")


@pytest.mark.parametrize(("theme", "attribute"), [("system", ""), ("light", "light"), ("dark", "dark")])
def test_theme_is_an_attribute_of_every_page(theme, attribute, owner, signed_in):
    User.objects.update(theme=theme)
    page = signed_in(owner).get(reverse("library")).content.decode()
    assert re.findall(r'<html lang="en"(?: data-theme="(\w+)")?>', page) == [attribute]


def test_account_page_opens_with_a_time_zone_that_is_no_longer_known(owner, signed_in):
    User.objects.update(time_zone="Mars/Olympus")
    page = signed_in(owner).get(reverse("account"))
    assert page.status_code == 200
    assert "Mars/Olympus" not in page.content.decode()


def test_account_is_linked_in_the_menu_and_reset_on_the_sign_in_page(owner, signed_in, nobody):
    assert f'href="{reverse("account")}"' in signed_in(owner).get(reverse("library")).content.decode()
    assert f'href="{reverse("password_reset")}"' in nobody.get(reverse("login")).content.decode()


def test_password_change_keeps_the_person_signed_in(owner, signed_in):
    browser = signed_in(owner)
    new = {"new_password1": "a long new secret", "new_password2": "a long new secret"}
    refused = browser.post(reverse("password_change"), {"old_password": "wrong", **new})
    assert "Your old password was entered incorrectly." in refused.content.decode()
    done = browser.post(reverse("password_change"), {"old_password": "word", **new}, follow=True)
    assert done.status_code == 200
    assert "<h1>Password changed</h1>" in done.content.decode()
    owner.refresh_from_db()
    assert owner.check_password("a long new secret")


def test_generated_password_is_named_until_it_is_changed_or_dismissed(owner, signed_in):
    notice = "You still use the password that imagelib generated"
    browser = signed_in(owner)
    assert notice not in browser.get(reverse("library")).content.decode()
    User.objects.update(has_generated_password=True)
    page = browser.get(reverse("library")).content.decode()
    assert (notice in page, f'href="{reverse("password_change")}">Change password' in page) == (True, True)
    back = browser.post(reverse("dismiss-password-notice"), {"next": "/labels/"})
    assert (back.url, notice in browser.get(reverse("library")).content.decode()) == ("/labels/", False)
    User.objects.update(has_generated_password=True)
    new = {"new_password1": "a long new secret", "new_password2": "a long new secret"}
    browser.post(reverse("password_change"), {"old_password": "word", **new})
    assert notice not in browser.get(reverse("library")).content.decode()


def test_forgotten_password_is_reset_by_mail_once(nobody):
    person = create_user("owner", email="owner@example.org")
    sent = nobody.post(reverse("password_reset"), {"email": "Owner@Example.org"}, follow=True)
    assert "<h1>Check your email</h1>" in sent.content.decode()
    (message,) = mail.outbox
    assert (message.subject, message.to) == ("Reset your imagelib password", ["owner@example.org"])
    assert "“owner”" in message.body
    link = re.search(r"http://testserver(/\S+)", message.body)[1]
    form = nobody.get(link, follow=True)
    assert "<h1>Choose a new password</h1>" in form.content.decode()
    new = {"new_password1": "a long new secret", "new_password2": "a long new secret"}
    done = nobody.post(form.redirect_chain[-1][0], new, follow=True)
    assert "You can sign in with the new password now." in done.content.decode()
    person.refresh_from_db()
    assert person.check_password("a long new secret")
    assert "This link has already been used or has expired." in nobody.get(link, follow=True).content.decode()


def test_reset_page_does_not_tell_whether_an_address_is_known(nobody):
    create_user("owner", email="owner@example.org")
    addresses = ("owner@example.org", "nobody@example.org")
    answers = [nobody.post(reverse("password_reset"), {"email": email}, follow=True) for email in addresses]
    known, unknown = ((answer.redirect_chain, Page(answer).text) for answer in answers)
    assert known == unknown
    assert "Check your email" in unknown[1]
    assert [message.to for message in mail.outbox] == [["owner@example.org"]]


@pytest.mark.parametrize(("host", "is_told"), [("", True), ("mail.example.org", False)])
def test_reset_page_says_when_no_mail_can_be_sent(host, is_told, nobody, settings):
    settings.EMAIL_HOST = host
    page = nobody.get(reverse("password_reset")).content.decode()
    assert ("This server can&#x27;t send email yet." in page or "This server can't send email yet." in page) is is_told


def request_reset(email, *, address="192.0.2.1"):
    return Client().post(reverse("password_reset"), {"email": email}, REMOTE_ADDR=address)


def test_reset_mails_to_one_account_are_limited():
    create_user("owner", email="owner@example.org")
    assert [request_reset("owner@example.org").status_code for _ in range(3)] == [302] * 3
    refused = request_reset("OWNER@example.org")
    assert (refused.status_code, TOO_MANY_MAILS in refused.content.decode()) == (429, True)
    assert 0 < int(refused["Retry-After"]) <= 3_600
    assert len(mail.outbox) == 3
    assert request_reset("colleague@example.org").status_code == 302


def test_limit_of_reset_mails_does_not_tell_whether_an_address_is_known():
    assert [request_reset("nobody@example.org").status_code for _ in range(4)] == [302] * 3 + [429]


def test_reset_mails_from_everywhere_and_from_one_network_are_limited():
    everywhere = [request_reset("owner@example.org", address=f"192.0.2.{n}").status_code for n in range(11)]
    assert everywhere == [302] * 10 + [429]
    network = [request_reset(f"person{n}@example.org", address="198.51.100.1").status_code for n in range(11)]
    assert network == [302] * 10 + [429]
