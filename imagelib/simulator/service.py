"""Service of the simulator: decides on response, fault and delay of each request."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from imagelib.simulator import picture, s3, statistics, validation
from imagelib.simulator.errors import RequestRefused
from imagelib.simulator.picture import Picture
from imagelib.simulator.quota import Quota
from imagelib.simulator.responses import respond
from imagelib.simulator.settings import OPERATIONS, PERCENTS, NextError, Settings
from imagelib.simulator.statistics import Statistics

TARGET: Final = "RekognitionService."
FAULT_OUTCOMES: Final = {
    "drops": statistics.DROPPED,
    "cuts": statistics.CUT,
    "malformed": statistics.MALFORMED,
    "silent": statistics.SILENT,
}
HTML_PAGE: Final = b"<!DOCTYPE html>\n<html><body><h1>Sign in to the network</h1></body></html>\n"


@dataclass(frozen=True)
class Reply:
    """A response, sent after `delay` seconds unless the outcome is a fault."""

    operation: str
    outcome: str
    status: int = 200
    body: bytes = b""
    delay: float = 0
    request_id: str = ""
    picture: bytes | None = None


@dataclass(frozen=True)
class _Call:
    operation: str
    body: bytes
    fault: str
    request_id: str


class Simulator:
    """The simulated service. Not thread-safe: used only in its event loop."""

    def __init__(self, settings: Settings) -> None:
        self.initial_settings = settings
        self.statistics = Statistics()
        self._quota = Quota()
        self._fetch_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="simulator-s3")
        self.apply(settings)

    def apply(self, settings: Settings) -> None:
        """Apply settings from now on. `next_errors` restart only if they have changed."""
        previous = getattr(self, "settings", None)
        self.settings = settings
        # By identity: replace() keeps the tuple when other settings change, and equal errors that are set anew count
        # again.
        if previous is None or settings.next_errors is not previous.next_errors:
            self._next_errors = list(settings.next_errors)
        if previous is None or settings.seed != previous.seed:
            self._random = random.Random(settings.seed)

    def reset(self, *, settings: bool = False) -> None:
        """Clear statistics and used quota; with `settings`, restore initial settings."""
        self.statistics.reset()
        self._quota.reset()
        if settings:
            self.settings = self.initial_settings
            self._random = random.Random(self.settings.seed)
            self._next_errors = list(self.settings.next_errors)

    def close(self) -> None:
        self._fetch_pool.shutdown(wait=True, cancel_futures=True)

    def call(self, headers: Mapping[bytes, bytes], body: bytes, reply: Callable[[Reply], None]) -> None:
        """Handle a request. `reply` is called once, immediately or when S3 has responded."""
        target = headers.get(b"x-amz-target", b"").decode("latin-1")
        operation = target.removeprefix(TARGET) if target.startswith(TARGET) else ""
        call = _Call(operation if operation in OPERATIONS else "unknown", body, self._draw_fault(), str(uuid4()))
        self.statistics.begin(call.operation, size=len(body))
        if call.fault == "early_drops" or self.settings.down:
            reply(Reply(call.operation, statistics.DROPPED_EARLY))
            return
        if call.fault == "pages":
            # As a captive portal answers: status 200 and no JSON.
            reply(Reply(call.operation, statistics.PAGE, body=HTML_PAGE))
            return
        try:
            self._check_access(call, headers)
            parameters = validation.parse_request(
                body, operation=operation, constraint_code=self.settings.constraint_code
            )
            image = parameters["Image"]
            if self.settings.s3 == "fetch" and "S3Object" in image:
                self._fetch(call, parameters, reply)
            else:
                reply(self._success(call, parameters, self._picture(image, operation)))
        except RequestRefused as refusal:
            reply(self._error(call, refusal))

    def _draw_fault(self) -> str:
        """Draw a fault: one of PERCENTS, or an empty string."""
        percents = [getattr(self.settings, name) for name in PERCENTS]
        if not any(percents):
            return ""
        point = self._random.random() * 100
        for name, percent in zip(PERCENTS, percents, strict=True):
            if point < percent:
                return name
            point -= percent
        return ""

    def _check_access(self, call: _Call, headers: Mapping[bytes, bytes]) -> None:
        """Raise RequestRefused in AWS's order of checks: operation, credentials, quota."""
        if call.operation not in OPERATIONS:
            raise RequestRefused("UnknownOperationException", "The simulator supports " + ", ".join(OPERATIONS) + ".")
        if b"authorization" not in headers:
            raise RequestRefused("MissingAuthenticationTokenException")
        if self.settings.credentials:
            raise RequestRefused(self.settings.credentials)
        if call.operation in self.settings.denied:
            raise RequestRefused("AccessDeniedException")
        if error := self._next_error(call.operation):
            raise RequestRefused(error.code, error.message, status=error.status)
        if call.fault == "throttles":
            raise RequestRefused("ThrottlingException")
        if not self._is_within_quota(call.operation):
            raise RequestRefused("ProvisionedThroughputExceededException")
        if call.fault == "errors":
            raise RequestRefused("InternalServerError")

    def _is_within_quota(self, operation: str) -> bool:
        rate, now = self.settings.quota(operation), time.monotonic()
        if self.settings.window == "second":
            return self._quota.acquire_in_second(operation, rate=rate, now=now)
        return self._quota.acquire(operation, rate=rate, burst=self.settings.burst, now=now)

    def _next_error(self, operation: str) -> NextError | None:
        for index, error in enumerate(self._next_errors):
            if error.times > 0 and error.operation in {"", operation}:
                self._next_errors[index] = replace(error, times=error.times - 1)
                return error
        return None

    def _picture(self, image: dict[str, Any], operation: str) -> Picture:
        if "Bytes" in image:
            text = image["Bytes"]
            content = text.encode("ascii", "replace") if isinstance(text, str) else text
            return picture.from_base64(content, operation=operation, decode=self.settings.decode)
        if self.settings.s3 == "absent":
            raise RequestRefused("InvalidS3ObjectException")
        reference = image["S3Object"]
        return picture.from_reference(
            reference.get("Bucket", ""), reference.get("Name", ""), reference.get("Version", "")
        )

    def _fetch(self, call: _Call, parameters: dict[str, Any], reply: Callable[[Reply], None]) -> None:
        def on_fetched(future: asyncio.Future[Picture]) -> None:
            try:
                reply(self._success(call, parameters, picture.check_size(future.result(), operation=call.operation)))
            except RequestRefused as refusal:
                reply(self._error(call, refusal))

        reference, endpoint = parameters["Image"]["S3Object"], self.settings.s3_endpoint
        loop = asyncio.get_running_loop()
        # In a thread: boto3 blocks, and the loop serves all connections.
        future = loop.run_in_executor(self._fetch_pool, lambda: s3.fetch(reference, endpoint=endpoint))
        future.add_done_callback(on_fetched)

    def _success(self, call: _Call, parameters: dict[str, Any], image: Picture) -> Reply:
        settings = self.settings
        version = settings.version(call.operation)
        content = respond(call.operation, image.digest, parameters, version=version, suffix=settings.version_suffix)
        milliseconds = settings.latency + self._random.uniform(-settings.jitter, settings.jitter)
        if call.fault == "slow":
            milliseconds = settings.slow_latency
        return Reply(
            call.operation,
            FAULT_OUTCOMES.get(call.fault, statistics.ANSWERED),
            body=json.dumps(content).encode(),
            delay=max(0.0, milliseconds) / 1000,
            request_id=call.request_id,
            picture=image.digest,
        )

    def _error(self, call: _Call, refusal: RequestRefused) -> Reply:
        return Reply(
            call.operation,
            refusal.code,
            status=refusal.status,
            body=refusal.body(operation=call.operation, request_id=call.request_id),
            delay=self.settings.refusal_latency / 1000,
            request_id=call.request_id,
        )
