"""rebuild_statistics: counts again and reports corrected rows."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from analysis.models import AddedStatistics
from tests.factories import create_image

pytestmark = pytest.mark.django_db


def lines_of(*options):
    out = StringIO()
    call_command("rebuild_statistics", *options, stdout=out)
    return out.getvalue().splitlines()


def test_wrong_rows_are_corrected(owner):
    create_image(owner)
    lines_of()
    AddedStatistics.objects.update(pictures=7)
    lines = lines_of()
    # An hour and a day, each of the owner and of everybody.
    assert [line.split(" row")[0] for line in lines] == ["added: 4", "ended: 0", "latency: 0", "confidence: 0"]
    assert set(AddedStatistics.objects.values_list("pictures", flat=True)) == {1}


def test_json_output():
    results = [json.loads(line) for line in lines_of("--json")]
    assert [(result["name"], result["differing"]) for result in results] == [
        (name, 0) for name in ("added", "ended", "latency", "confidence")
    ]
