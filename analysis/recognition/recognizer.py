"""What every recognizer is asked and answers, and the three ways in which it fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal, Protocol, Self

ApiName = Literal["labels", "faces", "celebrities", "text", "moderation"]

MOST_LABELS = 1000  # Rekognition's default and its upper limit


_FIELDS: dict[ApiName, tuple[str, ...]] = {
    "labels": ("max_labels", "min_confidence", "image_properties"),
    "faces": (),
    "celebrities": (),
    "text": (),
    "moderation": ("min_confidence",),
}


@dataclass(frozen=True)
class Parameters:
    """How a picture is asked about. `min_confidence` is percent; `image_properties` costs extra at AWS."""

    max_labels: int = MOST_LABELS
    min_confidence: float = 55.0
    image_properties: bool = True

    def __post_init__(self) -> None:
        if type(self.max_labels) is not int or not 1 <= self.max_labels <= MOST_LABELS:
            raise ValueError(f"max_labels is a whole number from 1 to {MOST_LABELS}, not {self.max_labels!r}.")
        object.__setattr__(self, "min_confidence", _percent(self.min_confidence))
        if type(self.image_properties) is not bool:
            raise ValueError(f"image_properties is true or false, not {self.image_properties!r}.")

    def as_json(self, api: ApiName) -> dict[str, int | float | bool]:
        """What Analysis.parameters stores: the fields this API knows, so that others' changes ask nothing again."""
        return {name: getattr(self, name) for name in _FIELDS[api]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The parameters of a stored analysis; missing fields take their defaults, unknown ones are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


def _percent(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"min_confidence is a number from 0 to 100, not {value!r}.")
    if not 0 <= value <= 100:
        raise ValueError(f"min_confidence is a number from 0 to 100, not {value!r}.")
    return float(value)


@dataclass(frozen=True)
class Answer:
    """One answer of one API: `content` is the JSON as received (without AWS's ResponseMetadata)."""

    api: ApiName
    recognizer: str
    model_version: str
    content: dict[str, Any]
    request_id: str
    latency_ms: int


class Recognizer(Protocol):
    """Looks at a picture, an upright JPEG of at most 5 MiB made for the call; raises Busy, Unreadable, Unavailable."""

    name: str
    apis: frozenset[ApiName]
    region: str | None
    """Where it is paid for; None where it is free."""
    takes_originals: bool
    """Upright JPEG and PNG originals within Rekognition's limits need no rendition made for it."""

    def recognize(self, picture: bytes, *, api: ApiName, parameters: Parameters) -> Answer: ...


class Failed(Exception):
    """A request without an answer; str() is a sentence with the API, the code and what happens or is to do next."""

    def __init__(self, reason: str, *, api: ApiName, code: str, next_step: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.api = api
        self.code = code
        self.next_step = next_step

    def __str__(self) -> str:
        return f"The {self.api} request failed with {self.code}: {self.reason} {self.next_step}".rstrip()

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[str]]:
        # Keyword-only arguments are lost by the default, and a process pool then waits forever for the error.
        return partial(type(self), **self._arguments()), (self.reason,)

    def _arguments(self) -> dict[str, Any]:
        return {"api": self.api, "code": self.code, "next_step": self.next_step}

    @property
    def outcome(self) -> str | None:
        """What the ledger says of the request: throttled, failed, unknown, or None when none was sent."""
        return "failed"


class Busy(Failed):
    """Worth another try later; `retry_after` is seconds where the recognizer named them."""

    def __init__(
        self, reason: str, *, api: ApiName, code: str, next_step: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(reason, api=api, code=code, next_step=next_step)
        self.retry_after = retry_after

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "retry_after": self.retry_after}


class Unreadable(Failed):
    """Final for this picture and this API: the same bytes will fail again."""


class Unavailable(Failed):
    """No picture is at fault: permission, credentials, region, endpoint or the API itself is missing."""
