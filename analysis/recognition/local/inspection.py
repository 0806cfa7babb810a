"""Inspects one image with the models, once for all APIs."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from analysis.messages import gettext_noop
from analysis.recognition.base import ApiName, ApiUnavailable, Parameters, Throttled, UnreadableResponse
from analysis.recognition.local import (
    blazeface,
    configuration,
    face_traits,
    faces,
    inferred_labels,
    label_models,
    moderation,
    responses,
    sessions,
    text,
)
from analysis.recognition.local.face_traits import Traits
from analysis.recognition.local.model_files import ModelUnavailable
from analysis.recognition.local.sessions import OutOfMemory
from analysis.recognition.local.voting import Instance, VotedLabel

MAX_PIXELS = 50_000_000
CACHE_SIZE = 64  # images; more than are in progress at a time, each a few kilobytes of results
MAX_DECODED = 2  # images decoded at a time, since pixels take megabytes; the detectors use two cores
RECIPE = 2  # version of the code that turns the models' results into responses
VERSION_FIELDS: dict[ApiName, str] = {
    "labels": "LabelModelVersion",
    "text": "TextModelVersion",
    "moderation": "ModerationModelVersion",
}


def inspect(picture: bytes, *, api: ApiName, parameters: Parameters) -> tuple[dict[str, Any], str]:
    """The content of an API's response, and the version of the models it is from.

    Raises UnreadableResponse for bytes that are not an image, ApiUnavailable for a model that cannot be used,
    Throttled if memory is short.
    """
    with _model_errors(api):
        content = _inspection(picture).content(picture, api=api, parameters=parameters)
    return content, content[VERSION_FIELDS[api]] if api in VERSION_FIELDS else model_version(api)


def model_version(api: ApiName) -> str:
    """imagelib's version and those of the models, which all affect the results.

    At most 40 characters are stored.
    """
    return f"local-{RECIPE} {_models(api)}"


def _models(api: ApiName) -> str:
    if api == "labels":
        return label_models.version()
    if api == "text":
        return f"RapidOCR {_rapidocr_version()}"
    if api == "moderation":
        return "open_nsfw"
    large_faces = " BlazeFace" if blazeface.is_available() else ""
    return f"OpenCV {cv2.__version__}{large_faces}{' dlib' if configuration.current().has_face_traits else ''}"


@cache
def _rapidocr_version() -> str:
    return version("rapidocr")


@contextmanager
def _model_errors(api: ApiName) -> Iterator[None]:
    """Convert errors of the models to errors of a recognizer."""
    try:
        yield
    except ModelUnavailable as error:
        values = {name: str(value) for name, value in error.values.items()}
        raise ApiUnavailable(error.template, api=api, code="ModelUnavailable", values=values) from error
    except (OutOfMemory, MemoryError) as error:
        raise Throttled(
            gettext_noop("There was not enough memory to analyze the picture."),
            api=api,
            code="OutOfMemory",
            next_step=gettext_noop("Give the worker more memory, or set RECOGNITION_THREADS=1."),
        ) from error


class Inspection:
    """The results for one image so far.

    Its APIs run one after another and share them: labels need faces and text.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = (0, 0)
        self._faces: tuple[faces.Face, ...] | None = None
        self._lines: tuple[text.Line, ...] | None = None
        self._traits: tuple[Traits, ...] | None = None
        self._explicit: float | None = None
        self._labels: tuple[VotedLabel, ...] | None = None
        self._label_version = ""
        self._properties: dict[str, Any] = {}

    def content(self, picture: bytes, *, api: ApiName, parameters: Parameters) -> dict[str, Any]:
        with self._lock:
            self._detect(picture, api=api)
            sessions.give_back_memory()
            if api == "faces":
                return responses.faces_response(self._faces or (), self._traits or (), size=self._size)
            if api == "moderation":
                explicit = responses.moderation_response(self._explicit or 0.0, parameters=parameters)
                return {**explicit, "ModerationModelVersion": model_version(api)}
            if api == "text":
                text_response = responses.text_response(self._lines or (), size=self._size)
                return {**text_response, "TextModelVersion": model_version(api)}
            labels_response = responses.labels_response(
                self._labels or (), properties=self._properties, parameters=parameters
            )
            return {**labels_response, "LabelModelVersion": self._label_version}

    def _detect(self, picture: bytes, *, api: ApiName) -> None:
        """Run the detectors that the API needs and that have not run yet."""
        wants_faces = self._faces is None and api in {"faces", "labels"}
        wants_lines = self._lines is None and api in {"text", "labels"}
        wants_labels = self._labels is None and api == "labels"
        wants_traits = self._traits is None and api == "faces" and configuration.current().has_face_traits
        wants_score = self._explicit is None and api == "moderation"
        if not (wants_faces or wants_lines or wants_labels or wants_traits or wants_score):
            return
        with _decoding:
            rgb = _decode(picture, api=api)
            self._size = rgb.shape[1], rgb.shape[0]
            if wants_faces:
                self._faces = faces.find(rgb)
            if wants_lines:
                self._lines = text.find(rgb)
            if wants_traits:
                self._traits = face_traits.estimate(rgb, self._faces or ())
            if wants_score:
                self._explicit = moderation.score(rgb)
            if wants_labels:
                self._label_version = model_version(api)
                self._properties = responses.properties_response(rgb)
                self._labels = self._find_labels(rgb)

    def _find_labels(self, rgb: NDArray[np.uint8]) -> tuple[VotedLabel, ...]:
        """Labels by the models, and by faces, text and pixels; highest confidence first."""
        lines = self._lines or ()
        detected = {
            label.name: label for label in label_models.find(rgb, text_share=inferred_labels.text_share(lines, rgb))
        }
        boxes = tuple(Instance(responses.face_box(face, self._size), face.confidence) for face in self._faces or ())
        for name, confidence in inferred_labels.find(rgb, faces=self._faces or (), lines=lines).items():
            label = detected.get(name)
            if label is None or label.confidence < confidence:
                instances = boxes if name == "Face" else label.instances if label else ()
                detected[name] = VotedLabel(name, confidence, label.models if label else (), instances)
        return tuple(sorted(detected.values(), key=lambda label: (-label.confidence, label.name)))


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
    # The threads that held a lock do not exist after a fork, so it would never be released.
    global _decoding, _cache_lock
    _decoding = threading.BoundedSemaphore(MAX_DECODED)
    _cache_lock = threading.Lock()
    _inspections.clear()
    faces.lock = threading.Lock()
    text.lock = threading.Lock()
    sessions.lock = threading.RLock()


os.register_at_fork(after_in_child=_reset_in_child)
