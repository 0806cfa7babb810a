"""The examples of docs/api.md, run with curl against a server."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal

import pytest
from django.utils import timezone

from analysis.models import Alert, Batch, Label, SavedSearch
from imagelib.accounts import api_tokens
from tests import pictures
from tests.docs.blocks import blocks, is_request
from tests.factories import create_image, create_labeled_image, create_user

EXAMPLES = [block.text for block in blocks("sh") if is_request(block)]
SECONDS = 30


@pytest.fixture
def environment(live_server, tmp_path):
    owner = create_user("owner")
    image = create_labeled_image(owner, {"Dog": 98.5, "Cat": 60.0}, filename="dog.jpg")
    scopes = ["read", "write", "delete", "analyze", "admin"]
    _token, text = api_tokens.create(owner, name="Docs", scopes=scopes, days=1, spending_limit=Decimal(5))
    (tmp_path / "beach.jpg").write_bytes(pictures.encoded(pictures.photo(), "jpeg"))
    ids = {"IMAGE": image.pk, "LABEL": Label.objects.get(name="Cat").pk}
    ids["TRASHED"] = create_image(owner, trashed_at=timezone.now()).pk
    ids["SEARCH"] = SavedSearch.objects.create(owner=owner, name="Dogs", query="dog").pk
    values = {name: str(pk) for name, pk in ids.items()}
    return {"URL": live_server.url, "TOKEN": text, "PATH": "/usr/bin:/bin", **values}


def test_there_are_examples():
    assert len(EXAMPLES) >= 14


@pytest.mark.django_db(transaction=True)
def test_every_example_runs(environment, tmp_path):
    answers = []
    for example in EXAMPLES:
        command = example.replace("curl ", "curl --silent --show-error --fail-with-body --max-time 20 ", 1)
        result = subprocess.run(
            ["bash", "-c", command], env=environment, cwd=tmp_path, capture_output=True, timeout=SECONDS, check=False
        )
        assert result.returncode == 0, f"{example}\n{result.stdout.decode()}\n{result.stderr.decode()}"
        answers.append(json.loads(result.stdout))
    by_name = next(answer for answer in answers if "filename" in answer and "image_id" in answer)
    assert by_name["labels"][0] == {"Name": "Dog", "Confidence": 98.5}
    assert SavedSearch.objects.get(name="Good dogs").query == "dog>=90"
    assert Alert.objects.get().address == "https://example.com/hook"
    assert sorted(Batch.objects.values_list("budget", flat=True)) == [Decimal("0.01"), 1]
