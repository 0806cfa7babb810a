"""The Celery application; its worker and scheduler start the embedded servers."""

import gc
import os

from celery import Celery
from celery.signals import beat_init, celeryd_init, heartbeat_sent, worker_ready
from django.conf import settings

from analysis.formatting import translated
from imagelib import (
    celery_log_context,  # noqa: F401 - connects signals
    celery_metrics,  # noqa: F401 - connects signals
    celery_patches,
    embedded,
    liveness,
    newer_database,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imagelib.settings")

celery_patches.patch_redis_transport()
app = Celery("imagelib")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Celery sends it over the connection to the broker. When that is lost it stops, and the container's health check sees
# an old file.
heartbeat_sent.connect(liveness.touch)


@celeryd_init.connect
@beat_init.connect
def start_embedded(**_kwargs: object) -> None:
    if not settings.CELERY_BROKER_URL:  # otherwise Celery would look for RabbitMQ on this machine
        raise SystemExit("There is no broker: set REDIS_URL or CELERY_BROKER_URL, or run manage.py work instead.")
    try:
        embedded.start(settings.VAR, services=settings.EMBEDDED)
    except embedded.ServerStartError as error:
        raise SystemExit(translated(error)) from error  # Celery logs any other exception and continues
    newer_database.refuse_newer()


@worker_ready.connect
@beat_init.connect
def exempt_code_from_collection(**_kwargs: object) -> None:
    """Freeze the objects of loaded code, so that garbage collections skip them."""
    gc.freeze()
