"""A recognizer that needs no account and no download: it finds little, and is right about it.

Its answers have Rekognition's shapes. It tells frontal faces, text, colors, quality and the few labels that follow;
ages, genders, emotions, objects and scenes it does not know and leaves out.
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

from analysis.recognition.base import ApiName, ApiUnavailable, Parameters, Response, S3Object, UnreadableResponse
from analysis.recognition.local import faces, labels, responses, text

MOST_PIXELS = 50_000_000
CACHE_SIZE = 64  # pictures: more than are under way at once; what was found in one is a few kilobytes
AT_ONCE = 2  # pictures decoded at a time: the detectors share two cores, and pixels are megabytes


class LocalRecognizer:
    """The recognizer. All instances of a process share the detectors and what was found last."""

    name: str = "local"
    apis: frozenset[ApiName] = frozenset({"labels", "faces", "text"})
    region: str | None = None
    sends_originals: bool = False  # its detectors are quicker on the smaller picture made for it

    def recognize(self, picture: bytes | S3Object, *, api: ApiName, parameters: Parameters) -> Response:
        """Look at a picture; raises Unreadable for bytes that are none, and Unavailable for an API it has not."""
        started = time.perf_counter()
        if api not in self.apis:
            raise ApiUnavailable(
                "The local recognizer does not offer this API.",
                api=api,
                code="ApiNotOffered",
                next_step="Leave it out of RECOGNIZER_APIS, or set RECOGNIZER=rekognition.",
            )
        if isinstance(picture, S3Object):  # sends_originals says so beforehand
            raise UnreadableResponse(
                "The local recognizer takes bytes, no reference to S3.", api=api, code="NotAPicture"
            )
        content = _inspection(picture).answer(picture, api=api, parameters=parameters)
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
    """Ours and the detectors', for either changes the answers; Analysis has room for 40 characters."""
    return f"local-1 OpenCV {cv2.__version__} RapidOCR {version('rapidocr')}"


class Inspection:
    """What has been found in one picture so far; its APIs are asked one after another and share the findings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = (0, 0)
        self._faces: tuple[faces.Face, ...] | None = None
        self._lines: tuple[text.Line, ...] | None = None
        self._labels: dict[str, float] | None = None
        self._properties: dict[str, Any] = {}

    def answer(self, picture: bytes, *, api: ApiName, parameters: Parameters) -> dict[str, Any]:
        with self._lock:
            self._find(picture, api=api)
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

    def _find(self, picture: bytes, *, api: ApiName) -> None:
        """Find what the API needs and is not known yet; only then are there pixels in memory."""
        wants_faces = self._faces is None and api in {"faces", "labels"}
        wants_lines = self._lines is None and api in {"text", "labels"}
        wants_labels = self._labels is None and api == "labels"
        if not (wants_faces or wants_lines or wants_labels):
            return
        with _looking:
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
    """The picture's pixels, height x width x RGB."""
    try:
        with Image.open(io.BytesIO(picture)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise UnreadableResponse(
                    f"{image.width} x {image.height} pixels are more than the {MOST_PIXELS:,} looked at.",
                    api=api,
                    code="PictureTooLarge",
                )
            return np.asarray(image.convert("RGB"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableResponse(f"{error}", api=api, code="PictureTooLarge") from error
    except UnidentifiedImageError as error:
        raise UnreadableResponse("These bytes are no picture.", api=api, code="NotAPicture") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnreadableResponse(f"The picture cannot be decoded: {error}.", api=api, code="NotAPicture") from error


_looking = threading.BoundedSemaphore(AT_ONCE)
_remembering = threading.Lock()
_inspections: OrderedDict[bytes, Inspection] = OrderedDict()


def _inspection(picture: bytes) -> Inspection:
    """The look at these bytes that was begun last, or a new one."""
    digest = hashlib.sha256(picture).digest()
    with _remembering:
        look = _inspections.pop(digest, None) or Inspection()
        _inspections[digest] = look
        if len(_inspections) > CACHE_SIZE:
            _inspections.popitem(last=False)
    return look


def _start_over_in_child() -> None:
    # Whoever holds a lock is not there after a fork.
    global _looking, _remembering  # noqa: PLW0603
    _looking = threading.BoundedSemaphore(AT_ONCE)
    _remembering = threading.Lock()
    _inspections.clear()
    faces.searching = threading.Lock()
    text.reading = threading.Lock()


os.register_at_fork(after_in_child=_start_over_in_child)
