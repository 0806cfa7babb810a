"""The contract of a recognizer: parameters, response, errors.

To write a recognizer, implement `Recognizer` and add it to `registry.NAMES` and `registry.get`. The pipeline calls
`recognize` from several threads at once, one image and one API per call. Return a `Response` whose content has the
shape of the matching Amazon Rekognition operation, since `responses` reads every recognizer's JSON the same way. Raise
one of three errors: `Throttled` (try again later), `UnreadableResponse` (final for this image) or `ApiUnavailable` (no
image can be analyzed for now). Do not retry: the queue does, and it counts and pays for each request.

tests/recognition/test_recognizer_contract.py holds every recognizer to this. Nothing here imports Django.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, Protocol, Self

from analysis.aws.object_refs import S3Object as S3Object  # noqa: PLC0414
from analysis.messages import MessageError, gettext_noop

ApiName = Literal["labels", "faces", "celebrities", "text", "moderation"]
# The ledger's entry for a request without a usable response:
# - throttled: rejected because of the rate, not charged
# - failed: an error response, not charged
# - unknown: sent, but no response arrived, so it may have been charged
Outcome = Literal["throttled", "failed", "unknown"]

MAX_LABELS = 1000  # Rekognition's default and its upper limit
MAX_NAMES, MAX_NAME_LENGTH = 100, 50
NAME = re.compile(r"[A-Za-z0-9àâèçñó'-_(). ]*")  # GeneralLabelsFilterValue, verbatim from AWS's service model

FILTERS = ("label_inclusion", "label_exclusion", "category_inclusion", "category_exclusion")
_FIELDS: dict[ApiName, tuple[str, ...]] = {
    "labels": ("max_labels", "min_confidence", "image_properties", *FILTERS),
    "faces": (),
    "celebrities": (),
    "text": (),
    "moderation": ("moderation_min_confidence",),
}


class InvalidParameter(MessageError, ValueError):
    """A value that Rekognition would reject; the text begins with the field name."""


@dataclass(frozen=True)
class Parameters:
    """Options of a request. Confidences are percent.

    `image_properties` costs extra at AWS.
    The filters name labels and categories of labels, in any order; an empty inclusion filter admits all labels. Raises
    InvalidParameter.
    """

    max_labels: int = MAX_LABELS
    min_confidence: float = 55.0
    image_properties: bool = True
    label_inclusion: tuple[str, ...] = ()
    label_exclusion: tuple[str, ...] = ()
    category_inclusion: tuple[str, ...] = ()
    category_exclusion: tuple[str, ...] = ()
    moderation_min_confidence: float = 50.0

    def __post_init__(self) -> None:
        # botocore checks lower bounds only; Rekognition rejects the rest after the call was made.
        if type(self.max_labels) is not int or not 1 <= self.max_labels <= MAX_LABELS:
            raise InvalidParameter(
                gettext_noop("max_labels must be a whole number from 1 to %(limit)s, not %(value)r."),
                limit=MAX_LABELS,
                value=self.max_labels,
            )
        if type(self.image_properties) is not bool:
            raise InvalidParameter(
                gettext_noop("image_properties must be true or false, not %(value)r."), value=self.image_properties
            )
        for name in ("min_confidence", "moderation_min_confidence"):
            object.__setattr__(self, name, _percent(name, getattr(self, name)))
        for name in FILTERS:
            object.__setattr__(self, name, _names(name, getattr(self, name)))

    def admits(self, name: str, *, category: str) -> bool:
        """True if the filters let this label through; exclusion wins over inclusion."""
        if name in self.label_exclusion or category in self.category_exclusion:
            return False
        is_included = name in self.label_inclusion or category in self.category_inclusion
        return is_included or not (self.label_inclusion or self.category_inclusion)

    def as_json(self, api: ApiName) -> dict[str, Any]:
        """The value of Analysis.parameters: only the fields that this API uses.

        Cached responses are looked up by this value, so options of other APIs must not appear in it. Empty filters are
        left out, so that the value of a request without filters stays the same.
        """
        values = {name: getattr(self, name) for name in _FIELDS[api]}
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value != ()
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parameters of a stored analysis.

        Missing fields get their default, unknown ones are ignored.
        """
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in names})


