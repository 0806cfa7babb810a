"""What every recognizer is asked and answers, and the three ways in which it fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal, Protocol, Self

from analysis.aws.object_refs import S3Object as S3Object  # noqa: PLC0414

ApiName = Literal["labels", "faces", "celebrities", "text", "moderation"]
Outcome = Literal["throttled", "failed", "unknown"]

MOST_LABELS = 1000  # Rekognition's default and its upper limit
MAX_NAMES, MAX_NAME_LENGTH = 100, 50
NAME = re.compile(r"[A-Za-z0-9àâèçñó'-_(). ]*")  # GeneralLabelsFilterValue in the service model, as it stands there

FILTERS = ("label_inclusion", "label_exclusion", "category_inclusion", "category_exclusion")
_FIELDS: dict[ApiName, tuple[str, ...]] = {
    "labels": ("max_labels", "min_confidence", "image_properties", *FILTERS),
    "faces": (),
    "celebrities": (),
    "text": (),
    "moderation": ("moderation_min_confidence",),
}


@dataclass(frozen=True)
class Parameters:
    """How a picture is asked about. Confidences are percent; `image_properties` costs extra at AWS.

    The filters name labels and categories of labels, in any order; with none named as included, all are. Raises
    ValueError for what Rekognition would refuse, with the field's name and a sentence.
    """

    max_labels: int = MOST_LABELS
    min_confidence: float = 55.0
    image_properties: bool = True
    label_inclusion: tuple[str, ...] = ()
    label_exclusion: tuple[str, ...] = ()
    category_inclusion: tuple[str, ...] = ()
    category_exclusion: tuple[str, ...] = ()
    moderation_min_confidence: float = 50.0

    def __post_init__(self) -> None:
        if type(self.max_labels) is not int or not 1 <= self.max_labels <= MOST_LABELS:
            raise ValueError(f"max_labels is a whole number from 1 to {MOST_LABELS}, not {self.max_labels!r}.")
        if type(self.image_properties) is not bool:
            raise ValueError(f"image_properties is true or false, not {self.image_properties!r}.")
        for name in ("min_confidence", "moderation_min_confidence"):
            object.__setattr__(self, name, _percent(name, getattr(self, name)))
        for name in FILTERS:
            object.__setattr__(self, name, _names(name, getattr(self, name)))

    def admits(self, name: str, *, category: str) -> bool:
        """Whether the filters let a label through; what is excluded stays out even if it is included as well."""
        if name in self.label_exclusion or category in self.category_exclusion:
            return False
        is_included = name in self.label_inclusion or category in self.category_inclusion
        return is_included or not (self.label_inclusion or self.category_inclusion)

    def as_json(self, api: ApiName) -> dict[str, Any]:
        """What Analysis.parameters stores: the fields this API knows, so that others' changes ask nothing again.

        A filter that names nothing is left out, so that answers from before there were filters are still the answers.
        """
        values = {name: getattr(self, name) for name in _FIELDS[api]}
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value != ()
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The parameters of a stored analysis; missing fields take their defaults, unknown ones are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


def _percent(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:  # which NaN is not
        raise ValueError(f"{name} is a number from 0 to 100, not {value!r}.")
    return float(value)


def _names(name: str, value: object) -> tuple[str, ...]:
    """Sorted and each once, since the order of the names asks for nothing else."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} is a list of names, not {value!r}.")
    names = tuple(sorted({item.strip() for item in value} - {""}))
    if len(names) > MAX_NAMES:
        raise ValueError(f"{name} has {len(names)} names; Rekognition takes {MAX_NAMES}.")
    for item in names:
        if len(item) > MAX_NAME_LENGTH or not NAME.fullmatch(item):
            raise ValueError(
                f"{name}: {item!r} is no name of up to {MAX_NAME_LENGTH} characters as Rekognition has them."
            )
    return names


@dataclass(frozen=True)
class Response:
    """One answer of one API: `content` is the JSON as received (without AWS's ResponseMetadata)."""

    api: ApiName
    recognizer: str
    model_version: str
    content: dict[str, Any]
    request_id: str
    latency_ms: int


class Recognizer(Protocol):
    """Looks at a picture, an upright JPEG or PNG of at most 5 MiB; raises Busy, Unreadable, Unavailable."""

    name: str
    apis: frozenset[ApiName]
    region: str | None
    """Where it is paid for; None where it is free."""
    sends_originals: bool
    """Upright JPEG and PNG originals within Rekognition's limits need no rendition made for it, nor bytes if in S3."""

    def recognize(self, picture: bytes | S3Object, *, api: ApiName, parameters: Parameters) -> Response: ...


class RequestFailed(Exception):
    """A request without an answer; str() is a sentence with the API, the code and what happens or is to do next.

    `outcome` is what the ledger says of the request: throttled; failed, with an error for an answer; unknown, when it
    was sent and no answer came, so that it may have been paid for; None when nothing was sent.
    """

    def __init__(
        self,
        reason: str,
        *,
        api: ApiName,
        code: str,
        next_step: str = "",
        outcome: Outcome | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.api = api
        self.code = code
        self.next_step = next_step
        self.outcome = outcome
        self.request_id = request_id

    def __str__(self) -> str:
        return self.sentence(self.next_step)

    def sentence(self, next_step: str) -> str:
        """The same with another next step, for whoever does not do what was meant to be done."""
        return f"The {self.api} request failed with {self.code}: {self.reason} {next_step}".rstrip()

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[str]]:
        # Keyword-only arguments are lost by the default, and a process pool then waits forever for the error.
        return partial(type(self), **self._arguments()), (self.reason,)

    def _arguments(self) -> dict[str, Any]:
        names = ("api", "code", "next_step", "outcome", "request_id")
        return {name: getattr(self, name) for name in names}


class Throttled(RequestFailed):
    """Worth another try later; `retry_after` is seconds where the recognizer named them."""

    def __init__(
        self,
        reason: str,
        *,
        api: ApiName,
        code: str,
        next_step: str = "",
        outcome: Outcome | None = None,
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason, api=api, code=code, next_step=next_step, outcome=outcome, request_id=request_id)
        self.retry_after = retry_after

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "retry_after": self.retry_after}


class UnreadableResponse(RequestFailed):
    """Final for this picture and this API: the same bytes will fail again."""


class ApiUnavailable(RequestFailed):
    """No picture is at fault: permission, credentials, region, endpoint or the API itself is missing."""
