"""The JSON Schemas and the examples of docs/sinks.md."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from tests.delivery.test_sinks_of_aws import SCHEMAS, check

DOCS = SCHEMAS.parent / "sinks.md"
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)]


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_schema_is_valid_and_linked(path):
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))
    assert f"(schemas/{path.name})" in DOCS.read_text() + DOCS.with_name("deliveries.md").read_text()


def test_examples_of_the_documentation_are_valid():
    schemas = [
        "image-message" if "image" in example else "dynamodb-item" if "ImageID" in example else "labels-message"
        for example in EXAMPLES
        if {"image", "ImageID", "file_name"} & set(example)
    ]
    documents = [example for example in EXAMPLES if {"image", "ImageID", "file_name"} & set(example)]
    assert schemas == ["image-message", "labels-message", "labels-message", "dynamodb-item"]
    for document, schema in zip(documents, schemas, strict=True):
        check(document, schema)


def test_change_that_breaks_receivers_is_noticed():
    with pytest.raises(jsonschema.ValidationError):
        check(EXAMPLES[0] | {"version": 2}, "image-message")
