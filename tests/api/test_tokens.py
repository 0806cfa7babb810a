"""API tokens: validity, scopes, rate limit, and their page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.api.app import api as application
from analysis.models import Batch
from imagelib.accounts import api_tokens
from imagelib.accounts.models import ApiToken
from tests.factories import create_image

pytestmark = pytest.mark.django_db
FORM = {"name": "Backup", "scopes": ["read", "write"], "days": "90"}


def get_token(text: str):
    return Client().get("/api/v1/token", headers={"Authorization": f"Bearer {text}"})


def test_a_token_says_whose_it_is_and_records_its_use(owner):
    token, text = api_tokens.create(owner, name="Backup", scopes=["read"], days=30)
    assert text.startswith("imagelib_")
    assert text not in str(ApiToken.objects.values().get())
    body = get_token(text).json()
    assert (body["user"], body["name"], body["scopes"]) == ("owner", "Backup", ["read"])
    token.refresh_from_db()
    assert token.last_used_at is not None


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"revoked_at": timezone.now()},
        {"digest": "0" * 64},
    ],
)
def test_a_token_that_is_not_valid_opens_nothing(change, owner):
    token, text = api_tokens.create(owner, name="Backup", scopes=["read"], days=30)
    ApiToken.objects.filter(pk=token.pk).update(**change)
    response = get_token(text)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert response["Content-Type"] == "application/problem+json"
    assert "account page" in response.json()["detail"]


def test_a_token_ends_with_its_account(owner):
    _token, text = api_tokens.create(owner, name="Backup", scopes=["read"], days=None)
    owner.is_active = False
    owner.save()
    assert get_token(text).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer imagelib_", "Basic b3duZXI6d29yZA==", "Bearer \x00", "imagelib_x"]
)
def test_broken_headers_are_401(header):
    assert Client().get("/api/v1/token", headers={"Authorization": header}).status_code == 401


def test_a_session_opens_nothing(owner, signed_in):
    assert signed_in(owner).get("/api/v1/images").status_code == 401


def operations() -> list[tuple[str, str, str]]:
    """Method, path and required scope of every operation."""
    rows = []
    for router in application._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                [auth] = operation.auth_callbacks
                rows += [(method, path, auth.scope.value) for method in operation.methods]
    return rows


@pytest.mark.parametrize(("method", "path", "scope"), operations())
def test_every_operation_requires_its_scope(method, path, scope, owner, api_of):
    path = re.sub(r"{uuid\w*:\w+}", "5ba7b810-9dad-11d1-80b4-00c04fd430c8", path)
    path = re.sub(r"{\w*:?\w+_id}", "1", path).replace("{name}", "thumb")
    others = [name for name in ("read", "write", "analyze", "admin") if name != scope]
    response = api_of(owner, scopes=others)(method, path)
    assert response.status_code == 403
    assert f"“{scope}”" in response.json()["detail"]
    assert api_of(owner, scopes=[scope])(method, path).status_code != 403
    assert Client().generic(method, f"/api/v1{path}").status_code == 401


@pytest.mark.parametrize("has_redis", [True, False])
def test_the_rate_limit_is_told_and_kept(settings, api, has_redis):
    settings.API_REQUESTS_PER_MINUTE = 2
    if not has_redis:
        settings.REDIS = ""
    first = api.get("/token")
    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"]) == ("2", "1")
    statuses = [api.get("/token").status_code for _ in range(4)]  # a minute may end in between
    assert 429 in statuses
    refused = next(response for response in (api.get("/token") for _ in range(4)) if response.status_code == 429)
    assert 1 <= int(refused["Retry-After"]) <= 60


def test_unknown_addresses_and_methods_are_problems(api):
    for response, status in ((api.get("/pictures"), 404), (api("put", "/images"), 405), (api.get("/images/0"), 404)):
        assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert "GET" in api("put", "/images")["Allow"]


def raw_post(api, body):
    headers = {"Authorization": f"Bearer {api.text}"}
    return Client().generic("POST", "/api/v1/searches", body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "\xff\xfe", ""])
def test_broken_json_is_an_error_of_the_caller(body, api):
    response = raw_post(api, body)
    assert response.status_code in {400, 422}
    assert response["Content-Type"] == "application/problem+json"


def test_a_large_body_is_refused_before_it_is_read(api):
    response = raw_post(api, b" " * 10_000_000)
    assert (response.status_code, response["Content-Type"]) == (413, "application/problem+json")
    assert response.json()["detail"].startswith("The request is too large: 10 MB; the limit is ")


def test_page_shows_a_new_token_once(owner, signed_in):
    browser = signed_in(owner)
    page = browser.post(reverse("api-tokens"), FORM).content.decode()
    [text] = re.findall(r'value="(imagelib_[\w-]+)"', page)
    assert get_token(text).status_code == 200
    page = browser.get(reverse("api-tokens")).content.decode()
    assert text not in page
    assert text[:13] in page


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["everything"]}, "Select a valid choice."),
        ({"scopes": ["analyze"]}, "A token with “Analyze” needs a spending limit"),
        ({"scopes": ["analyze"], "spending_limit": "-1"}, "greater than or equal to 0"),
        ({"days": "7"}, "Select a valid choice."),
    ],
)
def test_page_names_what_is_wrong_and_makes_none(changed, sentence, owner, signed_in):
    response = signed_in(owner).post(reverse("api-tokens"), FORM | changed)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not ApiToken.objects.exists()


def test_page_says_what_is_spent_used_and_expired(owner, signed_in):
    token, _text = api_tokens.create(owner, name="Spender", scopes=["analyze"], days=30, spending_limit=Decimal(25))
    Batch.objects.create(person=owner, api_token=token, budget=Decimal("1.50"))
    old, _text = api_tokens.create(owner, name="Old", scopes=["read"], days=30)
    moment = datetime(2026, 5, 3, 12, tzinfo=UTC)
    ApiToken.objects.filter(pk=old.pk).update(expires_at=moment, last_used_at=moment)
    page = " ".join(signed_in(owner).get(reverse("api-tokens")).content.decode().split())
    assert "$1.50 of $25.00 used" in page
    assert 'Expired on 3 May 2026 · <span title="3 May 2026, 12:00:00 UTC">last used ' in page
    assert page.count('<span class="token-state">Expired</span>') == 1


@pytest.mark.parametrize("number", [1, 3])
def test_page_costs_as_many_queries_however_many_tokens(number, owner, signed_in, django_assert_num_queries):
    for index in range(number):
        api_tokens.create(owner, name=f"Token {index}", scopes=["analyze"], days=30, spending_limit=Decimal(1))
    browser = signed_in(owner)
    browser.get(reverse("api-tokens"))
    with django_assert_num_queries(6):  # session, user twice, tokens, dollars, rights
        browser.get(reverse("api-tokens"))


def test_revoked_by_its_owner_alone(owner, colleague, signed_in):
    token, text = api_tokens.create(owner, name="Backup", scopes=["read"], days=30)
    address = reverse("api-token-revoke", args=[token.pk])
    assert signed_in(colleague).post(address).status_code == 404
    assert get_token(text).status_code == 200
    assert signed_in(owner).post(address).status_code == 302
    assert get_token(text).status_code == 401


def test_the_number_of_tokens_is_bounded(owner, signed_in, monkeypatch):
    monkeypatch.setattr(api_tokens, "MAX_TOKENS", 1)
    api_tokens.create(owner, name="First", scopes=["read"], days=30)
    page = signed_in(owner).post(reverse("api-tokens"), FORM)
    assert page.status_code == 422
    assert "Revoke one" in page.content.decode()


def test_the_database_refuses_a_token_that_may_spend_without_limit(owner):
    with pytest.raises(IntegrityError), transaction.atomic():
        api_tokens.create(owner, name="Spender", scopes=["analyze"], days=30, spending_limit=None)
    api_tokens.create(owner, name="Spender", scopes=["analyze"], days=30, spending_limit=Decimal(0))


def test_other_sites_may_call_only_if_they_are_named(settings, owner):
    create_image(owner)
    client = Client(headers={"Origin": "https://app.example.org"})
    assert not client.options("/api/v1/images").has_header("Access-Control-Allow-Origin")
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.org"]
    answer = client.options("/api/v1/images", headers={"Access-Control-Request-Method": "GET"})
    assert answer["Access-Control-Allow-Origin"] == "https://app.example.org"
    assert not client.get("/").has_header("Access-Control-Allow-Origin")
