"""The simulator's knobs: set at the start and while it runs, by the same names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final, get_type_hints

from imagelib.simulator.errors import CREDENTIALS

OPERATIONS: Final = ("DetectLabels", "DetectFaces", "RecognizeCelebrities", "DetectText", "DetectModerationLabels")
VERSIONS: Final = {"DetectLabels": "3.0", "DetectText": "3.0", "DetectModerationLabels": "7.0"}
PERCENTS: Final = ("early_drops", "pages", "throttles", "errors", "drops", "cuts", "malformed", "silent", "slow")
NUMBERS: Final = ("latency", "jitter", "refusal_latency", "slow_latency", *PERCENTS)
WINDOWS: Final = ("bucket", "second")
S3_WAYS: Final = ("present", "absent", "fetch")

PerOperation = float | Mapping[str, float] | None


@dataclass(frozen=True)
class ErrorToCome:
    """Given to the next requests, to those of one operation if named; `status` 0 is the usual one of its code."""

    code: str
    times: int = 1
    operation: str = ""
    status: int = 0
    message: str = ""


@dataclass(frozen=True)
class Settings:
    """Times are milliseconds, rates calls per second, faults percents of the requests."""

    latency: Annotated[float, "milliseconds until an answer"] = 0
    jitter: Annotated[float, "milliseconds by which the latency varies, either way"] = 0
    refusal_latency: Annotated[float, "milliseconds until an error"] = 0
    tps: Annotated[PerOperation, 'quota of calls per second and operation; one for all or {"DetectLabels": 50}'] = None
    burst: Annotated[float | None, "calls of a full quota that may come at once; a second's worth if not given"] = None
    window: Annotated[str, "of the quota: bucket (burst is its size), or second (no more than tps in any second)"] = (
        "bucket"
    )
    throttles: Annotated[float, "percent refused with ThrottlingException"] = 0
    errors: Annotated[float, "percent refused with InternalServerError, 500"] = 0
    drops: Annotated[float, "percent whose connection is closed instead of the answer, after the call counted"] = 0
    early_drops: Annotated[float, "percent whose connection is closed at once, before the call counts"] = 0
    cuts: Annotated[float, "percent whose connection is closed in the middle of the answer"] = 0
    malformed: Annotated[float, "percent answered by half of the JSON as if it were whole"] = 0
    silent: Annotated[float, "percent never answered on a connection that stays open, after the call counted"] = 0
    pages: Annotated[float, "percent answered 200 with a page of HTML, as by a proxy, before the call counts"] = 0
    slow: Annotated[float, "percent answered after slow_latency"] = 0
    slow_latency: Annotated[float, "milliseconds until a slow answer"] = 30_000
    next_errors: Annotated[tuple[ErrorToCome, ...], 'errors to come: [{"code": …, "times": 1, "operation": …}]'] = ()
    credentials: Annotated[str, f"the error that every call gets: {', '.join(CREDENTIALS)}"] = ""
    denied: Annotated[tuple[str, ...], "operations refused with AccessDeniedException"] = ()
    down: Annotated[bool, "every connection that asks for anything is closed"] = False
    model_version: Annotated[
        str | Mapping[str, str], 'one for all, or {"DetectLabels": "3.1"}; 3.0, moderation 7.0'
    ] = ""
    version_suffix: Annotated[str, "follows each model version; may be empty"] = "-simulated"
    s3: Annotated[str, "S3 references: present (taken on trust), absent (refused) or fetch"] = "present"
    s3_endpoint: Annotated[str, "where to fetch from; AWS if empty"] = ""
    constraint_code: Annotated[str, "the error for what breaks the service model's limits"] = (
        "InvalidParameterException"
    )
    decode: Annotated[bool, "false: tell pictures apart by their base64, for half the work with large ones"] = True
    seed: Annotated[int, "of the faults and the jitter"] = 0

    def changed(self, **knobs: Any) -> Settings:
        """Other settings, from JSON's types too. Raises ValueError with a sentence."""
        if unknown := knobs.keys() - NAMES:
            raise ValueError(f"There is no setting {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.")
        if "next_errors" in knobs:
            knobs["next_errors"] = tuple(_error_to_come(error) for error in knobs["next_errors"])
        if "denied" in knobs:
            knobs["denied"] = tuple(knobs["denied"])
        made = replace(self, **knobs)
        if problem := next(_problems(made), ""):
            raise ValueError(problem)
        return made

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def quota(self, operation: str) -> float | None:
        """Calls per second; None is no limit."""
        return self.tps.get(operation) if isinstance(self.tps, Mapping) else self.tps

    def version(self, operation: str) -> str:
        """Without the suffix; the operations without a version of their own have the labels'."""
        chosen = self.model_version
        if isinstance(chosen, Mapping):
            chosen = chosen.get(operation, "")
        return chosen or VERSIONS.get(operation, VERSIONS["DetectLabels"])


TYPES: Final = get_type_hints(Settings)
NAMES: Final = {name: kind.__metadata__[0] for name, kind in get_type_hints(Settings, include_extras=True).items()}
"""Every setting and what it is."""


def _error_to_come(said: Any) -> ErrorToCome:
    if isinstance(said, ErrorToCome):
        return said
    try:
        error = ErrorToCome(**said)
    except TypeError as mistake:
        raise ValueError(
            f"{said!r} is no error to come: it takes code, times, operation, status, message."
        ) from mistake
    if not isinstance(error.code, str) or not isinstance(error.times, int) or not isinstance(error.status, int):
        raise ValueError(f"{said!r} is no error to come: its code is a string, times and status are whole numbers.")
    return error


def _problems(made: Settings) -> Any:
    for name in NUMBERS:
        value = getattr(made, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            yield f"{name} is a number of at least 0, not {value!r}."
    if sum(getattr(made, name) for name in PERCENTS) > 100:
        yield f"{', '.join(PERCENTS)} are more than 100 percent together."
    yield from _problems_of_quota(made)
    yield from _problems_of_names(made)


def _problems_of_quota(made: Settings) -> Any:
    rates = made.tps.values() if isinstance(made.tps, Mapping) else [made.tps]
    for rate in (*rates, made.burst):
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or rate <= 0):
            yield f"tps and burst are above 0 or not set, not {rate!r}."
    if made.burst is not None and isinstance(made.burst, int | float) and made.burst < 1:
        yield f"burst is at least 1, not {made.burst!r}."


def _problems_of_names(made: Settings) -> Any:
    named = {*made.denied, *(error.operation for error in made.next_errors if error.operation)}
    for several in (made.tps, made.model_version):
        named |= several.keys() if isinstance(several, Mapping) else set()
    if unknown := named - set(OPERATIONS):
        yield f"There is no operation {', '.join(sorted(map(str, unknown)))}; there are {', '.join(OPERATIONS)}."
    if made.window not in WINDOWS:
        yield f"window is one of {', '.join(WINDOWS)}, not {made.window!r}."
    if made.s3 not in S3_WAYS:
        yield f"s3 is one of {', '.join(S3_WAYS)}, not {made.s3!r}."
    if not isinstance(made.credentials, str) or made.credentials not in {"", *CREDENTIALS}:
        yield f"credentials is empty or one of {', '.join(CREDENTIALS)}, not {made.credentials!r}."
    for name in ("down", "decode"):
        if not isinstance(value := getattr(made, name), bool):
            yield f"{name} is true or false, not {value!r}."
    versions = made.model_version.values() if isinstance(made.model_version, Mapping) else [made.model_version]
    if not all(isinstance(version, str) for version in (*versions, made.version_suffix)):
        yield "model_version and version_suffix are strings."
