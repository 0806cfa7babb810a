"""Real messages and examples agree with docs/deliveries.md and docs/schemas."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from analysis.delivery import alerts, sender
from analysis.delivery.signatures import new_secret
from tests.delivery.test_alert_matching import change, create_alert
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "deliveries.md").read_text(encoding="utf-8")
SCHEMAS = {"matches": "matches", "test": "test-message"}
"""By event."""


def example(language: str) -> str:
    [code] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return code


def schema(name: str) -> dict:
    return json.loads((DOCS / "schemas" / f"{name}.json").read_text(encoding="utf-8"))


def check(message: dict) -> None:
    content = schema(SCHEMAS[message["event"]])
    jsonschema.Draft202012Validator.check_schema(content)
    jsonschema.validate(message, content, format_checker=jsonschema.FormatChecker())
    assert sorted(message) == sorted(content["properties"])


@pytest.fixture
def received(owner, receiver, settings):
    """A match and a test message, and the secret they are signed with."""
    settings.SITE_URL = "https://pictures.example.org"
    secret = new_secret()
    alert = create_alert(owner, "dog", address=receiver.url, secret=secret)
    change(create_labeled_image(owner, {"Dog": 98.5}, filename="röx.jpg"))
    alerts.add_test(alert)
    sender.send_due()
    return receiver.received, secret


def test_messages_have_the_form_of_the_schemas(received):
    requests, _secret = received
    matches, test = sorted((request.json for request in requests), key=lambda message: message["event"])
    for message in (matches, test):
        check(message)
    definitions = schema("matches")["$defs"]
    assert sorted(matches["images"][0]) == sorted(definitions["image"]["properties"])
    assert sorted(matches["images"][0]["labels"][0]) == sorted(definitions["label"]["properties"])


def test_example_message_has_the_form_of_the_schema():
    check(json.loads(example("json")))


def test_python_example_verifies_signatures(received):
    [request, *_], secret = received
    names: dict = {}
    exec(example("python"), names)
    is_signed = names["is_signed"]
    assert is_signed(secret, request.headers, request.body)
    assert not is_signed(secret, request.headers, request.body + b" ")
    assert not is_signed(new_secret(), request.headers, request.body)
    old = request.headers | {"webhook-timestamp": "1700000000"}
    assert not is_signed(secret, old, request.body)


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
def test_node_example_verifies_signatures(received):
    [request, *_], secret = received
    values = [secret, request.headers, request.body.decode()]
    script = f"""{example("js")}
        const [secret, headers, body] = {json.dumps(values)};
        console.log(isSigned(secret, headers, body), isSigned(secret, headers, body + " "));"""
    result = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=30, check=True)
    assert result.stdout == "true false\n"
