"""Run all health checks."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.findings import Finding, State
from analysis.health import doctor
from analysis.management.translated_command import TranslatedCommand

WIDTH = 18


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Check everything imagelib needs: database, Redis, workers, scheduler, queue, failures, storage, budget. Lists "
        "problems and what to do about them, even if the database or Redis is down. Exit status: 0 no check failed "
        "(there can be warnings), 1 a check failed."
    )
    requires_system_checks = []  # the doctor runs them as one of its checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help=_("print one JSON object"))

    def handle(self, *, as_json: bool, **_: Any) -> None:
        findings = []
        for finding in doctor.findings():
            findings.append(finding)
            if not as_json:
                self._write(finding)
        is_fine = all(finding.state is not State.FAILED for finding in findings)
        if as_json:
            report = {"is_fine": is_fine, "findings": [vars(finding) for finding in findings]}
            self.stdout.write(json.dumps(report, indent=2))
        if not is_fine:
            sys.exit(1)

    def _write(self, finding: Finding) -> None:
        styles = {State.OK: self.style.SUCCESS, State.WARNING: self.style.WARNING, State.FAILED: self.style.ERROR}
        mark = styles[finding.state](f"{finding.state:<8}")
        sentences = f"{finding.sentence} {finding.next_step}".rstrip()
        self.stdout.write(f"{mark} {finding.subject:<{WIDTH}} {sentences}")
