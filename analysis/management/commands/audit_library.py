"""Hold the library's rows and the storage's blobs against each other."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from analysis import pipeline
from analysis.audit.audit import AuditFinding, AuditStep
from analysis.storage.blobs import StorageError

NAMED = 20
"""Flaws of a kind that are named in words; in JSON it is a thousand."""
NAMED_IN_JSON = 1_000


class Command(BaseCommand):
    help = (
        "Find pictures whose original or renditions are gone, and blobs that belong to no picture. Changes nothing "
        "without --repair: then renditions are made again, those nobody owns are swept, and originals nobody owns "
        "become pictures of --owner; an original is never deleted. Exit status: 0 nothing is wrong any more, 1 "
        "something is, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="make good what can be made good")
        parser.add_argument("--owner", metavar="NAME", help="whose pictures originals become that nobody owns")
        parser.add_argument("--verify", action="store_true", help="read every original and compare its SHA-256")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *, repair: bool, owner: str | None, verify: bool, as_json: bool, **_: Any) -> None:
        if owner and not repair:
            raise CommandError("--owner is for --repair.", returncode=2)
        steps = pipeline.audit(is_repairing=repair, is_verifying=verify, owner_id=_id_of(owner))
        found: Counter[str] = Counter()
        repaired: Counter[str] = Counter()
        gone_through: Counter[str] = Counter()
        told: list[AuditFinding] = []
        for flaw in self._flaws(steps, gone_through, quiet=as_json):
            found[flaw.kind] += 1
            repaired[flaw.kind] += bool(flaw.repair)
            if found[flaw.kind] <= (NAMED_IN_JSON if as_json else NAMED):
                told.append(flaw)
        is_fine = found == +repaired
        if as_json:
            report = {"is_fine": is_fine, "gone_through": gone_through, "found": found, "repaired": +repaired}
            self.stdout.write(json.dumps(report | {"flaws": [vars(flaw) for flaw in told]}, indent=2))
        else:
            self._tell(told, found, repaired, gone_through)
        if not is_fine:
            sys.exit(1)

    def _flaws(self, steps: Iterator[AuditStep], gone_through: Counter[str], *, quiet: bool) -> Iterator[AuditFinding]:
        try:
            with tqdm(disable=quiet or None) as bar:
                for step in steps:
                    if step.unit not in gone_through:
                        bar.reset(total=step.total)
                        bar.set_description(step.unit)
                    gone_through[step.unit] += step.number
                    bar.update(step.number)
                    yield from step.findings
        except StorageError as error:
            raise CommandError(str(error)) from error

    def _tell(
        self, told: list[AuditFinding], found: Counter[str], repaired: Counter[str], gone_through: Counter[str]
    ) -> None:
        for flaw in told:
            picture = "" if flaw.image_id is None else f" (picture {flaw.image_id})"
            said = " ".join(filter(None, (flaw.repair, flaw.hint)))
            self.stdout.write(f"{flaw.kind}: {flaw.key}{picture}. {said}".rstrip())
        for kind, number in found.items():
            if number > NAMED:
                self.stdout.write(f"{kind}: and {number - NAMED:,} more.")
        verified = f", {gone_through['originals']:,} originals read" if "originals" in gone_through else ""
        flaws = f"{found.total():,} {'flaw' if found.total() == 1 else 'flaws'} found, {repaired.total():,} repaired"
        self.stdout.write(f"{gone_through['blobs']:,} blobs listed{verified}; {flaws}.")


def _id_of(name: str | None) -> int | None:
    if name is None:
        return None
    person = get_user_model()._default_manager.filter(username=name).first()
    if person is None:
        raise CommandError(f"There is nobody called {name!r}.", returncode=2)
    return int(person.pk)
