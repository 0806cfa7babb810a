"""From upload to search result: storage, queue, worker, local recognizer."""

import io
import threading

import pytest
from django.core.management import call_command

from analysis import pipeline
from analysis.models import Analysis
from analysis.permissions import viewer_of
from analysis.search.results import page
from analysis.search.syntax.parser import parse
from tests import pictures
from tests.factories import create_image

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("celery_worker_thread")]


def eventually(condition, *, seconds=30):
    """Poll until it is true; after the limit, fail with the condition."""
    moment = threading.Event()
    for _ in range(seconds * 20):
        if condition():
            return
        moment.wait(0.05)
    pytest.fail(f"in vain: {condition.__name__}")


def all_done() -> bool:
    return not Analysis.objects.open().exists()


@pytest.fixture
def astronaut() -> bytes:
    from pathlib import Path

    import skimage

    return (Path(skimage.__file__).parent / "data" / "astronaut.png").read_bytes()


def test_photo_is_found_by_its_content(owner, astronaut):
    image = pipeline.ingest_file(io.BytesIO(astronaut), name="astronaut.png", owner_id=owner.pk).image
    eventually(all_done)
    assert {analysis.api: analysis.state for analysis in image.analyses.all()} == {
        "labels": "done",
        "faces": "done",
        "text": "done",
    }
    assert page(parse("person face>=50"), viewer=viewer_of(owner)).images == [image]
    assert page(parse("-person"), viewer=viewer_of(owner)).images == []


def test_command_analyzes_missing_results_and_waits(owner, capsys):
    image = pipeline.ingest_file(io.BytesIO(pictures.jpeg()), name="plain.jpg", owner_id=owner.pk).image
    eventually(all_done)
    Analysis.objects.all().delete()
    with pytest.raises(SystemExit) as ended:
        call_command("analyze_images", apis="labels")
    assert ended.value.code == 0
    assert "1 analysis of 1 picture by local: 1 done" in capsys.readouterr().out
    assert [(analysis.api, analysis.state) for analysis in image.analyses.all()] == [("labels", "done")]


def test_missing_original_fails_only_its_image(owner):
    lost = create_image(owner)
    stored = pipeline.ingest_file(io.BytesIO(pictures.png()), name="kept.png", owner_id=owner.pk).image
    pipeline.request_analysis(image_ids=[lost.pk])
    eventually(all_done)
    assert {analysis.state for analysis in lost.analyses.all()} == {"failed"}
    assert {analysis.state for analysis in stored.analyses.all()} == {"done"}
