"""Have pictures analyzed that are not yet."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from kombu.exceptions import OperationalError
from tqdm import tqdm

from analysis import pipeline
from analysis.models import Analysis, Outage
from analysis.recognition import ledger, recognizers, waiting

QUIET = 15
"""Seconds without progress after which the command looks whether any worker is there."""


class Command(BaseCommand):
    help = (
        "Queue every picture that the present recognizer has not answered yet, and wait until all are done. Pictures "
        "that failed for good are left alone. Exit status: 0 done, 2 wrong usage, 130 no longer waiting (Ctrl-C)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--apis", help="comma-separated, for example labels,faces (default: all that are switched on)"
        )
        parser.add_argument("--detach", action="store_true", help="queue and return at once")

    def handle(self, *, apis: str | None, detach: bool, **_: Any) -> None:
        queued: Counter[str] = Counter()
        for api, number in pipeline.request_missing(apis=_asked(apis)):
            queued[api] += number
        total = queued.total()
        words = f"{total:,} {'analysis' if total == 1 else 'analyses'} queued for {recognizers.current().name}"
        self.stdout.write(f"{words}{_cost(queued)}.")
        if detach:
            return
        try:
            self._wait()
        except KeyboardInterrupt:
            self.stdout.write("No longer waiting; the workers go on.")
            sys.exit(130)

    def _wait(self) -> None:
        left, moved_at = waiting.open_count(), time.monotonic()
        with tqdm(total=left, unit=" analyses", disable=None) as bar:
            while left:
                time.sleep(0.5)
                before, left = left, waiting.open_count()
                bar.update(max(before - left, 0))
                if left != before:
                    moved_at = time.monotonic()
                elif time.monotonic() - moved_at > QUIET:
                    self._say_if_alone()
                    moved_at = time.monotonic()

    def _say_if_alone(self) -> None:
        try:
            answers = current_app.control.ping(timeout=2)
        except OperationalError as error:
            raise CommandError(f"The queue cannot be reached: {error}. What is queued stays queued.") from error
        for outage in Outage.objects.order_by("api"):
            self.stdout.write(f"{outage.get_api_display()} wait: {outage.message}")
        if ledger.has_limits() and ledger.budget(recognizers.current().name).is_exhausted:
            self.stdout.write(
                "This month's budget is spent: the rest waits for the next month or a higher MONTHLY_BUDGET."
            )
        if not answers:
            raise CommandError(
                "No worker answers. What is queued stays queued; start one with `celery -A imagelib worker -P threads`."
            )


def _cost(queued: Counter[str]) -> str:
    """What that may cost at most; stored answers make it less."""
    recognizer = recognizers.current()
    if recognizer.region is None or not queued.total():
        return ""
    dollars = sum(
        each.dollars
        for api, number in queued.items()
        for each in ledger.estimate(
            number,
            apis=[api],
            parameters={api: recognizers.parameters(api)},
            recognizer=recognizer.name,
            region=recognizer.region,
        )
    )
    return f", at most {dollars:,.2f} US dollars"


def _asked(apis: str | None) -> list[str]:
    if apis is None:
        return recognizers.wanted_apis()
    asked, able = [name.strip() for name in apis.split(",") if name.strip()], recognizers.current().apis
    unknown = [name for name in asked if name not in able]
    if unknown or not asked:
        known = ", ".join(api for api in Analysis.Api.values if api in able)
        raise CommandError(
            f"--apis: {recognizers.current().name} has {known}; it has no {', '.join(unknown) or 'empty list'}.",
            returncode=2,
        )
    return asked
