"""Verify every file of a backup."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.backup.errors import BackupError
from analysis.backup.location import Location
from analysis.backup.manifest import read as read_manifest
from analysis.management.backup_output import verify_backup
from analysis.management.translated_command import TranslatedCommand


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Read every file of a backup and compare its SHA-256. Exit status: 0 the backup is complete and unchanged, "
        "1 it is not."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help=_("a folder, or s3://bucket/prefix"))
        parser.add_argument("--backup", default="", metavar="NAME", help=_("name of the backup (default: the latest)"))

    def handle(self, *, source: str, backup: str, **_options: Any) -> None:
        try:
            location = Location(source)
            manifest = read_manifest(location, backup)
        except BackupError as error:
            raise CommandError(str(error)) from error
        verify_backup(self.stdout, location, manifest)
