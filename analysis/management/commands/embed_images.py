"""Compute the embeddings that are missing, failed, or of another model version."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tqdm import tqdm

from analysis.formatting import count, pictures
from analysis.health.embeddings import check_embeddings
from analysis.management.translated_command import TranslatedCommand
from analysis.models import ImageEmbedding
from analysis.recognition.embeddings import compute, queue

MAX_LISTED = 20


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Compute the embeddings that similarity search needs, for pictures without one: older ones, those "
        "that failed, and all of them after a change of the model. Running workers help. Can be stopped at any time; "
        "the next run continues."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help=_("only count, change nothing"))
        parser.add_argument("--queue-only", action="store_true", help=_("leave the computation to the workers"))
        parser.add_argument("--json", action="store_true", dest="as_json", help=_("print one JSON object"))

    def handle(self, *, dry_run: bool, queue_only: bool, as_json: bool, **_options: Any) -> None:
        if not queue.is_enabled():
            finding = check_embeddings()
            raise CommandError(f"{finding.sentence} {finding.next_step}".strip())
        if not dry_run:
            queued = sum(queue.enqueue_all_missing())
            if not queue_only:
                self._compute(queued, is_quiet=as_json)
        counts = queue.counts()
        if as_json:
            self.stdout.write(json.dumps(vars(counts)))
            return
        for image_id, error in self._errors():
            self.stdout.write(_("Picture %(id)s: %(error)s") % {"id": image_id, "error": error})
        self.stdout.write(
            _("%(pictures)s can be compared, %(waiting)s waiting, %(failed)s failed, %(rest)s to be computed.")
            % {
                "pictures": pictures(counts.current),
                "waiting": count(counts.waiting),
                "failed": count(counts.failed),
                "rest": count(counts.missing + counts.outdated),
            }
        )

    def _compute(self, queued: int, *, is_quiet: bool) -> None:
        with tqdm(total=queued, unit=_(" pictures"), disable=is_quiet or None) as bar:
            while compute.compute_next():
                bar.update()

    def _errors(self) -> list[tuple[int, str]]:
        failed = ImageEmbedding.objects.exclude(error="").order_by("pk")
        return list(failed.values_list("pk", "error")[:MAX_LISTED])
