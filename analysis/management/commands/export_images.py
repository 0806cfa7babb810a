"""Export pictures and labels of a search."""

from __future__ import annotations

import contextlib
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.exports.formats import FORMATS, Format
from analysis.exports.image_rows import SOURCES, Options, image_rows
from analysis.management.translated_command import TranslatedCommand
from analysis.models import Label, Viewer
from analysis.search.syntax.parser import InvalidQuery, parse


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Write the pictures that match a search, with their labels, to a file or to standard output. Reads the library "
        "in steps, so memory does not grow with it. An interrupted export leaves no file behind."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "query", nargs="?", default="", help=_("a search as in the search box; default: all pictures")
        )
        parser.add_argument("--format", choices=FORMATS, default="jsonl", help=_("default: %(default)s"))
        parser.add_argument(
            "--output", default="-", metavar="FILE", help=_("a file, or - for standard output (default)")
        )
        parser.add_argument("--labels", choices=SOURCES, default="effective", help=_("whose labels: %(choices)s"))
        parser.add_argument("--min-confidence", type=float, default=0, metavar="PERCENT")
        parser.add_argument("--kind", action="append", choices=Label.Kind.values, help=_("only labels of this kind"))
        parser.add_argument("--user", metavar="NAME", help=_("only what this user may see; default: everything"))

    def handle(self, *, query: str, output: str, user: str | None, **options: Any) -> None:
        try:
            parsed = parse(query)
        except InvalidQuery as error:
            message = _("Invalid search, column %(column)s: %(error)s")
            raise CommandError(message % {"column": error.column, "error": error}) from error
        chosen = FORMATS[options["format"]]
        rows = image_rows(
            parsed,
            viewer=_viewer(user),
            options=Options(options["labels"], options["min_confidence"], frozenset(options["kind"] or ())),
            has_boxes=chosen.has_boxes,
        )
        if output == "-":
            _write(chosen, rows, sys.stdout.buffer)
        else:
            _write_file(chosen, rows, Path(output))


def _viewer(name: str | None) -> Viewer:
    if name is None:
        return Viewer(sees_all=True)
    person = get_user_model().objects.filter(username=name).first()
    if person is None:
        raise CommandError(_("There is no user %(name)s.") % {"name": name})
    return Viewer(user_id=person.pk)


def _write_file(chosen: Format, rows: Any, path: Path) -> None:
    """Write beside the file and rename at the end, so that no half file is left."""
    # In the same folder, since renaming across file systems is copying.
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            _write(chosen, rows, file)
        partial.replace(path)
    except OSError as error:
        message = _("%(path)s was not written: %(error)s.") % {"path": path, "error": error.strerror or error}
        raise CommandError(message) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _write(chosen: Format, rows: Any, file: IO[bytes]) -> None:
    for chunk in chosen.write(rows):
        file.write(chunk)
    file.flush()
