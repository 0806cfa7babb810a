"""The local recognizer: no account, no download, few but reliable results.

Its responses have Rekognition's shapes. It detects frontal faces, text, colors, image quality and the few labels that
follow from them. It leaves out ages, genders, emotions, objects and scenes.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
import time
import uuid
from collections import OrderedDict
from functools import cache
from importlib.metadata import version
from typing import Any

import cv2  # noqa: TID251
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from analysis.messages import gettext_noop
from analysis.recognition.base import ApiName, ApiUnavailable, Parameters, Response, S3Object, UnreadableResponse
from analysis.recognition.local import faces, labels, responses, text

MAX_PIXELS = 50_000_000
CACHE_SIZE = 64  # images, more than are in progress at a time; the results of one take a few kilobytes
MAX_DECODED = 2  # images in memory: pixels take megabytes, and the detectors use two cores


class LocalRecognizer:
    """Analyzes images in this process.

    All instances share the detectors and the cache of results.
    """

    name: str = "local"
    apis: frozenset[ApiName] = frozenset({"labels", "faces", "text"})
    region: str | None = None
    sends_originals: bool = False  # the detectors are faster on the smaller rendition

    def recognize(self, picture: bytes | S3Object, *, api: ApiName, parameters: Parameters) -> Response:
        """Analyze one image.

        Raises UnreadableResponse for bytes that are not an image, ApiUnavailable for an API it does not offer.
        """
        started = time.perf_counter()
        if api not in self.apis:
            raise ApiUnavailable(
                gettext_noop("The local recognizer does not offer this API."),
                api=api,
                code="ApiNotOffered",
                next_step=gettext_noop("Remove it from RECOGNIZER_APIS, or set RECOGNIZER=rekognition."),
            )
        if isinstance(picture, S3Object):  # not sent by the engine, see sends_originals
            raise UnreadableResponse(
                gettext_noop("The local recognizer cannot read pictures from S3."), api=api, code="NotAPicture"
            )
        content = _inspection(picture).content(picture, api=api, parameters=parameters)
        return Response(
            api=api,
            recognizer=self.name,
            model_version=model_version(),
            content=content,
            request_id=str(uuid.uuid4()),
            latency_ms=round((time.perf_counter() - started) * 1000),
        )


@cache
def model_version() -> str:
    """imagelib's and the detectors' versions, since each changes the results.

    At most 40 characters are stored.
    """
    return f"local-1 OpenCV {cv2.__version__} RapidOCR {version('rapidocr')}"


class Inspection:
    """The results for one image so far.

    Its APIs run one after another and share them: labels need faces and text.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = (0, 0)
        self._faces: tuple[faces.Face, ...] | None = None
        self._lines: tuple[text.Line, ...] | None = None
        self._labels: dict[str, float] | None = None
        self._properties: dict[str, Any] = {}

    def content(self, picture: bytes, *, api: ApiName, parameters: Parameters) -> dict[str, Any]:
        with self._lock:
            self._detect(picture, api=api)
            if api == "faces":
                return responses.faces_response(self._faces or (), size=self._size)
            if api == "text":
                return {
                    **responses.text_response(self._lines or (), size=self._size),
                    "TextModelVersion": model_version(),
                }
            labels = responses.labels_response(
                self._labels or {},
                faces=self._faces or (),
                size=self._size,
                properties=self._properties,
                parameters=parameters,
            )
            return {**labels, "LabelModelVersion": model_version()}

    def _detect(self, picture: bytes, *, api: ApiName) -> None:
        """Detect what the API needs and is missing; decodes the image only for that."""
        wants_faces = self._faces is None and api in {"faces", "labels"}
        wants_lines = self._lines is None and api in {"text", "labels"}
        wants_labels = self._labels is None and api == "labels"
        if not (wants_faces or wants_lines or wants_labels):
            return
        with _decoding:
            rgb = _decode(picture, api=api)
            self._size = rgb.shape[1], rgb.shape[0]
            if wants_faces:
                self._faces = faces.find(rgb)
            if wants_lines:
                self._lines = text.find(rgb)
            if wants_labels:
                self._labels = labels.find(rgb, faces=self._faces or (), lines=self._lines or ())
                self._properties = responses.properties_response(rgb)


def _decode(picture: bytes, *, api: ApiName) -> NDArray[np.uint8]:
    """The pixels, height x width x RGB."""
    try:
        with Image.open(io.BytesIO(picture)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableResponse(
                    gettext_noop("The picture has %(width)s × %(height)s pixels; at most %(limit)s are analyzed."),
                    api=api,
                    code="PictureTooLarge",
                    values={"width": str(image.width), "height": str(image.height), "limit": f"{MAX_PIXELS:,}"},
                )
            return np.asarray(image.convert("RGB"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableResponse(f"{error}", api=api, code="PictureTooLarge") from error
    except UnidentifiedImageError as error:
        reason = gettext_noop("This file is not a picture.")
        raise UnreadableResponse(reason, api=api, code="NotAPicture") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        reason, values = gettext_noop("The picture cannot be decoded: %(error)s."), {"error": str(error)}
        raise UnreadableResponse(reason, api=api, code="NotAPicture", values=values) from error


_decoding = threading.BoundedSemaphore(MAX_DECODED)
_cache_lock = threading.Lock()
_inspections: OrderedDict[bytes, Inspection] = OrderedDict()


def _inspection(picture: bytes) -> Inspection:
    """The cached inspection of these bytes, or a new one."""
    digest = hashlib.sha256(picture).digest()
    with _cache_lock:
        inspection = _inspections.pop(digest, None) or Inspection()
        _inspections[digest] = inspection
        if len(_inspections) > CACHE_SIZE:
            _inspections.popitem(last=False)
    return inspection


def _reset_in_child() -> None:
    # After a fork the threads that held a lock do not exist, so it would never be released.
    global _decoding, _cache_lock  # noqa: PLW0603
    _decoding = threading.BoundedSemaphore(MAX_DECODED)
    _cache_lock = threading.Lock()
    _inspections.clear()
    faces.lock = threading.Lock()
    text.lock = threading.Lock()


os.register_at_fork(after_in_child=_reset_in_child)
