"""Bring pictures from folders into the library."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from analysis import pipeline
from analysis.ingest import folder_scan
from analysis.ingest.validation import NAME_LENGTH, InvalidImage
from analysis.storage import blobs

STORAGE_PATIENCE = 5
"""Files in a row that the storage may refuse before the rest is left for another run."""


class Command(BaseCommand):
    help = (
        "Import pictures from files and folders. Safe to run again (the same bytes are one picture) and to stop with "
        "Ctrl-C. Exit status: 0 all are in, 1 some were refused, 2 wrong usage, 130 stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a picture, or a folder with pictures")
        parser.add_argument("--owner", metavar="USERNAME", help="whose pictures these are; needed with several people")
        parser.add_argument(
            "--exclude",
            action="append",
            default=[],
            metavar="PATTERN",
            help="paths below the folders to leave out, such as '*/thumbs/*'; repeat it for several",
        )

    def handle(self, *, paths: list[str], owner: str | None, exclude: list[str], **_: Any) -> None:
        given = [_existing(path) for path in paths]
        tally = _Tally(self)
        with _Interrupt() as interrupt, _bar(given, exclude) as bar:
            for imported in pipeline.import_files(given, owner_id=_owner(owner).pk, exclude=exclude):
                tally.count(imported)
                bar.update()
                if interrupt.came or tally.storage_refused_in_a_row >= STORAGE_PATIENCE:
                    break
        tally.report(was_stopped=interrupt.came)


class _Tally:
    def __init__(self, command: BaseCommand) -> None:
        self.command = command
        self.new = self.known = self.trashed = self.refused = self.storage_refused_in_a_row = 0

    def count(self, imported: pipeline.ImportedFile) -> None:
        if imported.added:
            self.new += imported.added.is_new
            self.known += not imported.added.is_new
            self.trashed += imported.added.image.trashed_at is not None
            self.storage_refused_in_a_row = 0
            return
        self.refused += 1
        if not isinstance(imported.refusal, InvalidImage):
            self.storage_refused_in_a_row += 1
        where = imported.path.parent if imported.path else ""
        tqdm.write(f"refused: {imported.refusal}" + (f" (in {where})" if where else ""), file=sys.stderr)

    def report(self, *, was_stopped: bool) -> None:
        line = f"{self.new:,} imported, {self.known:,} already here, {self.refused:,} refused."
        self.command.stdout.write(line)
        if self.trashed:
            thrown = f"{self.trashed:,} of them are" if self.trashed > 1 else "1 of them is"
            self.command.stdout.write(f"{thrown} in the trash: search for is:trashed to restore what you want back.")
        if was_stopped:
            self.command.stdout.write("Stopped. Run the same command again to go on; nothing is imported twice.")
            sys.exit(130)
        if self.storage_refused_in_a_row >= STORAGE_PATIENCE:
            raise CommandError("The storage takes no pictures; see above. Run the same command again when it does.")
        if self.refused:
            sys.exit(1)


class _Interrupt:
    """The first Ctrl-C lets the picture in hand finish; the second ends everything at once."""

    came = False

    def __enter__(self) -> _Interrupt:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, *_: object) -> None:
        self.came = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _existing(path: str) -> Path:
    if not path:
        raise CommandError("An empty path was given. Name a folder, or . for the current one.", returncode=2)
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CommandError(f"There is no {path}.", returncode=2) from error
    except OSError as error:
        said = path if len(path) <= NAME_LENGTH else f"{path[:NAME_LENGTH]}…"
        raise CommandError(f"{said} cannot be read: {error.strerror or error}.", returncode=2) from error
    return Path(path)


def _bar(paths: list[Path], exclude: list[str]) -> Any:
    found = folder_scan.image_files(paths, exclude=exclude, own_storage=blobs.local_folder())
    total = sum(1 for _ in found) if sys.stderr.isatty() else None
    return tqdm(total=total, unit=" pictures", disable=None, smoothing=0.1)


def _owner(username: str | None) -> AbstractBaseUser:
    people = get_user_model()._default_manager
    if username is not None:
        found = people.filter(username=username).first()
        if found is None:
            raise CommandError(f"There is nobody called {username!r}.", returncode=2)
        return found
    first_two = list(people.filter(is_active=True).order_by("pk")[:2])
    if not first_two:
        raise CommandError("There is nobody to own them yet: make one with `manage.py createsuperuser`.", returncode=2)
    if len(first_two) > 1:
        raise CommandError("Say whose pictures these are with --owner USERNAME.", returncode=2)
    return first_two[0]
