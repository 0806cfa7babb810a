"""Test the AWS permissions this configuration needs."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis.findings import AwsFinding
from analysis.formatting import dollars, plural
from analysis.health import aws
from analysis.management.translated_command import TranslatedCommand


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Test every AWS permission this configuration needs with a harmless request: credentials, region, the bucket, "
        "and each enabled Rekognition API with one call on a tiny picture, which costs a fraction of a cent. Lists "
        "missing IAM actions. Exit status: 0 nothing is missing, 1 something is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help=_("print one JSON object"))
        parser.add_argument(
            "--policy",
            action="store_true",
            help=_("print the minimal IAM policy of this configuration; send no request"),
        )

    def handle(self, *, json: bool, policy: bool, **_options: Any) -> None:
        # Before any request, since users without permissions need the policy.
        if policy:
            self._print(aws.minimal_policy())
            return
        findings = self._check_as_json() if json else self._check_as_text()
        if not all(finding.is_fine for finding in findings):
            sys.exit(1)

    def _check_as_json(self) -> list[AwsFinding]:
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

    def _check_as_text(self) -> list[AwsFinding]:
        if not aws.is_needed():
            self.stdout.write(_("AWS is not used: no bucket is set, and RECOGNIZER is not rekognition."))
            return []
        apis = aws.enabled_apis()
        if apis:
            sentence = _("Calling Rekognition (%(apis)s): at most %(cost)s.")
            self.stdout.write(sentence % {"apis": ", ".join(apis), "cost": dollars(aws.maximum_cost())})
        findings = []
        for finding in aws.check_aws():
            self._write(finding)
            findings.append(finding)
        if apis:
            number = sum(finding.calls for finding in findings)
            calls = plural(ngettext("%(number)s call", "%(number)s calls", number), number)
            # Not in the ledger, which records the library's calls: a configuration may be tested before there is a
            # library.
            sentence = _("Sent to Rekognition: %(calls)s, %(cost)s; not recorded in the ledger.")
            self.stdout.write(sentence % {"calls": calls, "cost": dollars(_spent(findings))})
        if missing := _missing(findings):
            sentence = _("Missing: %(actions)s. A policy with everything this configuration needs:")
            self.stdout.write(sentence % {"actions": ", ".join(missing)})
            self._print(aws.minimal_policy())
        return findings

    def _write(self, finding: AwsFinding) -> None:
        mark = self.style.SUCCESS("ok     ") if finding.is_fine else self.style.ERROR("MISSING")
        duration = "" if finding.milliseconds is None else f"{finding.milliseconds} ms"
        self.stdout.write(f"{mark}  {finding.subject:<34}{duration:>9}  {finding.sentence}")
        if finding.next_step:
            self.stdout.write(finding.next_step)

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
