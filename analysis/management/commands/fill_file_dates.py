"""Fill in missing dates of pictures in buckets, from their uploaders' metadata."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.aws.errors import AWSError
from analysis.curation.file_date_backfill import fill_file_dates
from analysis.formatting import count, translated
from analysis.management.interrupts import Interrupt
from analysis.management.translated_command import TranslatedCommand
from analysis.models import Bucket


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Read the modification times of files that rclone, s3fs, DataSync and file gateways store in S3, for "
        "bucket pictures without a date. Needed once, for pictures imported by an earlier version. Sends one "
        "HeadObject request per picture. Safe to stop with Ctrl-C; the next run continues where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help=_("only this bucket, as NAME or NAME/PREFIX"))

    def handle(self, *, name: str | None, **_options: Any) -> None:
        buckets = [bucket for bucket in Bucket.objects.order_by("pk") if name in (None, str(bucket))]
        if name and not buckets:
            raise CommandError(_("There is no bucket %(name)s in imagelib.") % {"name": name})
        failed = False
        with Interrupt() as interrupt:
            for bucket in buckets:
                if interrupt.is_set:
                    break
                failed |= not self._fill(bucket, interrupt)
        if interrupt.is_set:
            self.stdout.write(_("Stopped. Run the same command again to continue."))
        if failed:
            raise CommandError(_("Some buckets could not be read. Run the same command again to continue."))

    def _fill(self, bucket: Bucket, interrupt: Interrupt) -> bool:
        try:
            dates = fill_file_dates(bucket, is_stopped=lambda: interrupt.is_set)
        except AWSError as error:
            self.stderr.write(f"{bucket}: {translated(error)}")
            return False
        self.stdout.write(
            _("%(bucket)s: checked %(checked)s pictures without a date, %(filled)s have one now.")
            % {"bucket": bucket, "checked": count(dates.checked), "filled": count(dates.filled)}
        )
        return True
