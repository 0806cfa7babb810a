"""Back up the database and the stored files."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis.backup import prune
from analysis.backup.create import Result, create
from analysis.backup.errors import BackupError
from analysis.backup.library_files import Options
from analysis.backup.location import Location
from analysis.backup.manifest import Manifest
from analysis.formatting import filesize, pictures, plural
from analysis.management.backup_output import file_progress, verify_backup
from analysis.management.translated_command import TranslatedCommand


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Back up the database and the stored files to a folder or a bucket. Can run while people use the library."
        " Later backups to the same place copy only new files. Exit status: 0 the backup is complete, 1 no backup was"
        " made, or files of the library are missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", help=_("a folder, or s3://bucket/prefix"))
        parser.add_argument(
            "--without-renditions",
            action="store_true",
            help=_("leave out thumbnails and previews; they are created again from the originals when needed"),
        )
        parser.add_argument(
            "--with-bucket-originals",
            action="store_true",
            help=_("also copy originals in connected buckets; a restore never writes to these buckets"),
        )
        parser.add_argument(
            "--keep",
            type=int,
            metavar="NUMBER",
            help=_("then keep only this many of the latest backups here, and delete the others"),
        )
        parser.add_argument("--verify", action="store_true", help=_("then verify the backup by reading every file"))

    def handle(
        self,
        *,
        target: str,
        without_renditions: bool,
        with_bucket_originals: bool,
        keep: int | None,
        verify: bool,
        **_options: Any,
    ) -> None:
        if keep is not None and keep < 1:
            raise CommandError(_("--keep must be at least 1. No backup was made."))
        options = Options(renditions=not without_renditions, bucket_originals=with_bucket_originals)
        try:
            location = Location(target)
            with file_progress(_("Backing up")) as progress:
                result = create(location, options=options, progress=progress)
        except BackupError as error:
            next_step = _("No backup was made. The next one will reuse the files that were copied.")
            raise CommandError(f"{error} {next_step}") from error
        self._report(result, location)
        if verify:
            verify_backup(self.stdout, location, result.manifest)
        if keep is not None:
            self._prune(location, result.manifest, keep)
        if result.manifest.missing:
            sys.exit(1)

    def _prune(self, location: Location, backup: Manifest, keep: int) -> None:
        if refusal := prune.refusal(backup):
            self.stderr.write(self.style.WARNING(refusal))
            return
        try:
            pruned = prune.prune(location, keep=keep, newest=backup.name)
        except BackupError as error:
            next_step = _("This backup is complete, but older ones were not deleted.")
            raise CommandError(f"{error} {next_step}") from error
        text = ngettext("Deleted %(number)s older backup", "Deleted %(number)s older backups", len(pruned.backups))
        files = ngettext("%(number)s file", "%(number)s files", pruned.files)
        values = {"backups": plural(text, len(pruned.backups)), "files": plural(files, pruned.files)}
        self.stdout.write(_("%(backups)s and %(files)s (%(size)s).") % {**values, "size": filesize(pruned.bytes)})

    def _report(self, result: Result, location: Location) -> None:
        backup = result.manifest
        values = {
            "name": backup.name,
            "location": location.text,
            "pictures": pictures(backup.pictures),
            "size": filesize(backup.bytes + backup.database.size),
        }
        self.stdout.write(self.style.SUCCESS(_("Backup %(name)s in %(location)s: %(pictures)s, %(size)s.") % values))
        text = ngettext("%(number)s file was new", "%(number)s files were new", result.copied_files)
        values = {"files": plural(text, result.copied_files), "size": filesize(result.copied_bytes)}
        self.stdout.write(_("%(files)s (%(size)s).") % values)
        if backup.missing:
            text = ngettext(
                "%(number)s file of the library is missing or has changed since it was added:",
                "%(number)s files of the library are missing or have changed since they were added:",
                backup.missing,
            )
            sentence = f"{plural(text, backup.missing)} {', '.join(result.missing)}"
            self.stderr.write(self.style.WARNING(f"{sentence} " + _("See `manage.py audit_library`.")))
        self.stdout.write(
            _("SECRET_KEY and the other settings are not backed up: keep a copy of .env or var/secret_key elsewhere.")
        )
