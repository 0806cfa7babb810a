"""Requests, the tasks they send and the analyses of these are joined by ids."""

from __future__ import annotations

import json
import logging
import re

import pytest
from celery import shared_task
from django.http import HttpResponse
from django.urls import include, path, reverse
from structlog.contextvars import bound_contextvars, clear_contextvars, get_contextvars

from analysis import pipeline
from analysis.models import Analysis
from analysis.storage import blobs
from imagelib.log_config import formatter
from imagelib.request_ids import HEADER
from tests import pictures, worker
from tests.factories import create_image

MADE = re.compile(r"[0-9a-f]{32}")
PROXY = "203.0.113.9"


def broken(request):
    raise ValueError("a defect")


def logged(request):
    logging.getLogger("analysis.example").warning("seen")
    return HttpResponse(json.dumps(get_contextvars()), content_type="application/json")


urlpatterns = [path("broken/", broken), path("logged/", logged), path("", include("imagelib.urls"))]
handler500 = "analysis.web.error_pages.server_error"


@pytest.fixture(autouse=True)
def _no_context():
    clear_contextvars()
    yield
    clear_contextvars()


@pytest.mark.parametrize(
    ("sent", "sender", "is_taken"),
    [
        ("proxy-made-1", PROXY, True),
        ("proxy-made-1", "198.51.100.1", False),
        ("short", PROXY, False),
        ("x" * 65, PROXY, False),
        ("two words", PROXY, False),
        ("<script>alert", PROXY, False),
        ("", PROXY, False),
    ],
)
def test_id_of_a_trusted_proxy_is_kept(nobody, settings, sent: str, sender: str, is_taken: bool) -> None:
    settings.TRUSTED_PROXIES = [PROXY]
    response = nobody.get("/nowhere/", headers={"X-Request-ID": sent}, REMOTE_ADDR=sender)
    assert (response[HEADER] == sent) == is_taken
    assert is_taken or MADE.fullmatch(response[HEADER])


@pytest.mark.django_db
def test_server_error_page_shows_the_id(settings, owner, signed_in) -> None:
    settings.ROOT_URLCONF = __name__
    client = signed_in(owner)
    client.raise_request_exception = False
    response = client.get("/broken/")
    assert response.status_code == 500
    assert f"Request ID: <code>{response[HEADER]}</code>" in " ".join(response.content.decode().split())


@pytest.mark.django_db
def test_lines_name_the_person_without_a_query(settings, owner, signed_in, nobody, django_assert_num_queries) -> None:
    settings.ROOT_URLCONF = __name__
    client = signed_in(owner)
    with django_assert_num_queries(2):  # the session and the person
        response = client.get("/logged/")
    assert response.json() == {"request_id": response[HEADER], "user_id": owner.pk}
    # The next request of the same thread knows nothing of it.
    assert nobody.get(reverse("login")).status_code == 200
    assert "user_id" not in get_contextvars()


@shared_task
def note_context() -> None:
    logging.getLogger("analysis.example").warning("in the task")


class Lines(logging.Handler):
    """Collects lines as the JSON log holds them."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[dict[str, object]] = []
        self.formatter = formatter(format_name="json")

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))

    def of(self, event: str) -> dict[str, object]:
        (line,) = [line for line in self.lines if line["event"] == event]
        return {name: value for name, value in line.items() if name not in {"timestamp", "level", "logger", "event"}}


@pytest.fixture
def lines():
    handler, log = Lines(), logging.getLogger("analysis")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)


@pytest.mark.django_db(transaction=True)
def test_request_task_and_analysis_are_joined(lines, owner, rekognition) -> None:
    image = create_image(owner, orientation=1, width=160, height=120)
    blobs.put(image.key, pictures.jpeg())
    rekognition.answers = [(400, "SomethingNewException")]
    with worker.started():
        with bound_contextvars(request_id="request-1", user_id=owner.pk, private="stays"):
            result = note_context.delay()
            pipeline.request_analysis(image_ids=[image.pk], apis=["labels"])
        assert get_contextvars() == {}
    task = {"request_id": "request-1", "user_id": owner.pk, "task": "note_context", "task_id": result.id}
    assert lines.of("in the task") == task
    queued = lines.of("analyses queued: 1")
    assert (queued["request_id"], queued["image_ids"]) == ("request-1", [image.pk])
    answered = lines.of("DetectLabels SomethingNewException: SomethingNewException was asked for")
    assert answered.pop("task_id")
    assert answered == {
        "request_id": "request-1",
        "user_id": owner.pk,
        "task": "run_recognition",
        "analysis_id": Analysis.objects.get().pk,
        "image_id": image.pk,
    }
