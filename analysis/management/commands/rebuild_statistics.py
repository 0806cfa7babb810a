"""Rebuild the dashboard's statistics."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis.formatting import count
from analysis.management.translated_command import TranslatedCommand
from analysis.statistics import aggregation


class Command(TranslatedCommand):
    description = gettext_lazy("Recount all dashboard statistics and report how many rows were wrong.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help=_("print one JSON object per line"))

    def handle(self, *, as_json: bool, **_: Any) -> None:
        for result in aggregation.rebuild():
            if as_json:
                self.stdout.write(json.dumps(asdict(result)))
                continue
            sentence = ngettext(
                "%(name)s: %(number)s row corrected, %(seconds)s s.",
                "%(name)s: %(number)s rows corrected, %(seconds)s s.",
                result.differing,
            )
            values = {"name": result.name, "number": count(result.differing), "seconds": f"{result.seconds:.1f}"}
            self.stdout.write(sentence % values)
