"""Import pictures from files and folders."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from tqdm import tqdm

from analysis import pipeline
from analysis.formatting import count, plural
from analysis.ingest import folder_scan
from analysis.ingest.validation import NAME_LENGTH, InvalidImage
from analysis.management.interrupts import Interrupt
from analysis.management.translated_command import TranslatedCommand
from analysis.storage import blobs

MAX_STORAGE_ERRORS = 5
"""Consecutive files that storage may reject before the import gives up."""


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Import pictures from files and folders. Safe to stop with Ctrl-C and to run again: a file that is already in "
        "the library is skipped. Exit status: 0 all imported, 1 some rejected, 2 wrong usage, 130 stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help=_("a picture or a folder of pictures"))
        parser.add_argument("--owner", metavar="USERNAME", help=_("the owner; required if there is more than one user"))
        parser.add_argument(
            "--exclude",
            action="append",
            default=[],
            metavar="PATTERN",
            help=_("exclude these paths, such as '*/thumbs/*'; can be repeated"),
        )

    def handle(self, *, paths: list[str], owner: str | None, exclude: list[str], **_options: Any) -> None:
        existing = [_existing_path(path) for path in paths]
        counts = _ImportCounts(self)
        with Interrupt() as interrupt, _progress_bar(existing, exclude) as bar:
            for file in pipeline.import_files(existing, owner_id=_owner(owner).pk, exclude=exclude):
                counts.add(file)
                bar.update()
                if interrupt.is_set or counts.storage_errors >= MAX_STORAGE_ERRORS:
                    break
        counts.report(is_stopped=interrupt.is_set)


class _ImportCounts:
    def __init__(self, command: TranslatedCommand) -> None:
        self.command = command
        self.imported = self.duplicates = self.trashed = self.rejected = self.storage_errors = 0

    def add(self, file: pipeline.ImportedFile) -> None:
        if file.added:
            self.imported += file.added.is_new
            self.duplicates += not file.added.is_new
            self.trashed += file.added.image.trashed_at is not None
            self.storage_errors = 0
            return
        self.rejected += 1
        if not isinstance(file.refusal, InvalidImage):
            self.storage_errors += 1
        sentence = _("rejected: %(error)s") % {"error": file.refusal}
        if file.path:
            sentence += " " + _("(in %(folder)s)") % {"folder": file.path.parent}
        tqdm.write(sentence, file=sys.stderr)

    def report(self, *, is_stopped: bool) -> None:
        sentence = _("Imported %(imported)s, skipped %(duplicates)s already in the library, rejected %(rejected)s.")
        self.command.stdout.write(
            sentence
            % {
                "imported": count(self.imported),
                "duplicates": count(self.duplicates),
                "rejected": count(self.rejected),
            }
        )
        if self.trashed:
            sentence = ngettext(
                "%(number)s of them is in the trash. To restore it, search for is:trashed.",
                "%(number)s of them are in the trash. To restore them, search for is:trashed.",
                self.trashed,
            )
            self.command.stdout.write(plural(sentence, self.trashed))
        if is_stopped:
            self.command.stdout.write(_("Stopped. Run the same command again to continue."))
            # 128 + SIGINT, the status shells give to programs that Ctrl-C ended.
            sys.exit(130)
        if self.storage_errors >= MAX_STORAGE_ERRORS:
            raise CommandError(_("The storage rejects all files (see above). Fix this, then run the command again."))
        if self.rejected:
            sys.exit(1)


def _existing_path(path: str) -> Path:
    if not path:
        raise CommandError(_("The path is empty. Pass a folder, or . for the current one."), returncode=2)
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        sentence = _("There is no file or folder %(path)s.")
        raise CommandError(sentence % {"path": path}, returncode=2) from error
    except OSError as error:
        text = path if len(path) <= NAME_LENGTH else f"{path[:NAME_LENGTH]}…"
        sentence = _("%(path)s cannot be read: %(error)s.")
        raise CommandError(sentence % {"path": text, "error": error.strerror or error}, returncode=2) from error
    return Path(path)


def _progress_bar(paths: list[Path], exclude: list[str]) -> Any:
    files = folder_scan.image_files(paths, exclude=exclude, own_storage=blobs.local_folder())
    total = sum(1 for _file in files) if sys.stderr.isatty() else None
    return tqdm(total=total, unit=_(" pictures"), disable=None, smoothing=0.1)


def _owner(username: str | None) -> AbstractBaseUser:
    users = get_user_model()._default_manager
    if username is not None:
        user = users.filter(username=username).first()
        if user is None:
            raise CommandError(_("There is no user “%(name)s”.") % {"name": username}, returncode=2)
        return user
    first_two = list(users.filter(is_active=True).order_by("pk")[:2])
    if not first_two:
        sentence = _("There are no users yet. Create one with: %(command)s")
        raise CommandError(sentence % {"command": "manage.py createsuperuser"}, returncode=2)
    if len(first_two) > 1:
        raise CommandError(_("There is more than one user. Pass --owner USERNAME."), returncode=2)
    return first_two[0]
