"""Computation of embeddings from thumbnails, by the model in this process."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import numpy as np
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from PIL import Image as PillowImage

from analysis import leases
from analysis.formatting import translated
from analysis.ingest.validation import InvalidImage
from analysis.jobs import run_for
from analysis.models import Image, ImageEmbedding
from analysis.recognition.embeddings import projection, queue
from analysis.recognition.local.model_files import ModelUnavailable
from analysis.recognition.local.sessions import OutOfMemory
from analysis.storage import renditions
from analysis.storage.blobs import StorageError

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
POSTPONED = timedelta(minutes=1)
RUN_SECONDS = 30.0
SLOT = threading.Lock()
"""One thread of a process computes: the model runs one picture at a time, and other tasks need the threads."""


class Unreadable(Exception):
    """The embedding of a picture cannot be computed; trying again would not help."""


def compute_due(seconds: float = RUN_SECONDS) -> bool:
    """Compute due embeddings for `seconds`; True if more may be due.

    False also if another thread of this process is computing.
    """
    if not queue.is_enabled() or not SLOT.acquire(blocking=False):
        return False
    try:
        return run_for(seconds, compute_next)
    finally:
        SLOT.release()


def compute_next() -> bool:
    """Compute one embedding, or record why it failed.

    False if none is due, or none can be computed now.
    """
    row = leases.claim(ImageEmbedding.objects.select_related("image").defer("vector"), lease=LEASE)
    if row is None:
        return False
    try:
        if row.attempts > leases.MAX_ATTEMPTS:  # no worker lived to record the end of its attempt
            raise Unreadable(_("Every worker that tried to compute it stopped unexpectedly."))
        _save(row, vector=_vector(_pixels(row.image)))
    except Unreadable as error:
        _fail(row, str(error))
    except InvalidImage as error:
        _fail(row, translated(error))
    except StorageError as error:
        _fail(row, str(error), may_retry=row.attempts < leases.MAX_ATTEMPTS)
    except (ModelUnavailable, OutOfMemory) as error:
        logger.warning("Embeddings are not computed: %s", error)
        _postpone(row, translated(error) if isinstance(error, ModelUnavailable) else _("Not enough memory."))
        return False
    return True


def _vector(pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    # Imported here, since web processes import the tasks, and OpenCV takes a second and megabytes.
    from analysis.recognition.local import classifier  # noqa: PLC0415

    return projection.reduce(classifier.classify(pixels).embedding)


def _pixels(image: Image) -> NDArray[np.uint8]:
    """The thumbnail, height x width x RGB: the model sees 224 pixels a side."""
    with renditions.read(image, "thumb") as file:
        try:
            with PillowImage.open(file) as thumbnail:
                return np.asarray(thumbnail.convert("RGB"))
        # Pillow raises SyntaxError for some damaged files, such as a PNG with a broken chunk.
        except (OSError, SyntaxError, ValueError) as error:
            raise Unreadable(_("The thumbnail can't be decoded: %(error)s.") % {"error": error}) from error


def _save(row: ImageEmbedding, *, vector: NDArray[np.float32] | None) -> None:
    # If the original was replaced in the meantime, the row was queued again with other `attempts` and stays queued.
    ImageEmbedding.objects.filter(pk=row.pk, attempts=row.attempts).update(
        vector=vector, model_version=queue.MODEL_VERSION, attempts=0, next_attempt_at=None, error=""
    )


def _postpone(row: ImageEmbedding, error: str) -> None:
    """Try again in a minute. The picture is not at fault, so no attempt is counted."""
    ImageEmbedding.objects.filter(pk=row.pk, attempts=row.attempts).update(
        error=error, attempts=row.attempts - 1, next_attempt_at=Now() + POSTPONED
    )


def _fail(row: ImageEmbedding, error: str, *, may_retry: bool = False) -> None:
    values = {"next_attempt_at": Now() + leases.backoff(row.attempts)} if may_retry else _FAILED
    ImageEmbedding.objects.filter(pk=row.pk, attempts=row.attempts).update(error=error, **values)


# An earlier vector may be of the previous original.
_FAILED: dict[str, Any] = {"vector": None, "next_attempt_at": None}
