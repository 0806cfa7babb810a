"""Progress and results of the commands about backups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError, OutputWrapper
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from tqdm import tqdm

from analysis.backup import verify
from analysis.backup.location import Location
from analysis.backup.manifest import Manifest
from analysis.formatting import count, filesize, plural

MAX_PROBLEMS = 50


@contextmanager
def file_progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of files on a terminal; nothing elsewhere."""
    with tqdm(desc=description, unit=_(" files"), disable=None, dynamic_ncols=True) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def verify_backup(out: OutputWrapper, location: Location, backup: Manifest) -> None:
    """Read every file of a backup. Raises CommandError if some are damaged."""
    number = 0
    with file_progress(_("Verifying")) as progress:
        for number, problem in enumerate(verify.problems(location, backup, progress=progress), start=1):
            if number <= MAX_PROBLEMS:
                out.write(problem)
    if number:
        text = ngettext(
            "%(number)s problem in the backup %(name)s.", "%(number)s problems in the backup %(name)s.", number
        )
        raise CommandError(text % {"number": count(number), "name": backup.name})
    text = ngettext("%(number)s file and the database", "%(number)s files and the database", backup.files)
    values = {"files": plural(text, backup.files), "size": filesize(backup.bytes + backup.database.size)}
    out.write(_("Verified %(files)s (%(size)s): complete and unchanged.") % values)
