"""Reads the TOML description of a user's model (docs/local-models.md)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from analysis.messages import gettext_noop
from analysis.recognition.local.model_files import ModelUnavailable

Kind = Literal["detector", "classifier"]
Layout = Literal["NCHW", "NHWC"]
Colors = Literal["RGB", "BGR"]
Fit = Literal["stretch", "letterbox", "center"]
Corners = Literal["xyxy", "yxyx", "cxcywh"]
Unit = Literal["fraction", "pixels"]
Activation = Literal["none", "sigmoid", "softmax"]

MAX_BYTES = 1024**2
MAX_SIDE = 4096  # pixels


@dataclass(frozen=True)
class ModelInput:
    """The picture as the model takes it: (byte - mean) / std, by color."""

    size: tuple[int, int]
    name: str = ""
    layout: Layout = "NCHW"
    colors: Colors = "RGB"
    fit: Fit = "stretch"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class ModelOutput:
    """The model's outputs: their names and meaning.

    A classifier has `scores`. A detector has `boxes` and `scores`, perhaps `classes` with the class of each box, or
    `predictions`, which holds a box and the scores of all classes in each row.
    """

    scores: str = ""
    boxes: str = ""
    classes: str = ""
    predictions: str = ""
    corners: Corners = "xyxy"
    unit: Unit = "fraction"
    activation: Activation = "none"
    has_objectness: bool = False


@dataclass(frozen=True)
class NewLabel:
    """A label that is missing from imagelib's own table."""

    name: str
    parents: tuple[str, ...]
    aliases: tuple[str, ...]
    category: str


@dataclass(frozen=True, eq=False)  # compared by identity, so that derived values can be cached
class Description:
    name: str
    input: ModelInput
    output: ModelOutput
    classes: tuple[str, ...]
    """Class names by number; empty ones are not used."""
    labels: Mapping[str, str]
    """Label by class, if its name differs; empty for classes that are not shown."""
    new_labels: tuple[NewLabel, ...]


def path_of(model: Path) -> Path:
    """The description file, next to the model."""
    return model.with_suffix(".toml")


def read(model: Path, *, kind: Kind) -> Description:
    """Read and check the description.

    Raises ModelUnavailable with a sentence that names the key.
    """
    path = path_of(model)
    table = _Table(_content(path), path.name)
    table.check_keys("kind", "name", "input", "output", "classes", "labels", "new_labels")
    table.choice("kind", (kind,))
    description = Description(
        name=table.text("name", default=model.stem),
        input=_input(table.table("input")),
        output=_output(table.table("output"), kind),
        classes=table.texts("classes"),
        labels=table.table("labels", is_required=False).texts_by_key(),
        new_labels=tuple(_new_label(item) for item in table.tables("new_labels")),
    )
    if not any(description.classes):
        raise table.error(gettext_noop("%(file)s: classes must list the names of the model's classes."))
    if unknown := [name for name in description.labels if name not in description.classes]:
        raise table.error(gettext_noop("%(file)s: [labels] names %(name)s, which is not a class."), name=unknown[0])
    return description


