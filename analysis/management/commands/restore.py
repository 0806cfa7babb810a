"""Restore the database and the stored files from a backup."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis.backup import restore
from analysis.backup.errors import BackupError
from analysis.backup.location import Location
from analysis.backup.manifest import Manifest
from analysis.backup.manifest import read as read_manifest
from analysis.formatting import count, filesize, pictures, plural
from analysis.management.backup_output import file_progress
from analysis.management.translated_command import TranslatedCommand

CONFIRMATION = "replace"


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Restore the database and the stored files from a backup. Stop web, workers and scheduler first. If "
        "it fails, the library is unchanged."
    )
    requires_system_checks = []  # the database may be empty or of another version

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help=_("a folder, or s3://bucket/prefix"))
        parser.add_argument("--backup", default="", metavar="NAME", help=_("name of the backup (default: the latest)"))
        parser.add_argument(
            "--replace", action="store_true", help=_("replace a library that is not empty; asks for confirmation")
        )

    def handle(self, *, source: str, backup: str, replace: bool, **_options: Any) -> None:
        try:
            location = Location(source)
            manifest = read_manifest(location, backup)
            restore.check(manifest)
            self._confirm(manifest, is_allowed=replace)
            with file_progress(_("Restoring")) as progress:
                restore.restore(location, manifest, progress=progress)
        except BackupError as error:
            sentence = _("Nothing was restored; the library is unchanged.")
            raise CommandError(f"{error} {sentence}") from error
        self._report(manifest)

    def _confirm(self, manifest: Manifest, *, is_allowed: bool) -> None:
        """Ask before a library is replaced. Raises BackupError."""
        if not (contents := restore.contents()):
            return
        summary = _describe(contents)
        if not is_allowed:
            sentence = _("This library is not empty (%(contents)s). To replace it, pass --replace.")
            raise BackupError(sentence % {"contents": summary})
        self.stdout.write(
            _("This deletes the database of this library (%(contents)s), and restores the backup %(name)s.")
            % {"contents": summary, "name": manifest.name}
        )
        try:
            answer = input(_("Type “%(word)s” to continue: ") % {"word": CONFIRMATION})
        except EOFError:
            answer = ""
        if answer.strip() != CONFIRMATION:
            raise BackupError(_("Not confirmed."))

    def _report(self, manifest: Manifest) -> None:
        values = {"name": manifest.name, "pictures": pictures(manifest.pictures), "size": filesize(manifest.bytes)}
        self.stdout.write(self.style.SUCCESS(_("Restored %(name)s: %(pictures)s, %(size)s of files.") % values))
        if manifest.missing:
            sentence = _("%(number)s files were missing when the backup was made; see `manage.py audit_library`.")
            self.stdout.write(sentence % {"number": count(manifest.missing)})
        self.stdout.write(
            _(
                "SECRET_KEY is not in the backup. If it is different now, everyone has to sign in again, and "
                "password reset links stop working."
            )
        )


def _describe(contents: dict[str, int]) -> str:
    """2 pictures, 1 account"""
    accounts, buckets = contents.get("accounts", 0), contents.get("buckets", 0)
    texts = {
        "pictures": pictures(contents.get("pictures", 0)),
        "accounts": plural(ngettext("%(number)s account", "%(number)s accounts", accounts), accounts),
        "buckets": plural(ngettext("%(number)s bucket", "%(number)s buckets", buckets), buckets),
    }
    return ", ".join(text for name, text in texts.items() if name in contents)
