"""Compare the library's rows with the blobs in storage."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from tqdm import tqdm

from analysis import pipeline
from analysis.formatting import count, plural
from analysis.library_audit.audit import AuditFinding, AuditStep
from analysis.management.translated_command import TranslatedCommand
from analysis.storage.blobs import StorageError

MAX_LISTED = 20
"""Findings listed per kind; all are counted."""
MAX_LISTED_JSON = 1_000


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Find pictures whose original or renditions are missing, and stored files that belong to no picture. Changes "
        "nothing without --repair, which renders missing renditions, deletes renditions that belong to no picture, and "
        "imports originals that belong to no picture as pictures of --owner. Originals are never deleted. Exit status: "
        "0 no problems left, 1 problems found, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help=_("repair what can be repaired"))
        parser.add_argument("--owner", metavar="USERNAME", help=_("with --repair: the owner of imported originals"))
        parser.add_argument("--verify", action="store_true", help=_("read every original and compare its SHA-256"))
        parser.add_argument("--json", action="store_true", dest="as_json", help=_("print one JSON object"))

    def handle(self, *, repair: bool, owner: str | None, verify: bool, as_json: bool, **_options: Any) -> None:
        if owner and not repair:
            raise CommandError(_("--owner can only be used with --repair."), returncode=2)
        steps = pipeline.audit(is_repairing=repair, is_verifying=verify, owner_id=_user_id(owner))
        problems: Counter[str] = Counter()
        repaired: Counter[str] = Counter()
        checked: Counter[str] = Counter()
        findings: list[AuditFinding] = []
        for finding in self._findings(steps, checked, quiet=as_json):
            problems[finding.kind] += 1
            repaired[finding.kind] += bool(finding.repair)
            # Only a few are kept for the list, since after the loss of a disk there may be a million.
            if problems[finding.kind] <= (MAX_LISTED_JSON if as_json else MAX_LISTED):
                findings.append(finding)
        is_fine = problems == +repaired
        if as_json:
            report = {"is_fine": is_fine, "checked": checked, "problems": problems, "repaired": +repaired}
            self.stdout.write(json.dumps(report | {"findings": [vars(finding) for finding in findings]}, indent=2))
        else:
            self._write_findings(findings, problems)
            self._write_summary(checked, problems, repaired)
        if not is_fine:
            sys.exit(1)

    def _findings(self, steps: Iterator[AuditStep], checked: Counter[str], *, quiet: bool) -> Iterator[AuditFinding]:
        try:
            # None lets tqdm decide, which shows no bar if the output is not a terminal.
            with tqdm(disable=quiet or None) as bar:
                for step in steps:
                    if step.unit not in checked:
                        bar.reset(total=step.total)
                        bar.set_description(step.unit)
                    checked[step.unit] += step.number
                    bar.update(step.number)
                    yield from step.findings
        except StorageError as error:
            raise CommandError(str(error)) from error

    def _write_findings(self, findings: list[AuditFinding], problems: Counter[str]) -> None:
        for finding in findings:
            picture = "" if finding.image_id is None else " " + _("(picture %(id)s)") % {"id": finding.image_id}
            sentences = " ".join(filter(None, (finding.repair, finding.hint)))
            self.stdout.write(f"{finding.kind}: {finding.key}{picture}. {sentences}".rstrip())
        for kind, number in problems.items():
            if number > MAX_LISTED:
                sentence = _("%(kind)s: %(number)s more not listed.")
                self.stdout.write(sentence % {"kind": kind, "number": count(number - MAX_LISTED)})

    def _write_summary(self, checked: Counter[str], problems: Counter[str], repaired: Counter[str]) -> None:
        blobs, total = checked["blobs"], problems.total()
        parts = [plural(ngettext("%(number)s file checked", "%(number)s files checked", blobs), blobs)]
        if "originals" in checked:
            originals = checked["originals"]
            parts.append(
                plural(ngettext("%(number)s original verified", "%(number)s originals verified", originals), originals)
            )
        parts.append(plural(ngettext("%(number)s problem found", "%(number)s problems found", total), total))
        parts.append(_("%(number)s repaired") % {"number": count(repaired.total())})
        self.stdout.write(", ".join(parts) + ".")


def _user_id(username: str | None) -> int | None:
    if username is None:
        return None
    user = get_user_model()._default_manager.filter(username=username).first()
    if user is None:
        raise CommandError(_("There is no user “%(name)s”.") % {"name": username}, returncode=2)
    return int(user.pk)
