"""A client of the API for each test."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.test import Client

from imagelib.accounts import api_tokens

ALL_SCOPES = ("read", "write", "delete", "analyze", "admin")


class ApiClient:
    """Sends JSON with a token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._client = Client()

    def __call__(self, method: str, path: str, body=None, *, query=None, headers=None, **options):
        content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self._client.generic(
            method.upper(),
            f"/api/v1{path}",
            query_params=query,
            headers={"Authorization": f"Bearer {self.text}", **(headers or {})},
            **content,
            **options,
        )

    def get(self, path: str, **query):
        return self("get", path, query=query)

    def post(self, path: str, body=None, **options):
        return self("post", path, body, **options)

    def upload(self, path: str, file, **fields):
        return self._client.post(
            f"/api/v1{path}", {"file": file, **fields}, headers={"Authorization": f"Bearer {self.text}"}
        )


@pytest.fixture
def api_of():
    """A client for a person's token: api_of(owner, scopes=["read"])."""

    def client(person, *, scopes=ALL_SCOPES, days=30, spending_limit=Decimal(10)):
        _token, text = api_tokens.create(person, name="Test", scopes=scopes, days=days, spending_limit=spending_limit)
        return ApiClient(text)

    return client


@pytest.fixture
def api(api_of, owner):
    return api_of(owner)
