"""`rebuild_statistics` counts from the beginning and says what differed."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from analysis.models import AddedStatistics
from tests.factories import create_image

pytestmark = pytest.mark.django_db


def said(*words):
    out = StringIO()
    call_command("rebuild_statistics", *words, stdout=out)
    return out.getvalue().splitlines()


def test_it_puts_right_what_is_wrong(owner):
    create_image(owner)
    said()
    AddedStatistics.objects.update(pictures=7)
    lines = said()
    assert [line.split(" rows")[0] for line in lines] == ["added: 2", "ended: 0", "latency: 0", "confidence: 0"]
    assert set(AddedStatistics.objects.values_list("pictures", flat=True)) == {1}


def test_for_programs():
    found = [json.loads(line) for line in said("--json")]
    assert [(each["name"], each["differing"]) for each in found] == [
        (name, 0) for name in ("added", "ended", "latency", "confidence")
    ]
