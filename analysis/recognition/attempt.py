"""One attempt at each of a picture's open analyses."""

from __future__ import annotations

import logging
from itertools import groupby
from typing import cast

from analysis.ingest.candidate import Rejected
from analysis.models import Analysis, Image
from analysis.recognition import recognizers, record
from analysis.recognition.recognizer import ApiName, Failed, Parameters
from analysis.store import blobs, renditions

logger = logging.getLogger(__name__)


def attempt(analysis_ids: list[int]) -> None:
    """Claim and answer these analyses, one after another; the picture is prepared once for all that ask about it.

    Whatever happens to one does not touch the others. Ids that are claimed, over or gone are passed over.
    """
    queued = Analysis.objects.filter(pk__in=analysis_ids, state=Analysis.State.QUEUED)
    for image, analyses in groupby(queued.select_related("image").order_by("image_id", "pk"), key=lambda a: a.image):
        picture: bytes | None = None
        for analysis in analyses:
            if not analysis.claim():
                continue
            picture = picture or _prepare(image, analysis)
            if picture:
                _ask(analysis, picture)


def _prepare(image: Image, analysis: Analysis) -> bytes | None:
    """The bytes to send; None when there are none, which ends this attempt with its reason."""
    try:
        return renditions.for_recognition(image)
    except blobs.Missing as error:
        analysis.give_up(code="original-missing", message=f"{image.filename}: {error}", is_permanent=True)
    except Rejected as error:
        analysis.give_up(code=error.code, message=str(error), is_permanent=True)
    except blobs.StorageFailed as error:
        record.retry_later(analysis, code="storage", message=f"{image.filename}: {error}")
    return None


def _ask(analysis: Analysis, picture: bytes) -> None:
    try:
        parameters = Parameters.from_json(analysis.parameters)
        recognizer, api = recognizers.named(analysis.recognizer), cast(ApiName, analysis.api)
        answer = recognizer.recognize(picture, api=api, parameters=parameters)
    except Failed as error:
        logger.warning("analysis %s of image %s: %s", analysis.pk, analysis.image_id, error)
        record.record_failure(analysis, error)
    except Exception as error:  # the one boundary: a defect of ours must not leave the row claimed for ever
        logger.exception("analysis %s of image %s", analysis.pk, analysis.image_id)
        analysis.give_up(code="defect", message=f"imagelib failed: {type(error).__name__}: {error}", is_permanent=False)
    else:
        record.record_answer(analysis, answer)
