"""Celery with SQS as its broker: a real worker on moto's queue."""

import os
import signal
import subprocess
import sys

import boto3
import pytest
from django.conf import settings as ours
from django.db import connection
from kombu import Connection

from analysis import pipeline, tasks
from analysis.health import doctor
from imagelib import celery_broker
from tests.process_helpers import limited
from tests.recognition.test_engine import states, stored_images
from tests.work.conftest import simulator

REGION, QUEUE = "us-east-1", "imagelib"


@pytest.fixture
def queue(moto, monkeypatch, settings):
    """URL of a queue of moto's server."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", moto)
    client = boto3.session.Session().client("sqs", region_name=REGION)
    url = client.create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
    settings.AWS_REGION, settings.CELERY_QUEUE_URL = REGION, url
    yield url
    client.close()


def worker(queue: str, folder) -> subprocess.Popen:
    database, storage = connection.settings_dict, ours.STORAGES["default"]["OPTIONS"]["location"]
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "IMAGELIB_VAR": str(folder),
        "IMAGELIB_PICTURES": str(storage),
        "REDIS_URL": "none",
        "CELERY_BROKER_URL": "sqs://",
        "CELERY_QUEUE_URL": queue,
        "AWS_REGION": REGION,
        "RECOGNIZER": "rekognition",
        "SIMILAR_PICTURES": "0",
        "SECRET_KEY": "secret",
    }
    command = [sys.executable, "-m", "celery", "-A", "imagelib", "worker", "--loglevel", "INFO"]
    output = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True)


def findings() -> dict[str, tuple[str, str]]:
    checks = [check for check in doctor.all_checks() if check.subject in {"redis", "queue", "workers"}]
    return {row.subject: (row.state, row.sentence) for check in checks for row in doctor.run_check(check)}


@pytest.mark.django_db(transaction=True)
def test_a_worker_analyzes_what_a_message_in_sqs_tells_of(owner, simulator, queue, settings, tmp_path):
    pipeline.request_analysis(image_ids=[image.pk for image in stored_images(owner, 3)])
    options = celery_broker.transport_options("sqs://", queue=QUEUE, queue_url=queue, region=REGION)
    with limited(worker(queue, tmp_path)) as process:
        with Connection("sqs://", transport_options=options) as sqs:
            tasks.run_recognition.apply_async(
                kwargs={"recognizer": "rekognition", "api": "labels"}, connection=sqs, queue=QUEUE
            )
        for line in process.stdout:
            if "succeeded" in line:
                break
        process.send_signal(signal.SIGTERM)
        rest = process.communicate()[0]
    assert (states(), process.returncode) == ({"done": 3}, 0), rest
    settings.CELERY_BROKER_URL, settings.REDIS = "sqs://", ""
    assert findings() == {
        "redis": ("ok", "Redis is not used: limits are counted in the database."),
        "queue": ("ok", "0 messages in the queue."),
        "workers": ("ok", "Workers cannot be contacted over SQS; the heartbeat shows whether they are running."),
    }


def test_a_queue_whose_messages_come_back_too_early_is_told(queue, settings):
    settings.CELERY_BROKER_URL, settings.REDIS = "sqs://", ""
    client = boto3.session.Session().client("sqs", region_name=REGION)
    client.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "30"})
    sentence = "The visibility timeout of Celery's queue is 30 s: long tasks are delivered twice."
    assert findings()["queue"] == ("warning", sentence)
    settings.CELERY_QUEUE_URL = f"{queue}-nowhere"
    assert findings()["queue"][0] == "failed"
    client.close()
