"""Rebuild the search index from stored responses and verdicts."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from tqdm import tqdm

from analysis.formatting import count, pictures, plural
from analysis.library import duplicate_flags
from analysis.management.translated_command import TranslatedCommand
from analysis.models import Image
from analysis.recognition.reindex_all import rebuild
from analysis.search.label_counts import refresh_label_counts

MAX_LISTED = 20


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Rebuild the search index from stored responses and verdicts, and report the pictures whose index was wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help=_("report only, change nothing"))
        parser.add_argument("--json", action="store_true", dest="as_json", help=_("print one JSON object"))

    def handle(self, *, dry_run: bool, as_json: bool, **_options: Any) -> None:
        images, differing = 0, dict[int, tuple[str, ...]]()
        with tqdm(total=Image.objects.count(), unit=_(" pictures"), disable=as_json or None) as bar:
            for step in rebuild(is_dry=dry_run):
                images += step.images
                differing |= step.differing
                bar.update(step.images)
        labels = 0 if dry_run else refresh_label_counts()
        if not dry_run:
            duplicate_flags.mark_all_duplicates()
        if as_json:
            self._print_json(images, differing, labels)
        else:
            self._print(images, differing, labels, dry_run=dry_run)

    def _print_json(self, images: int, differing: dict[int, tuple[str, ...]], labels: int) -> None:
        by_id = {str(pk): tables for pk, tables in differing.items()}
        self.stdout.write(json.dumps({"pictures": images, "differing": by_id, "counts": labels}))

    def _print(self, images: int, differing: dict[int, tuple[str, ...]], labels: int, *, dry_run: bool) -> None:
        for image_id, tables in list(differing.items())[:MAX_LISTED]:
            sentence = _("Picture %(id)s differed: %(tables)s.")
            self.stdout.write(sentence % {"id": image_id, "tables": ", ".join(tables)})
        if len(differing) > MAX_LISTED:
            self.stdout.write(_("… and %(number)s more.") % {"number": count(len(differing) - MAX_LISTED)})
        corrected = _("%(number)s would be corrected (dry run)") if dry_run else _("%(number)s corrected")
        refreshed = ngettext("%(number)s label count refreshed", "%(number)s label counts refreshed", labels)
        self.stdout.write(
            _("%(pictures)s checked, %(corrected)s, %(refreshed)s.")
            % {
                "pictures": pictures(images),
                "corrected": plural(corrected, len(differing)),
                "refreshed": plural(refreshed, labels),
            }
        )
