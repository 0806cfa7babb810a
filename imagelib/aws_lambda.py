"""Handler for the AWS Lambda functions of infra/lambda.yaml.

S3 events from the queue are recorded; any other event, such as a schedule's, does all background work as
`manage.py work --until-idle` does. The function for the queue starts the other one and returns at once, so that
messages are not in flight while the work is done.
"""

from __future__ import annotations

import logging
import os
from typing import Any, Protocol, TypedDict

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imagelib.settings")
django.setup()

# Below setup(), since models cannot be imported before it.
from django.conf import settings
from django.db import close_old_connections

from analysis import pipeline, work
from analysis.aws import lambda_functions
from analysis.aws.errors import AWSError
from analysis.aws.sqs import SqsMessage

logger = logging.getLogger(__name__)

# Time to finish and save calls in progress, and to write statistics, before Lambda kills the process.
MARGIN_SECONDS = 60.0


class Context(Protocol):
    function_name: str

    def get_remaining_time_in_millis(self) -> int: ...


class ItemFailure(TypedDict):
    itemIdentifier: str


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    close_old_connections()  # the process may have been frozen for hours
    if "Records" in event:
        return {"batchItemFailures": record(event["Records"])}
    return do_work(context)


def record(records: list[dict[str, Any]]) -> list[ItemFailure]:
    """Record S3 events, and start the work.

    Returns the messages that SQS delivers again, and finally moves to the dead-letter queue.
    """
    messages = [SqsMessage(row["messageId"], row["receiptHandle"], row["body"]) for row in records]
    unusable = pipeline.record_events(messages)
    for message_id, reason in unusable.items():
        logger.warning("events: message %s: %s", message_id, reason)
    if len(unusable) < len(messages):
        _start(settings.WORK_FUNCTION)
    return [{"itemIdentifier": message_id} for message_id in unusable]


def do_work(context: Context) -> dict[str, Any]:
    """Do the work that is due, within the function's time limit.

    Starts the function again if work is left.
    """
    seconds = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    if seconds <= 0:
        raise ValueError(f"The function needs a timeout above {MARGIN_SECONDS:.0f} s, for example 900.")
    stop = work.Stop(seconds=seconds)
    try:
        outcome = work.run(stop=stop, until_idle=True)
    except work.AlreadyRunning as error:
        # The run in progress was told to look for work again, so no other one has to be started.
        logger.info("%s", error)
        return {"state": "already running"}
    logger.info("%s", outcome.status)
    if stop.is_time_up:
        _start(context.function_name)
    return {"state": "idle" if outcome.is_idle else "stopped", **vars(outcome.status)}


def _start(function: str) -> None:
    if not function:
        return
    try:
        lambda_functions.invoke(function, region=settings.AWS_REGION)
    except AWSError as error:
        logger.warning("%s could not be started: %s It will be started by the schedule.", function, error)
