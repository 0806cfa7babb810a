"""NUL in texts, which PostgreSQL refuses, in every parameter and body of the API."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.api.app import api as application
from tests.factories import create_bucket, create_labeled_image

pytestmark = pytest.mark.django_db
TEXT = "a\x00b"
MAX_DEPTH = 4  # a query contains queries
DOCUMENT = application.get_openapi_schema()
OPERATIONS = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if method in {"get", "post", "put", "patch", "delete"}
]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def value_of(schema: dict[str, Any], depth: int = 0) -> Any:
    """A value of the schema whose texts contain NUL."""
    schema = resolved(schema)
    for part in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        if resolved(part).get("type") != "null":
            return value_of(part, depth)
    kind = schema.get("type")
    if kind == "array":
        return [value_of(schema["items"], depth + 1)] if depth < MAX_DEPTH else []
    if kind == "object":
        parts = schema.get("properties", {}) if depth < MAX_DEPTH else {}
        return {name: value_of(part, depth + 1) for name, part in parts.items()}
    others = {"string": TEXT, "boolean": False, "null": None}
    return schema.get("const", schema.get("enum", [others.get(kind, schema.get("minimum", 1))])[0])


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=[f"{o[1]} {o[0]}" for o in OPERATIONS])
def test_nul_is_refused_or_ignored(path, method, operation, api_of, staff):
    api = api_of(staff)
    image = create_labeled_image(staff, {"Dog": 99.0})
    create_bucket(staff)
    query = {}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(image.pk))
        elif parameter["in"] == "query" and resolved(parameter["schema"]).get("type") != "integer":
            query[parameter["name"]] = value_of(parameter["schema"])
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    full = value_of(body["schema"]) if body else None
    bodies = [full, *({name: value} for name, value in full.items())] if isinstance(full, dict) else [full]
    for sent in bodies:
        answer = api(method, path.removeprefix("/api/v1"), sent, query=query)
        assert answer.status_code < 500, (sent, answer.content)
