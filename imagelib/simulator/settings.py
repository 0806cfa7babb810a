"""Settings of the simulator, the same on the command line, in tests and over HTTP."""

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
S3_MODES: Final = ("present", "absent", "fetch")

PerOperation = float | Mapping[str, float] | None


@dataclass(frozen=True)
class NextError:
    """An error for the next requests; `status` 0 means the code's usual status."""

    code: str
    times: int = 1
    operation: str = ""
    status: int = 0
    message: str = ""


@dataclass(frozen=True)
class Settings:
    """Settings: times in milliseconds, rates in calls per second, faults in percent."""

    latency: Annotated[float, "milliseconds until a response"] = 0
    jitter: Annotated[float, "milliseconds by which the latency varies, either way"] = 0
    refusal_latency: Annotated[float, "milliseconds until an error"] = 0
    tps: Annotated[PerOperation, 'quota of calls per second and operation; one for all or {"DetectLabels": 50}'] = None
    burst: Annotated[float | None, "size of the quota's bucket in calls; one second's calls by default"] = None
    window: Annotated[
        str, "how the quota is counted: bucket (of size burst), or second (at most tps in any second)"
    ] = "bucket"
    throttles: Annotated[float, "percent that fail with ThrottlingException"] = 0
    errors: Annotated[float, "percent that fail with InternalServerError, status 500"] = 0
    drops: Annotated[float, "percent whose connection is closed instead of a response, after the call counted"] = 0
    early_drops: Annotated[float, "percent whose connection is closed immediately, before the call counts"] = 0
    cuts: Annotated[float, "percent whose connection is closed in the middle of the response"] = 0
    malformed: Annotated[float, "percent whose response is half of the JSON, with a matching length"] = 0
    silent: Annotated[float, "percent without a response on an open connection, after the call counted"] = 0
    pages: Annotated[float, "percent that get status 200 and an HTML page, as from a proxy, before the call counts"] = 0
    slow: Annotated[float, "percent with a response after slow_latency"] = 0
    slow_latency: Annotated[float, "milliseconds until a slow response"] = 30_000
    next_errors: Annotated[
        tuple[NextError, ...], 'errors of the next requests: [{"code": …, "times": 1, "operation": …}]'
    ] = ()
    credentials: Annotated[str, f"error of all calls: {', '.join(CREDENTIALS)}"] = ""
    denied: Annotated[tuple[str, ...], "operations that fail with AccessDeniedException"] = ()
    down: Annotated[bool, "close the connection of every request"] = False
    model_version: Annotated[
        str | Mapping[str, str], 'one for all, or {"DetectLabels": "3.1"}; by default 3.0, moderation 7.0'
    ] = ""
    version_suffix: Annotated[str, "suffix of each model version; may be empty"] = "-simulated"
    s3: Annotated[str, "S3 references: present (assumed to exist), absent (fail) or fetch"] = "present"
    s3_endpoint: Annotated[str, "endpoint to fetch from; AWS if empty"] = ""
    constraint_code: Annotated[str, "error code of requests that break the service model's limits"] = (
        "InvalidParameterException"
    )
    decode: Annotated[bool, "false: identify pictures by their base64 text, which halves the work for large ones"] = (
        True
    )
    seed: Annotated[int, "seed of faults and jitter"] = 0

    def with_changes(self, **changes: Any) -> Settings:
        """A copy with changes, which may have JSON's types. Raises ValueError."""
        if unknown := changes.keys() - DESCRIPTIONS:
            raise ValueError(f"Unknown setting: {', '.join(sorted(unknown))}. Choose from: {', '.join(DESCRIPTIONS)}.")
        if "next_errors" in changes:
            changes["next_errors"] = tuple(_next_error(error) for error in changes["next_errors"])
        if "denied" in changes:
            changes["denied"] = tuple(changes["denied"])
        settings = replace(self, **changes)
        if problem := next(_problems(settings), ""):
            raise ValueError(problem)
        return settings

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def quota(self, operation: str) -> float | None:
        """Calls per second; None without a limit."""
        return self.tps.get(operation) if isinstance(self.tps, Mapping) else self.tps

    def version(self, operation: str) -> str:
        """Model version without the suffix, by default that of labels."""
        versions = self.model_version
        if isinstance(versions, Mapping):
            versions = versions.get(operation, "")
        return versions or VERSIONS.get(operation, VERSIONS["DetectLabels"])


TYPES: Final = get_type_hints(Settings)
DESCRIPTIONS: Final = {
    name: annotation.__metadata__[0] for name, annotation in get_type_hints(Settings, include_extras=True).items()
}


def _next_error(value: Any) -> NextError:
    if isinstance(value, NextError):
        return value
    try:
        error = NextError(**value)
    except TypeError as invalid:
        raise ValueError(
            f"Invalid next error {value!r}: its fields are code, times, operation, status, message."
        ) from invalid
    if not isinstance(error.code, str) or not isinstance(error.times, int) or not isinstance(error.status, int):
        raise ValueError(f"Invalid next error {value!r}: code must be a string, times and status integers.")
    return error


def _problems(settings: Settings) -> Any:
    for name in NUMBERS:
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            yield f"{name} must be a number of at least 0, not {value!r}."
    if sum(getattr(settings, name) for name in PERCENTS) > 100:
        yield f"{', '.join(PERCENTS)} must not exceed 100 percent together."
    yield from _quota_problems(settings)
    yield from _name_problems(settings)


def _quota_problems(settings: Settings) -> Any:
    rates = settings.tps.values() if isinstance(settings.tps, Mapping) else [settings.tps]
    for rate in (*rates, settings.burst):
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or rate <= 0):
            yield f"tps and burst must be above 0 or unset, not {rate!r}."
    if settings.burst is not None and isinstance(settings.burst, int | float) and settings.burst < 1:
        yield f"burst must be at least 1, not {settings.burst!r}."


def _name_problems(settings: Settings) -> Any:
    operations = {*settings.denied, *(error.operation for error in settings.next_errors if error.operation)}
    for by_operation in (settings.tps, settings.model_version):
        operations |= by_operation.keys() if isinstance(by_operation, Mapping) else set()
    if unknown := operations - set(OPERATIONS):
        yield f"Unknown operation: {', '.join(sorted(map(str, unknown)))}. Choose from: {', '.join(OPERATIONS)}."
    if settings.window not in WINDOWS:
        yield f"window must be one of {', '.join(WINDOWS)}, not {settings.window!r}."
    if settings.s3 not in S3_MODES:
        yield f"s3 must be one of {', '.join(S3_MODES)}, not {settings.s3!r}."
    if not isinstance(settings.credentials, str) or settings.credentials not in {"", *CREDENTIALS}:
        yield f"credentials must be empty or one of {', '.join(CREDENTIALS)}, not {settings.credentials!r}."
    for name in ("down", "decode"):
        if not isinstance(value := getattr(settings, name), bool):
            yield f"{name} must be true or false, not {value!r}."
    versions = (
        settings.model_version.values() if isinstance(settings.model_version, Mapping) else [settings.model_version]
    )
    if not all(isinstance(version, str) for version in (*versions, settings.version_suffix)):
        yield "model_version and version_suffix must be strings."
