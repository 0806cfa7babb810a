"""Compare a bucket with the library."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentParser
from contextlib import closing
from dataclasses import asdict
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from analysis import pipeline
from analysis.aws.errors import AWSError
from analysis.bucket_sync import connection_check, sync
from analysis.bucket_sync.sync import SyncCounts
from analysis.models import Bucket

WORDS = {
    "new": "new: {} to be read",
    "known": "known: {}",
    "changed": "changed: {} to be read again; what people said of them stays",
    "missing": "missing: {} here, but not in the bucket any more",
    "refused": "refused: {} are no pictures that are accepted",
    "failed_analyses": "analysis failed: {}",
    "skipped": "passed over: {} by the patterns or their names",
}
REPAIRS = {"missing": "--trash-missing moves them to the trash", "failed_analyses": "--retry-failed asks again"}


class Command(BaseCommand):
    help = (
        "Compare a bucket with the library, page by page: what is new or changed is read by the workers. Safe to stop "
        "with Ctrl-C and to run again, which goes on where it was stopped. Exit status: 0 done, 2 wrong usage, "
        "3 the bucket does not answer, 130 stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the bucket, as NAME or NAME/PREFIX")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
        parser.add_argument("--from-start", action="store_true", help="do not go on where the last run was stopped")
        parser.add_argument("--trash-missing", action="store_true", help="pictures whose object is gone to the trash")
        parser.add_argument("--retry-failed", action="store_true", help="ask again where the last analysis failed")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(
        self,
        *,
        name: str,
        dry_run: bool,
        from_start: bool,
        trash_missing: bool,
        retry_failed: bool,
        json: bool,
        **_: Any,
    ) -> None:
        bucket = _bucket(name)
        if from_start and not dry_run:
            sync.reset(bucket)
        options = sync.SyncOptions(is_dry=dry_run, trash_missing=trash_missing)
        with (
            _Interrupt() as interrupt,
            closing(pipeline.sync_bucket(bucket, options=options, retries_failed=retry_failed)) as pages,
        ):
            found, is_whole = self._followed(bucket, pages, interrupt)
        repaired = {"missing": trash_missing, "failed_analyses": retry_failed} if not dry_run else {}
        self._report(found, is_whole=is_whole, repaired=repaired, as_json=json)
        if not is_whole:
            sys.exit(130)

    def _followed(self, bucket: Bucket, pages: Any, interrupt: _Interrupt) -> tuple[SyncCounts, bool]:
        found = SyncCounts()
        try:
            with tqdm(unit=" objects", disable=None) as bar:
                for found in pages:
                    bar.update(found.listed - bar.n)
                    if interrupt.came:
                        return found, False
        except sync.SyncRunning as busy:
            raise CommandError(str(busy), returncode=3) from busy
        except AWSError as refusal:
            cause = connection_check.describe_list_error(bucket, refusal)
            sentence = f"{cause} Run it again when that is put right: it goes on where it was."
            raise CommandError(sentence, returncode=3) from refusal
        return found, True

    def _report(self, found: SyncCounts, *, is_whole: bool, repaired: dict[str, bool], as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({**asdict(found), "is_whole": is_whole}))
            return
        self.stdout.write(f"{found.listed:,} objects listed.")
        for name, words in WORDS.items():
            number = getattr(found, name)
            if number:
                repair = "" if repaired.get(name) else REPAIRS.get(name, "")
                self.stdout.write(f"  {words.format(f'{number:,}')}{f'; {repair}' if repair else ''}")
        if not is_whole:
            self.stdout.write("Stopped. Run the same command again to go on.")


class _Interrupt:
    """The first Ctrl-C or SIGTERM lets the page in hand finish."""

    came = False

    def __enter__(self) -> _Interrupt:
        self._before = {each: signal.signal(each, self._note) for each in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for each, before in self._before.items():
            signal.signal(each, before)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.came = True
        signal.signal(number, signal.default_int_handler)


def _bucket(name: str) -> Bucket:
    found = list(Bucket.objects.select_related("owner").order_by("name", "prefix"))
    exact = [each for each in found if str(each) == name] or [each for each in found if each.name == name]
    if len(exact) == 1:
        return exact[0]
    known = ", ".join(str(each) for each in exact or found) or "none yet; add one on the page Buckets"
    reason = f"Several are called {name}" if exact else f"There is no bucket {name} here"
    raise CommandError(f"{reason}. Known: {known}.", returncode=2)
