"""Compare the labels of two model versions over the whole library."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.formatting import count, pictures
from analysis.management.translated_command import TranslatedCommand
from analysis.models import Analysis, ModelVersion
from analysis.recognition import comparison, registry


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Compare the labels of two model versions over all pictures that both have analyzed: labels gained and lost. "
        "Without arguments, the two latest versions. Calls no API and changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("before", nargs="?", help=_("the older version, for example 3.0"))
        parser.add_argument("after", nargs="?", help=_("the newer version, for example 3.1"))
        parser.add_argument("--api", default="labels", choices=Analysis.Api.values)
        parser.add_argument("--recognizer", help=_("default: the current one"))
        parser.add_argument(
            "--limit",
            dest="maximum",
            metavar="N",
            type=int,
            default=20,
            help=_("labels to list as gained and as lost (default: %(default)s)"),
        )
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help=_("print all labels as one JSON object")
        )

    def handle(
        self,
        *,
        before: str | None,
        after: str | None,
        api: str,
        recognizer: str | None,
        maximum: int,
        as_json: bool,
        **_options: Any,
    ) -> None:
        recognizer = recognizer or registry.current().name
        old, new = _versions(before, after, api=api, recognizer=recognizer)
        result = comparison.compare_versions(api, recognizer=recognizer, before=old, after=new)
        if as_json:
            sides = {"gained": result.gained, "lost": result.lost}
            by_name = {
                side: {name: number for (_kind, name), number in labels.items()} for side, labels in sides.items()
            }
            self.stdout.write(json.dumps({"before": old, "after": new, "pictures": result.pictures, **by_name}))
            return
        sentence = _("%(before)s → %(after)s: %(pictures)s analyzed by both")
        self.stdout.write(sentence % {"before": old, "after": new, "pictures": pictures(result.pictures)})
        for sign, labels in (("+", result.gained), ("−", result.lost)):
            self.stdout.write(_top_labels(sign, labels, maximum=maximum))


def _top_labels(sign: str, labels: Counter[tuple[str, str]], *, maximum: int) -> str:
    ranked = sorted(labels.items(), key=lambda item: (-item[1], item[0]))
    text = ", ".join(f"{sign}{count(number)} {name}" for (_kind, name), number in ranked[:maximum])
    if text and len(ranked) > maximum:
        return _("%(labels)s and %(number)s more") % {"labels": text, "number": count(len(ranked) - maximum)}
    return text or f"{sign}0"


def _versions(before: str | None, after: str | None, *, api: str, recognizer: str) -> tuple[str, str]:
    versions = list(
        ModelVersion.objects.filter(recognizer=recognizer, api=api)
        # By time instead of by name, since after "3.9" a service may continue with "3.10" or "2026-05".
        .order_by("-first_seen_at", "-pk")
        .values_list("version", flat=True)
    )
    available = _("Versions of %(recognizer)s with results for %(api)s: %(versions)s.") % {
        "recognizer": recognizer,
        "api": api,
        "versions": ", ".join(versions) or _("none"),
    }
    if before and after:
        unknown = [version for version in (before, after) if version not in versions]
        if unknown:
            sentence = _("There are no results from version %(unknown)s.") % {"unknown": ", ".join(unknown)}
            raise CommandError(f"{sentence} {available}", returncode=2)
        return before, after
    if before or len(versions) < 2:
        raise CommandError(f"{_('Two versions are needed to compare.')} {available}", returncode=2)
    return versions[1], versions[0]