def _content(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelUnavailable(gettext_noop("%(path)s is too large for a description."), path=str(path))
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelUnavailable(
            gettext_noop("The model's description %(path)s is missing. See docs/local-models.md."), path=str(path)
        ) from error
    except OSError as error:
        raise ModelUnavailable(
            gettext_noop("%(path)s cannot be read: %(error)s."), path=str(path), error=error.strerror or str(error)
        ) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ModelUnavailable(
            gettext_noop("%(file)s is not valid TOML: %(error)s"), file=path.name, error=str(error)
        ) from error


def _input(table: _Table) -> ModelInput:
    table.check_keys("size", "name", "layout", "colors", "fit", "mean", "std")
    size = table.numbers("size", count=2)
    if not all(1 <= side <= MAX_SIDE and side == int(side) for side in size):
        raise table.error(
            gettext_noop("%(file)s: size must be width and height in pixels, at most %(limit)s."), limit=MAX_SIDE
        )
    std = table.numbers("std", count=3, default=(1.0, 1.0, 1.0))
    if not all(std):
        raise table.error(gettext_noop("%(file)s: std must not contain 0."))
    return ModelInput(
        size=(int(size[0]), int(size[1])),
        name=table.text("name", default=""),
        layout=cast(Layout, table.choice("layout", ("NCHW", "NHWC"))),
        colors=cast(Colors, table.choice("colors", ("RGB", "BGR"))),
        fit=cast(Fit, table.choice("fit", ("stretch", "letterbox", "center"))),
        mean=table.numbers("mean", count=3, default=(0.0, 0.0, 0.0)),
        std=std,
    )


def _output(table: _Table, kind: Kind) -> ModelOutput:
    names = ("scores", "boxes", "classes", "predictions") if kind == "detector" else ("scores",)
    table.check_keys(*names, "corners", "unit", "activation", "has_objectness")
    output = ModelOutput(
        **{name: table.text(name, default="") for name in names},
        corners=cast(Corners, table.choice("corners", ("xyxy", "yxyx", "cxcywh"))),
        unit=cast(Unit, table.choice("unit", ("fraction", "pixels"))),
        activation=cast(Activation, table.choice("activation", ("none", "sigmoid", "softmax"))),
        has_objectness=table.flag("has_objectness"),
    )
    if kind == "detector" and bool(output.predictions) == bool(output.boxes and output.scores):
        raise table.error(
            gettext_noop("%(file)s: [output] must name boxes and scores, or predictions instead of both.")
        )
    if kind == "classifier" and not output.scores:
        raise table.error(gettext_noop("%(file)s: [output] must name scores."))
    return output


def _new_label(table: _Table) -> NewLabel:
    table.check_keys("name", "parents", "aliases", "category")
    return NewLabel(
        name=table.text("name"),
        parents=table.texts("parents", default=()),
        aliases=table.texts("aliases", default=()),
        category=table.text("category"),
    )


class _Table:
    """A table of the file; each method reads one key, or raises ModelUnavailable."""

    def __init__(self, values: Mapping[str, Any], file: str) -> None:
        self._values = values
        self._file = file

    def error(self, template: str, **values: object) -> ModelUnavailable:
        return ModelUnavailable(template, file=self._file, **values)

    def check_keys(self, *known: str) -> None:
        unknown = sorted(set(self._values) - set(known))
        if unknown:
            template = gettext_noop("%(file)s: unknown key %(key)s. Known are %(known)s.")
            raise self.error(template, key=unknown[0], known=", ".join(known))

    def text(self, key: str, *, default: str | None = None) -> str:
        value = self._values.get(key, default)
        if not isinstance(value, str):
            raise self.error(gettext_noop("%(file)s: %(key)s must be a string in quotes."), key=key)
        return value.strip()

    def flag(self, key: str) -> bool:
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.error(gettext_noop("%(file)s: %(key)s must be true or false."), key=key)
        return value

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """One of them; the first if the key is missing."""
        value = self._values.get(key, choices[0])
        if value not in choices:
            template = gettext_noop("%(file)s: %(key)s must be %(choices)s, not %(value)s.")
            quoted = ", ".join(f'"{choice}"' for choice in choices)
            raise self.error(template, key=key, choices=quoted, value=repr(value))
        return str(value)

    def numbers(self, key: str, *, count: int, default: tuple[float, ...] | None = None) -> tuple[float, ...]:
        value = self._values.get(key, default)
        is_list = isinstance(value, list | tuple) and len(value) == count
        if not is_list or not all(type(item) in {int, float} and math.isfinite(item) for item in value):
            template = gettext_noop("%(file)s: %(key)s must be a list of %(count)s numbers.")
            raise self.error(template, key=key, count=count)
        return tuple(float(item) for item in value)

    def texts(self, key: str, *, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self._values.get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise self.error(gettext_noop("%(file)s: %(key)s must be a list of names."), key=key)
        return tuple(item.strip() for item in value)

    def texts_by_key(self) -> dict[str, str]:
        return {key: self.text(key) for key in self._values}

    def table(self, key: str, *, is_required: bool = True) -> _Table:
        value = self._values.get(key, None if is_required else {})
        if not isinstance(value, dict):
            raise self.error(gettext_noop("%(file)s: the table [%(key)s] is missing."), key=key)
        return _Table(value, self._file)

    def tables(self, key: str) -> list[_Table]:
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(gettext_noop("%(file)s: %(key)s must be tables, [[%(key)s]]."), key=key)
        return [_Table(item, self._file) for item in value]
