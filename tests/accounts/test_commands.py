"""Django's own commands for accounts, which people use from the shell."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from imagelib.accounts.models import User

pytestmark = pytest.mark.django_db


def is_signed_in(browser) -> bool:
    return browser.get(reverse("account")).status_code == 200


def test_createsuperuser_makes_an_administrator_who_signs_in(monkeypatch, nobody):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long new secret")
    call_command("createsuperuser", "--noinput", username="root", email="root@example.org", verbosity=0)
    nobody.post(reverse("login"), {"username": "root", "password": "a long new secret"})
    assert nobody.get("/admin/").status_code == 200
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", "--noinput", username="root", email="", verbosity=0)


def test_changepassword_ends_the_sessions_and_the_generated_password(owner, signed_in, monkeypatch, capsys):
    User.objects.update(has_generated_password=True)
    browser = signed_in(owner)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "a long new secret")
    call_command("changepassword", "owner")
    assert "Password changed successfully for user 'owner'" in capsys.readouterr().out
    owner.refresh_from_db()
    assert (is_signed_in(browser), owner.has_generated_password) == (False, False)
    again = Client()
    again.post(reverse("login"), {"username": "owner", "password": "a long new secret"})
    assert is_signed_in(again)
