"""Count the dashboard's figures anew."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from analysis.statistics import aggregation


class Command(BaseCommand):
    help = "Count the figures of the dashboard from the beginning, whatever was counted before, and say what differed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object a line")

    def handle(self, *, as_json: bool, **_: Any) -> None:
        for done in aggregation.rebuild():
            if as_json:
                self.stdout.write(json.dumps(asdict(done)))
            else:
                self.stdout.write(f"{done.name}: {done.differing:,} rows differed, {done.seconds:.1f} s.")
