"""Try what AWS must allow, and say what is missing."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import ngettext

from analysis.findings import AwsFinding
from analysis.formatting import dollars, plural
from analysis.health import aws


class Command(BaseCommand):
    help = (
        "Try each permission of AWS that this configuration needs by a harmless request: credentials, region, the "
        "bucket, and each switched-on API of Rekognition by one call on a tiny picture, which costs a fraction of a "
        "cent. Says which IAM actions are missing. Exit status: 0 all is fine, 1 something is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--policy", action="store_true", help="print the least IAM policy this configuration needs, ask AWS nothing"
        )

    def handle(self, *, json: bool, policy: bool, **_: Any) -> None:
        if policy:
            self._print(aws.minimal_policy())
            return
        findings = self._told_as_json() if json else self._told_in_words()
        if not all(finding.is_fine for finding in findings):
            sys.exit(1)

    def _told_as_json(self) -> list[AwsFinding]:
        findings = list(aws.check_aws()) if aws.is_needed() else []
        self._print(
            {
                "is_fine": all(finding.is_fine for finding in findings),
                "findings": [_as_json(finding) for finding in findings],
                "calls": sum(finding.calls for finding in findings),
                "dollars": str(_spent(findings)),
                "missing_actions": _missing(findings),
                "policy": aws.minimal_policy(),
            }
        )
        return findings

    def _told_in_words(self) -> list[AwsFinding]:
        if not aws.is_needed():
            self.stdout.write("Nothing here uses AWS: no bucket is set, and RECOGNIZER is not rekognition.")
            return []
        if asked := aws.enabled_apis():
            self.stdout.write(f"Asking Rekognition for {', '.join(asked)}: at most {dollars(aws.maximum_cost())}.")
        findings = []
        for finding in aws.check_aws():
            self._tell(finding)
            findings.append(finding)
        if asked:
            calls = sum(finding.calls for finding in findings)
            number = plural(ngettext("%(number)s call", "%(number)s calls", calls), calls)
            self.stdout.write(
                f"Sent to Rekognition: {number}, {dollars(_spent(findings))}, which the ledger does not have."
            )
        if missing := _missing(findings):
            self.stdout.write(f"Missing: {', '.join(missing)}. A policy with all that this configuration needs:")
            self._print(aws.minimal_policy())
        return findings

    def _tell(self, finding: AwsFinding) -> None:
        mark = self.style.SUCCESS("ok     ") if finding.is_fine else self.style.ERROR("MISSING")
        took = "" if finding.milliseconds is None else f"{finding.milliseconds} ms"
        self.stdout.write(f"{mark}  {finding.subject:<34}{took:>9}  {finding.sentence}")

    def _print(self, content: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(content, indent=2))


def _as_json(finding: AwsFinding) -> dict[str, Any]:
    return {
        "subject": finding.subject,
        "is_fine": finding.is_fine,
        "sentence": finding.sentence,
        "action": finding.action,
        "milliseconds": finding.milliseconds,
        "calls": finding.calls,
        "dollars": str(finding.dollars),
    }


def _missing(findings: list[AwsFinding]) -> list[str]:
    return sorted({finding.action for finding in findings} - {""})


def _spent(findings: list[AwsFinding]) -> Decimal:
    return sum((finding.dollars for finding in findings), Decimal(0))
