"""Requests to the API in this process, through all middleware."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.test import Client

from bench.dataset import READER
from bench.search.run import fastest
from imagelib.accounts import api_tokens

LIMIT = 100


class ApiClient:
    """Sends requests with a token."""

    def __init__(self, text: str) -> None:
        self._client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {text}"})

    def get(self, path: str, **parameters: object) -> dict[str, Any]:
        response = self._client.get(f"/api/v1{path}?{urlencode(parameters)}")
        if response.status_code != 200:
            raise RuntimeError(f"{path} returned {response.status_code}: {response.content.decode()[:300]}")
        values: dict[str, Any] = json.loads(response.content)
        return values

    def milliseconds(self, path: str, **parameters: object) -> float:
        """The faster of two requests, after one that is not counted."""
        address = f"/api/v1{path}?{urlencode(parameters)}"
        return fastest(lambda: self._client.get(address))


@contextmanager
def reader_client() -> Iterator[ApiClient]:
    """A client with a token of the reader, which is deleted at the end."""
    token, text = api_tokens.create(get_user_model().objects.get(pk=READER), name="Bench", scopes=["read"], days=1)
    logging.getLogger("django.request").setLevel(logging.ERROR)  # it would warn for each unknown file name
    try:
        yield ApiClient(text)
    finally:
        token.delete()


def full_pages(api: ApiClient, texts: Sequence[str]) -> list[dict[str, object]]:
    """Parameters of lists with 100 images: the first pages of these searches.

    For every fourth search, also a later page.
    """
    pages: list[dict[str, object]] = []
    for number, text in enumerate(texts):
        first = api.get("/images", q=text, limit=LIMIT, fields="id")
        if len(first["items"]) < LIMIT:
            continue
        pages.append({"q": text, "limit": LIMIT})
        if number % 4 == 0 and first["next"]:
            second = api.get("/images", q=text, limit=LIMIT, fields="id", cursor=first["next"])
            if len(second["items"]) == LIMIT:
                pages.append({"q": text, "limit": LIMIT, "cursor": first["next"]})
    return pages
