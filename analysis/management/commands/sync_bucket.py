"""Compare a bucket with the library and queue what is new or changed."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from contextlib import closing
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from tqdm import tqdm

from analysis import pipeline
from analysis.aws.errors import AWSError
from analysis.bucket_sync import connection_check, sync
from analysis.bucket_sync.sync import SyncCounts
from analysis.formatting import count, plural
from analysis.management.interrupts import Interrupt
from analysis.management.translated_command import TranslatedCommand
from analysis.models import Bucket

TITLES = {
    "new": gettext_lazy("new: %(number)s queued for import"),
    "unchanged": gettext_lazy("unchanged: %(number)s"),
    "changed": gettext_lazy("changed: %(number)s queued for re-import; tags and verdicts are kept"),
    "missing": gettext_lazy("missing: %(number)s no longer in the bucket"),
    "refused": gettext_lazy("unsupported: %(number)s not an accepted picture format"),
    "failed_analyses": gettext_lazy("failed analyses: %(number)s"),
    "skipped": gettext_lazy("excluded: %(number)s by patterns or names"),
}
REPAIRS = {
    "missing": gettext_lazy("--trash-missing moves them to the trash"),
    "refused": gettext_lazy("--retry-skipped reads them again"),
    "failed_analyses": gettext_lazy("--retry-failed retries them"),
}


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Compare a bucket with the library and queue new and changed objects for import by the workers. Safe to stop "
        "with Ctrl-C; the next run continues where it stopped. Exit status: 0 done, 2 wrong usage, 3 the bucket is not "
        "available, 130 stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help=_("the bucket, as NAME or NAME/PREFIX"))
        parser.add_argument("--dry-run", action="store_true", help=_("report only, change nothing"))
        parser.add_argument(
            "--from-start", action="store_true", help=_("start over instead of continuing a stopped run")
        )
        parser.add_argument(
            "--trash-missing", action="store_true", help=_("move pictures whose object is gone to the trash")
        )
        parser.add_argument("--retry-failed", action="store_true", help=_("retry failed analyses"))
        parser.add_argument(
            "--retry-skipped", action="store_true", help=_("retry files that were rejected or could not be read")
        )
        parser.add_argument("--json", action="store_true", help=_("print one JSON object"))

    def handle(
        self,
        *,
        name: str,
        dry_run: bool,
        from_start: bool,
        trash_missing: bool,
        retry_failed: bool,
        retry_skipped: bool,
        json: bool,
        **_options: Any,
    ) -> None:
        bucket = _bucket(name)
        if from_start and not dry_run:
            sync.reset(bucket)
        options = sync.SyncOptions(is_dry=dry_run, trash_missing=trash_missing)
        with (
            Interrupt() as interrupt,
            closing(pipeline.sync_bucket(bucket, options=options, retries_failed=retry_failed)) as pages,
        ):
            counts, is_complete = self._sync(bucket, pages, interrupt)
        repaired = {"missing": trash_missing, "failed_analyses": retry_failed, "refused": retry_skipped}
        repaired = {} if dry_run else repaired
        if retry_skipped and not dry_run:
            pipeline.retry_skipped(bucket)
        self._report(counts, is_complete=is_complete, repaired=repaired, as_json=json)
        if not is_complete:
            sys.exit(130)

    def _sync(self, bucket: Bucket, pages: Any, interrupt: Interrupt) -> tuple[SyncCounts, bool]:
        counts = SyncCounts()
        try:
            with tqdm(unit=_(" objects"), disable=None) as bar:
                for counts in pages:
                    bar.update(counts.listed - bar.n)
                    if interrupt.is_set:
                        return counts, False
        except sync.SyncRunning as error:
            raise CommandError(str(error), returncode=3) from error
        except AWSError as error:
            cause = connection_check.describe_list_error(bucket, error)
            next_step = _("Then run the command again; it continues where it stopped.")
            raise CommandError(f"{cause} {next_step}", returncode=3) from error
        return counts, True

    def _report(self, counts: SyncCounts, *, is_complete: bool, repaired: dict[str, bool], as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({**asdict(counts), "is_complete": is_complete}))
            return
        listed = ngettext("%(number)s object listed.", "%(number)s objects listed.", counts.listed)
        self.stdout.write(plural(listed, counts.listed))
        for name, title in TITLES.items():
            number = getattr(counts, name)
            if number:
                line = f"  {title % {'number': count(number)}}"
                repair = "" if repaired.get(name) else REPAIRS.get(name, "")
                self.stdout.write(f"{line}; {repair}" if repair else line)
        if not is_complete:
            self.stdout.write(_("Stopped. Run the same command again to continue."))


def _bucket(name: str) -> Bucket:
    buckets = list(Bucket.objects.select_related("owner").order_by("name", "prefix"))
    matches = [bucket for bucket in buckets if str(bucket) == name] or [
        bucket for bucket in buckets if bucket.name == name
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        sentence = _("More than one bucket matches %(name)s: %(buckets)s.")
    elif buckets:
        sentence = _("There is no bucket %(name)s in this library. Choose one of: %(buckets)s.")
    else:
        sentence = _("There are no buckets in this library. Add one on the Buckets page.")
    raise CommandError(sentence % {"name": name, "buckets": ", ".join(map(str, matches or buckets))}, returncode=2)
