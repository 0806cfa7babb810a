"""Runs a user's ONNX model on pictures as its description says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.messages import gettext_noop
from analysis.recognition.local import model_description, picture_views, sessions
from analysis.recognition.local.model_description import Description, Kind, ModelInput
from analysis.recognition.local.model_files import ModelUnavailable, PreparedModel, file_version

if TYPE_CHECKING:
    import onnxruntime

Floats = NDArray[np.float32]

LETTERBOX_FILL = 114  # the gray that YOLO models are trained with
DTYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}


class View(NamedTuple):
    """A picture at the size of the input, and the part of it that is shown.

    `left`, `top`, `width`, `height`: fractions of the picture; more than all of it with a letterbox.
    """

    pixels: NDArray[np.uint8]
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class DescribedModel:
    """A model's file and its description.

    `locate` gives the path after checking the file.
    """

    name: str
    description: Description
    version: Callable[[], tuple[int, ...]]
    locate: Callable[[], Path]

    def run(self, view: View) -> dict[str, Floats]:
        """The outputs by the description's names for them.

        Raises ModelUnavailable, OutOfMemory.
        """
        session = sessions.session(self.name, self.version, self.locate)
        output = self.description.output
        names = {kind: getattr(output, kind) for kind in ("scores", "boxes", "classes", "predictions")}
        names = {kind: name for kind, name in names.items() if name}
        declared = [item.name for item in session.get_outputs()]
        if missing := [name for name in names.values() if name not in declared]:
            raise ModelUnavailable(
                gettext_noop("The model %(model)s has no output %(name)s. It has %(declared)s."),
                model=self.name,
                name=missing[0],
                declared=", ".join(declared),
            )
        inputs = self._inputs(session, view)
        values = sessions.run(self.name, session, list(names.values()), inputs)
        return {kind: value.astype(np.float32) for kind, value in zip(names, values, strict=True)}

    def _inputs(self, session: onnxruntime.InferenceSession, view: View) -> dict[str, NDArray[np.generic]]:
        spec = self.description.input
        declared = {item.name: item for item in session.get_inputs()}
        name = spec.name or next(iter(declared))
        if name not in declared or len(declared) != 1:
            raise ModelUnavailable(
                gettext_noop("The model %(model)s takes %(declared)s; imagelib can only provide a single picture."),
                model=self.name,
                declared=", ".join(declared),
            )
        dtype = DTYPES.get(declared[name].type)
        if dtype is None:
            raise ModelUnavailable(
                gettext_noop("The model %(model)s takes %(type)s; imagelib can provide float, float16 or uint8."),
                model=self.name,
                type=declared[name].type,
            )
        return {name: _tensor(view.pixels, spec, dtype)}


def _tensor(pixels: NDArray[np.uint8], spec: ModelInput, dtype: type[np.generic]) -> NDArray[np.generic]:
    ordered = pixels if spec.colors == "RGB" else pixels[:, :, ::-1]
    values = (ordered.astype(np.float32) - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)
    if spec.layout == "NCHW":
        values = values.transpose(2, 0, 1)
    return np.ascontiguousarray(values[None], dtype=dtype)


def view_of(picture: NDArray[np.uint8], spec: ModelInput) -> View:
    """The picture scaled, framed or cropped to the model's input."""
    height, width = picture.shape[:2]
    if spec.fit == "letterbox":
        pixels = picture_views.letterbox(picture, spec.size, fill=LETTERBOX_FILL)
        scale = min(spec.size[0] / width, spec.size[1] / height)
        return View(pixels, 0.0, 0.0, spec.size[0] / scale / width, spec.size[1] / scale / height)
    if spec.fit == "center":
        left, top, crop_width, crop_height = picture_views.center_box((width, height), spec.size)
        pixels = picture_views.center(picture, spec.size)
        return View(pixels, left / width, top / height, crop_width / width, crop_height / height)
    return View(picture_views.resize(picture, spec.size), 0.0, 0.0, 1.0, 1.0)


def of_file(path: Path, *, kind: Kind) -> DescribedModel:
    """A user's model with its description file. Raises ModelUnavailable."""
    if not path.is_file():
        raise ModelUnavailable(gettext_noop("The model file %(path)s is missing."), path=str(path))
    return DescribedModel(
        name=path.name,
        description=_description(path, kind, file_version(model_description.path_of(path))),
        version=lambda: file_version(path),
        locate=lambda: path,
    )


@lru_cache(maxsize=8)
def _description(path: Path, kind: Kind, _version: tuple[int, ...]) -> Description:
    """Read again only when the file is replaced."""
    return model_description.read(path, kind=kind)


def of_prepared(model: PreparedModel, description: Description) -> DescribedModel:
    return DescribedModel(model.name, description, model.version, model.verified_path)


def activate(values: Floats, activation: model_description.Activation) -> Floats:
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-values)), dtype=np.float32)
    if activation == "softmax":
        shifted = np.exp(values - values.max(axis=-1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float32)
    return values
