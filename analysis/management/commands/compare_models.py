"""What one version of a model finds that another does not, over the whole library."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.models import Analysis, ModelVersion
from analysis.recognition import comparison, registry


class Command(BaseCommand):
    help = (
        "Compare the answers of two model versions over all pictures that both have answered: which labels came, which "
        "went. Without versions, the two seen last. Calls nobody and changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("before", nargs="?", help="the older version, for example 3.0")
        parser.add_argument("after", nargs="?", help="the newer version, for example 3.1")
        parser.add_argument("--api", default="labels", choices=Analysis.Api.values)
        parser.add_argument("--recognizer", help="default: the present one")
        parser.add_argument(
            "--limit",
            dest="maximum",
            metavar="N",
            type=int,
            default=20,
            help="labels listed on each side (default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="everything, for programs")

    def handle(
        self,
        *,
        before: str | None,
        after: str | None,
        api: str,
        recognizer: str | None,
        maximum: int,
        as_json: bool,
        **_: Any,
    ) -> None:
        recognizer = recognizer or registry.current().name
        old, new = _versions(before, after, api=api, recognizer=recognizer)
        found = comparison.compare_versions(api, recognizer=recognizer, before=old, after=new)
        if as_json:
            sides = {"gained": found.gained, "lost": found.lost}
            counts = {side: {name: count for (_, name), count in counted.items()} for side, counted in sides.items()}
            self.stdout.write(json.dumps({"before": old, "after": new, "pictures": found.pictures, **counts}))
            return
        self.stdout.write(f"{old} → {new}, {found.pictures:,} pictures that both have answered")
        for sign, counted in (("+", found.gained), ("−", found.lost)):
            self.stdout.write(_line(sign, counted, maximum=maximum))


def _line(sign: str, counted: Counter[tuple[str, str]], *, maximum: int) -> str:
    ranked = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    listed = ", ".join(f"{sign}{count:,} {name}" for (_, name), count in ranked[:maximum])
    more = f" and {len(ranked) - maximum:,} more" if len(ranked) > maximum else ""
    return listed + more if listed else f"{sign}0"


def _versions(before: str | None, after: str | None, *, api: str, recognizer: str) -> tuple[str, str]:
    seen = list(
        ModelVersion.objects.filter(recognizer=recognizer, api=api)
        .order_by("-first_seen_at", "-pk")
        .values_list("version", flat=True)
    )
    known = f"{recognizer} has answered {api} as {', '.join(seen) or 'no version yet'}."
    if before and after:
        unknown = [version for version in (before, after) if version not in seen]
        if unknown:
            raise CommandError(f"No answer of version {' or '.join(unknown)}: {known}", returncode=2)
        return before, after
    if before or len(seen) < 2:
        raise CommandError(f"Two versions are needed: {known}", returncode=2)
    return seen[1], seen[0]
