"""Sign-in: limits on failed attempts, and caching of private pages."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now
from django.test import Client, RequestFactory
from django.urls import reverse

from analysis.models import AttemptCount
from analysis.web import attempt_limits
from analysis.web.http import client_address
from tests.factories import create_labeled_image, create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
WRONG = "Incorrect username or password."
TOO_MANY = "Too many failed sign-in attempts. Try again in 15 minutes."


@pytest.fixture(autouse=True)
def nothing_counted():
    """The tests share one Redis."""
    for key in attempt_limits.redis_client().scan_iter("sign-in:*"):
        attempt_limits.redis_client().delete(key)


def attempt(name="ada", password="wrong", *, address="192.0.2.1", path="/accounts/login/", **headers):
    return Client().post(path, {"username": name, "password": password}, REMOTE_ADDR=address, **headers)


def test_failed_attempts_lead_to_a_wait(settings, caplog):
    create_user("ada")
    settings.SIGN_IN_ATTEMPTS = 3
    for _ in range(3):
        assert WRONG in Page(attempt()).text
    answer = attempt(password="right")
    assert (answer.status_code, TOO_MANY in Page(answer).text) == (429, True)
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "Sign-in refused from 192.0.2.1: too many failed attempts." in caplog.text
    assert "ada" not in caplog.text
    assert attempt(name="ADA").status_code == 429  # the name's case is no way around
    assert attempt(name="grace").status_code == 200
    assert attempt(address="192.0.2.2").status_code == 200


def test_success_resets_the_failures(settings):
    person = create_user("ada")
    person.set_password("right")
    person.save()
    settings.SIGN_IN_ATTEMPTS = 2
    for _ in range(3):
        assert attempt().status_code == 200
        assert attempt(password="right").status_code == 302


def test_totals_of_an_account_and_of_an_address_are_limited(settings):
    settings.SIGN_IN_ATTEMPTS = 1
    assert [attempt(address=f"192.0.2.{n}").status_code for n in range(6)] == [200] * 5 + [429]
    assert [attempt(name=f"a{n}", address="198.51.100.1").status_code for n in range(6)] == [200] * 5 + [429]


def test_admin_leads_to_the_one_sign_in_page_and_back(staff, nobody):
    page = nobody.get("/admin/analysis/image/?q=dog", follow=True)
    assert (page.redirect_chain[-1][0], page.context["next"]) == (
        "/accounts/login/?next=/admin/analysis/image/%3Fq%3Ddog",
        "/admin/analysis/image/?q=dog",
    )
    login = {"username": "staff", "password": "word", "next": page.context["next"]}
    assert nobody.post("/accounts/login/", login).url == "/admin/analysis/image/?q=dog"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "evil"])
def test_admin_sign_in_stays_on_this_site(target, staff, signed_in, nobody):
    assert signed_in(staff).get("/admin/login/", {"next": target}).url == "/admin/"
    assert nobody.get("/admin/login/", {"next": target}).url == "/accounts/login/?next=/admin/"


def test_person_without_rights_reads_why_the_admin_is_closed_and_whom_to_ask(owner, staff, signed_in):
    staff.first_name = "Maria <b>"
    staff.save()
    create_user("gone", is_superuser=True, is_active=False)
    page = signed_in(owner).get("/admin/", follow=True)
    text = Page(page).text
    assert (page.status_code, page.redirect_chain) == (403, [("/admin/login/?next=/admin/", 302)])
    assert "You're signed in as owner . Only staff can open the admin site." in text
    assert "To get access, ask an administrator: Maria <b>" in text
    assert "gone" not in text
    assert 'name="password"' not in page.content.decode()


def test_without_redis_people_still_sign_in(settings, caplog):
    person = create_user("ada")
    person.set_password("right")
    person.save()
    settings.REDIS = "redis://127.0.0.1:1/0"
    attempt_limits.redis_client.cache_clear()
    try:
        assert attempt().status_code == 200
        assert attempt(password="right").status_code == 302
    finally:
        attempt_limits.redis_client.cache_clear()
    assert "Sign-in attempts are not limited, because Redis is not available" in caplog.text


def test_addresses_of_one_ipv6_network_count_together(settings):
    settings.SIGN_IN_ATTEMPTS = 1
    assert attempt(address="2001:db8::1").status_code == 200
    assert attempt(address="2001:db8::2").status_code == 429
    assert attempt(address="2001:db8:0:1::1").status_code == 200


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # anyone can write that
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("", "198.51.100.7", ""),
    ],
)
def test_client_address_is_the_last_untrusted_one(settings, remote, forwarded, expected):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "::1"]
    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected


def test_private_pages_and_originals_are_not_cached(owner, signed_in):
    image, browser = create_labeled_image(owner, {"Dog": 90}), signed_in(owner)
    for name, arguments in {"library": [], "image": [image.pk], "searches": [], "original": [image.pk]}.items():
        assert browser.get(reverse(name, args=arguments))["Cache-Control"] == "private, no-store", name
    assert "no-store" in browser.post(reverse("logout"))["Cache-Control"]
    assert "Cache-Control" not in Client().get(reverse("library"))


def test_without_redis_attempts_are_counted_in_the_database(settings):
    person = create_user("ada")
    person.set_password("right")
    person.save()
    settings.REDIS, settings.SIGN_IN_ATTEMPTS = "", 2
    assert [attempt().status_code for _ in range(3)] == [200, 200, 429]
    refused = attempt(password="right")
    assert (refused.status_code, 0 < int(refused["Retry-After"]) <= 15 * 60) == (429, True)
    assert attempt(address="192.0.2.2", password="right").status_code == 302
    AttemptCount.objects.update(expires_at=Now())
    assert attempt(password="right").status_code == 302
    AttemptCount.delete_expired()
    assert not AttemptCount.objects.exists()
