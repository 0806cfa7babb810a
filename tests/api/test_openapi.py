"""The OpenAPI document: checked in, and kept to by the server."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import schemathesis
from django.contrib.staticfiles import finders
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.meta import CoveragePhaseData
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from analysis.api.app import api as application
from imagelib.accounts import api_tokens
from tests.factories import create_analysis, create_bucket, create_labeled_image, create_user

CHECKED_IN = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
pytestmark = pytest.mark.django_db


def document() -> dict:
    return json.loads(json.dumps(application.get_openapi_schema()))


def test_the_document_is_the_one_in_docs():
    """After an intended change: `make openapi` writes it."""
    assert document() == json.loads(CHECKED_IN.read_text(encoding="utf-8"))


def test_the_page_of_the_document_loads_nothing_from_other_sites(owner, signed_in):
    page = signed_in(owner).get("/api/v1/docs").content.decode()
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(addresses) == 5
    assert all(finders.find(address.removeprefix("/static/")) for address in addresses)


@pytest.fixture(autouse=True)
def connection_stays_open():
    """Keep the test's connection at the end of a request, as Django's test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


schema = schemathesis.openapi.from_dict(document())
times_seen: Counter[tuple[str, str, str]] = Counter()


@schema.hook
def filter_case(_context, case) -> bool:
    """Keep two cases of a kind for each value, and a query's parts for one operation.

    Schemathesis sends six wrong types for each value of each operation. Pydantic refuses them in one place, and all
    operations that take a query share its model.
    """
    data = case.meta.phase.data if case.meta else None
    if not isinstance(data, CoveragePhaseData):
        return True
    location = data.location or data.description
    is_part_of_query = "/properties/query/" in location or "'query' value: Object with" in location
    if is_part_of_query and case.operation.label != "POST /api/v1/images/search":
        return False
    if data.scenario is None:
        return True
    key = case.operation.label, data.scenario.value, location
    times_seen[key] += 1
    return times_seen[key] <= 2


@pytest.fixture(scope="module")
def wsgi_application():
    """Made once: it loads all middleware, which takes longer than most requests."""
    return get_wsgi_application()


@pytest.fixture
def token() -> str:
    """Of staff with pictures, so that most operations have something to answer."""
    owner = create_user("schema", is_staff=True, is_superuser=True)
    image = create_labeled_image(owner, {"Dog": 99.0}, filename="dog.jpg")
    create_analysis(image, "faces", state="failed")
    create_bucket(owner)
    scopes = ["read", "write", "analyze", "admin"]
    _token, text = api_tokens.create(owner, name="Schema", scopes=scopes, days=1, spending_limit=1)
    return text


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=timedelta(seconds=20),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_whatever_is_sent_gets_a_documented_response(case, token, wsgi_application, settings):
    settings.API_REQUESTS_PER_MINUTE = 0
    # Without compression, which schemathesis does not undo for a WSGI application.
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    response = case.call(base_url="http://localhost", app=wsgi_application, headers=headers)
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
            negative_data_rejection,
        ],
    )
