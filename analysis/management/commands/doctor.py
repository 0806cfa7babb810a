"""Say what works and what does not, with the next step."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from analysis.findings import Finding, State
from analysis.health import doctor

WIDTH = 18


class Command(BaseCommand):
    help = (
        "Look at everything imagelib needs: database, Redis, workers, scheduler, what waits, what failed, storage, "
        "budget. Says what is wrong and what to do, also while the database or Redis is away. Exit status: 0 nothing "
        "failed (there may be warnings), 1 something did."
    )
    requires_system_checks = []  # they are one of the lines

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *, as_json: bool, **_: Any) -> None:
        found = []
        for finding in doctor.findings():
            found.append(finding)
            if not as_json:
                self._tell(finding)
        is_fine = all(finding.state is not State.FAILED for finding in found)
        if as_json:
            self.stdout.write(json.dumps({"is_fine": is_fine, "findings": [vars(each) for each in found]}, indent=2))
        if not is_fine:
            sys.exit(1)

    def _tell(self, finding: Finding) -> None:
        styles = {State.OK: self.style.SUCCESS, State.WARNING: self.style.WARNING, State.FAILED: self.style.ERROR}
        mark = styles[finding.state](f"{finding.state:<8}")
        told = f"{finding.sentence} {finding.next_step}".rstrip()
        self.stdout.write(f"{mark} {finding.subject:<{WIDTH}} {told}")
