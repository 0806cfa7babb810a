"""From a request to what is said and when: the service without its connections."""

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
from imagelib.simulator.responses import answer
from imagelib.simulator.settings import OPERATIONS, PERCENTS, ErrorToCome, Settings
from imagelib.simulator.statistics import Statistics

TARGET: Final = "RekognitionService."
ENDINGS: Final = {
    "drops": statistics.DROPPED,
    "cuts": statistics.CUT,
    "malformed": statistics.MALFORMED,
    "silent": statistics.SILENT,
}
PAGE: Final = b"<!DOCTYPE html>\n<html><body><h1>Sign in to the network</h1></body></html>\n"


@dataclass(frozen=True)
class Reply:
    """What a connection does: after `delay` seconds it writes, or closes where the outcome says so."""

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
    """Used by one thread, that of its event loop."""

    def __init__(self, settings: Settings) -> None:
        self.at_start = settings
        self.statistics = Statistics()
        self._quota = Quota()
        self._fetching = ThreadPoolExecutor(max_workers=8, thread_name_prefix="simulator-s3")
        self.use(settings)

    def use(self, settings: Settings) -> None:
        """From now on; errors to come that are not new are not given again."""
        before = getattr(self, "settings", None)
        self.settings = settings
        if before is None or settings.next_errors is not before.next_errors:
            self._next_errors = list(settings.next_errors)
        if before is None or settings.seed != before.seed:
            self._chance = random.Random(settings.seed)

    def reset(self, *, settings: bool = False) -> None:
        """Forget statistics and used quota; with `settings` everything is as at the start."""
        self.statistics.reset()
        self._quota.reset()
        if settings:
            self.settings = self.at_start
            self._chance = random.Random(self.settings.seed)
            self._next_errors = list(self.settings.next_errors)

    def close(self) -> None:
        self._fetching.shutdown(wait=True, cancel_futures=True)

    def call(self, headers: Mapping[bytes, bytes], body: bytes, reply: Callable[[Reply], None]) -> None:
        """`reply` is called once, at once or when S3 has answered."""
        target = headers.get(b"x-amz-target", b"").decode("latin-1")
        operation = target.removeprefix(TARGET) if target.startswith(TARGET) else ""
        call = _Call(operation if operation in OPERATIONS else "unknown", body, self._fault(), str(uuid4()))
        self.statistics.begin(call.operation, size=len(body))
        if call.fault == "early_drops" or self.settings.down:
            reply(Reply(call.operation, statistics.DROPPED_EARLY))
            return
        if call.fault == "pages":
            reply(Reply(call.operation, statistics.PAGE, body=PAGE))
            return
        try:
            self._admit(call, headers)
            parameters = validation.request(body, operation=operation, constraint_code=self.settings.constraint_code)
            image = parameters["Image"]
            if self.settings.s3 == "fetch" and "S3Object" in image:
                self._fetch(call, parameters, reply)
            else:
                reply(self._answered(call, parameters, self._picture(image, operation)))
        except RequestRefused as refusal:
            reply(self._refused(call, refusal))

    def _fault(self) -> str:
        """One of PERCENTS or nothing."""
        chances = [getattr(self.settings, name) for name in PERCENTS]
        if not any(chances):
            return ""
        point = self._chance.random() * 100
        for name, percent in zip(PERCENTS, chances, strict=True):
            if point < percent:
                return name
            point -= percent
        return ""

    def _admit(self, call: _Call, headers: Mapping[bytes, bytes]) -> None:
        """Raises Refused, in the order in which AWS looks: what, who, how many."""
        if call.operation not in OPERATIONS:
            raise RequestRefused("UnknownOperationException", "The simulator knows " + ", ".join(OPERATIONS) + ".")
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
            return self._quota.grants_in_window(operation, rate=rate, now=now)
        return self._quota.grants(operation, rate=rate, burst=self.settings.burst, now=now)

    def _next_error(self, operation: str) -> ErrorToCome | None:
        for place, error in enumerate(self._next_errors):
            if error.times > 0 and error.operation in {"", operation}:
                self._next_errors[place] = replace(error, times=error.times - 1)
                return error
        return None

    def _picture(self, image: dict[str, Any], operation: str) -> Picture:
        if "Bytes" in image:
            text = image["Bytes"]
            content = text.encode("ascii", "replace") if isinstance(text, str) else text
            return picture.sent(content, operation=operation, decode=self.settings.decode)
        if self.settings.s3 == "absent":
            raise RequestRefused("InvalidS3ObjectException")
        reference = image["S3Object"]
        return picture.referred(reference.get("Bucket", ""), reference.get("Name", ""), reference.get("Version", ""))

    def _fetch(self, call: _Call, parameters: dict[str, Any], reply: Callable[[Reply], None]) -> None:
        def arrived(fetching: asyncio.Future[Picture]) -> None:
            try:
                reply(self._answered(call, parameters, picture.fitting(fetching.result(), operation=call.operation)))
            except RequestRefused as refusal:
                reply(self._refused(call, refusal))

        reference, endpoint = parameters["Image"]["S3Object"], self.settings.s3_endpoint
        loop = asyncio.get_running_loop()
        fetching = loop.run_in_executor(self._fetching, lambda: s3.fetched(reference, endpoint=endpoint))
        fetching.add_done_callback(arrived)

    def _answered(self, call: _Call, parameters: dict[str, Any], image: Picture) -> Reply:
        settings = self.settings
        version = settings.version(call.operation)
        said = answer(call.operation, image.digest, parameters, version=version, suffix=settings.version_suffix)
        milliseconds = settings.latency + self._chance.uniform(-settings.jitter, settings.jitter)
        if call.fault == "slow":
            milliseconds = settings.slow_latency
        return Reply(
            call.operation,
            ENDINGS.get(call.fault, statistics.ANSWERED),
            body=json.dumps(said).encode(),
            delay=max(0.0, milliseconds) / 1000,
            request_id=call.request_id,
            picture=image.digest,
        )

    def _refused(self, call: _Call, refusal: RequestRefused) -> Reply:
        return Reply(
            call.operation,
            refusal.code,
            status=refusal.status,
            body=refusal.body(operation=call.operation, request_id=call.request_id),
            delay=self.settings.refusal_latency / 1000,
            request_id=call.request_id,
        )