def _percent(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:  # false for NaN
        raise InvalidParameter(
            gettext_noop("%(name)s must be a number from 0 to 100, not %(value)r."), name=name, value=value
        )
    return float(value)


def _names(name: str, value: object) -> tuple[str, ...]:
    """Distinct names, sorted, since their order does not change the response."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InvalidParameter(gettext_noop("%(name)s must be a list of names, not %(value)r."), name=name, value=value)
    names = tuple(sorted({item.strip() for item in value} - {""}))
    if len(names) > MAX_NAMES:
        raise InvalidParameter(
            gettext_noop("%(name)s has %(number)s names; Rekognition accepts at most %(limit)s."),
            name=name,
            number=len(names),
            limit=MAX_NAMES,
        )
    for item in names:
        if len(item) > MAX_NAME_LENGTH or not NAME.fullmatch(item):
            raise InvalidParameter(
                gettext_noop(
                    "%(name)s: %(value)r is not a valid name. Rekognition accepts up to %(limit)s letters, digits, "
                    "spaces and punctuation marks."
                ),
                name=name,
                value=item,
                limit=MAX_NAME_LENGTH,
            )
    return names


@dataclass(frozen=True)
class Response:
    """A successful response of one API.

    `content`: JSON as received, in Rekognition's shape, without botocore's ResponseMetadata.
    `model_version`: not empty; a new value makes cached responses outdated. At most 40 characters are stored.
    """

    api: ApiName
    recognizer: str
    model_version: str
    content: dict[str, Any]
    request_id: str
    latency_ms: int


BEFORE_SEND: ContextVar[Callable[[], None] | None] = ContextVar("BEFORE_SEND", default=None)
"""Called by a recognizer right before it sends a request, so that preparing the request does not delay its send
time.
"""


class Recognizer(Protocol):
    """Analyzes images. One instance serves all threads of a process."""

    name: str
    """As in the setting RECOGNIZER, at most 20 characters; stored with each analysis."""
    apis: frozenset[ApiName]
    """The APIs it offers."""
    region: str | None
    """The AWS region that is billed. None: requests are free, so neither budget nor rate limit applies."""
    sends_originals: bool
    """True if it accepts an original (upright JPEG or PNG within Rekognition's limits), also as a reference to S3.

    False: it always gets the bytes of a rendition.
    """

    def recognize(self, picture: bytes | S3Object, *, api: ApiName, parameters: Parameters) -> Response:
        """Analyze one image.

        `picture`: the bytes of an upright JPEG or PNG of at most 5 MiB, or a reference to one in S3.

        Raises Throttled, UnreadableResponse or ApiUnavailable, nothing else. Must end on its own: threads cannot be
        interrupted, so bound each request by a timeout.
        """
        ...


SENTENCE = gettext_noop("The %(api)s request failed with %(code)s: %(reason)s %(next_step)s")


class RequestFailed(Exception):
    """A request without a usable response.

    str() is an English sentence for staff: what happened, what to do.
    `reason` and `next_step` are %-templates, marked for translation with `gettext_noop`; `values` fills both by name.
    Without values they are used unchanged. `code` is AWS's error code or ours. `outcome` None: nothing was sent.
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
        values: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.api = api
        self.code = code
        self.next_step = next_step
        self.outcome = outcome
        self.request_id = request_id
        self.values = dict(values)

    def __str__(self) -> str:
        return self.sentence()

    def sentence(self, *, next_step: str | None = None, translate: Callable[[str], str] = str) -> str:
        """The whole sentence, in the language of `translate`.

        `next_step` replaces the error's own.
        """
        parts = {
            "api": self.api,
            "code": self.code,
            "reason": self.text(self.reason, translate=translate),
            "next_step": self.text(self.next_step, translate=translate) if next_step is None else next_step,
        }
        return (translate(SENTENCE) % parts).rstrip()

    def text(self, template: str, *, translate: Callable[[str], str] = str) -> str:
        """`reason` or `next_step` in the language of `translate`, with its values."""
        text = translate(template) if template else ""
        return text % self.values if self.values else text

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[str]]:
        # By default pickle loses keyword-only arguments, and a process pool then waits forever for the error.
        return partial(type(self), **self._arguments()), (self.reason,)

    def _arguments(self) -> dict[str, Any]:
        names = ("api", "code", "next_step", "outcome", "request_id", "values")
        return {name: getattr(self, name) for name in names}


class Throttled(RequestFailed):
    """Try again later. `retry_after`: seconds, if the recognizer named them."""

    def __init__(
        self,
        reason: str,
        *,
        api: ApiName,
        code: str,
        next_step: str = "",
        outcome: Outcome | None = None,
        request_id: str = "",
        values: Mapping[str, str] = MappingProxyType({}),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            reason, api=api, code=code, next_step=next_step, outcome=outcome, request_id=request_id, values=values
        )
        self.retry_after = retry_after

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "retry_after": self.retry_after}


class UnreadableResponse(RequestFailed):
    """Final for this image and API: the same bytes would fail again."""


class ApiUnavailable(RequestFailed):
    """The API cannot be called: permission, credentials, region or endpoint."""
