"""The OpenAPI document: error responses, added to what ninja generates."""

from __future__ import annotations

from typing import Any

from ninja.openapi.schema import OpenAPISchema

from analysis.api.errors import CONTENT_TYPE, Problem

REF = {"$ref": "#/components/schemas/Problem"}
ALWAYS = {
    "401": "No valid token.",
    "403": "The token or its account may not do this.",
    "404": "Nothing here that this token may see.",
    "422": "A parameter or field is invalid.",
    "429": "Too many requests in this minute.",
}
WITH_BODY = {
    "400": "The body cannot be read.",
    "409": "Refused: the present state does not allow it.",
    "411": "The Content-Length is missing.",
    "412": "The resource has changed since the ETag in If-Match.",
    "413": "The body is too large.",
    "507": "The storage is full or cannot be reached.",
}
BODY_METHODS = frozenset({"post", "put", "patch", "delete"})


def with_problems(document: OpenAPISchema) -> OpenAPISchema:
    """The document with the error responses of each operation."""
    schemas = document["components"].setdefault("schemas", {})
    problem_schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem_schema.pop("$defs", {}))
    schemas["Problem"] = problem_schema
    for operations in document["paths"].values():
        for method, operation in operations.items():
            _add_problems(operation, ALWAYS | (WITH_BODY if method in BODY_METHODS else {}))
    return document


def _add_problems(operation: dict[str, Any], problems: dict[str, str]) -> None:
    # Added here instead of in each operation's `response`, which ninja would describe as application/json.
    for status, description in problems.items():
        # As numbers, like the keys of ninja's own responses.
        operation["responses"].setdefault(
            int(status), {"description": description, "content": {CONTENT_TYPE: {"schema": REF}}}
        )
