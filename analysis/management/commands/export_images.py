"""Export pictures and labels of a search, or freeze them as a dataset."""

from __future__ import annotations

import contextlib
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis import formatting
from analysis.exports import background, datasets
from analysis.exports.annotated_picture import PALETTES
from analysis.exports.csv_table import CSV_COLUMNS
from analysis.exports.formats import FORMATS
from analysis.exports.image_rows import SOURCES
from analysis.exports.options import MAX_LINE_WIDTH, POSITIONS, InvalidOption, stored_options
from analysis.management.translated_command import TranslatedCommand
from analysis.models import Export, Label, Viewer
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.storage.blobs import StorageError

EXAMPLES = gettext_lazy("""
  manage.py export_images dog --format coco --output dogs.json
  manage.py export_images "dog taken:2026" --format csv --column filename --column label --output dogs.csv
  manage.py export_images dog --format annotated --line-width 5 --palette color-blind --output dogs.zip
  manage.py export_images dog --format coco --user ann --dataset Dogs           freeze the next version of “Dogs”
  manage.py export_images --user ann --dataset Dogs --dataset-version 1 --output dogs.json    its first version again
""")


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Write the pictures that match a search, with their labels, to a file or to standard output. Reads the library "
        "in steps, so memory does not grow with it. An interrupted export leaves no file behind."
    )

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, epilog=str(EXAMPLES), formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "query", nargs="?", default="", help=_("a search, as in the search box (default: all pictures)")
        )
        parser.add_argument("--format", choices=FORMATS, default="jsonl", help=_("default: %(default)s"))
        parser.add_argument(
            "--output",
            metavar="FILE",
            help=_("a file, or - for standard output (the default, except for datasets)"),
        )
        parser.add_argument("--user", metavar="NAME", help=_("only what this user can see (default: everything)"))
        _add_options(parser)
        _add_dataset(parser)

    def handle(self, *, query: str, output: str | None, user: str | None, **options: Any) -> None:
        if options["dataset"] is None and options["dataset_version"] is not None:
            raise CommandError(_("--dataset-version requires --dataset."))
        if options["dataset"] is not None:
            self._dataset(_export(query, options), output, user=user, version=options["dataset_version"])
            return
        export = _export(query, options)
        content = background.content_of(export, background.rows_of(export, _viewer(user)))
        _write(content, output or "-")

    def _dataset(self, export: Export, output: str | None, *, user: str | None, version: int | None) -> None:
        if user is None:
            raise CommandError(_("A dataset belongs to a user: add --user NAME."))
        owner = _person(user)
        try:
            if version is None:
                export.owner = owner
                export = datasets.freeze(export)
            else:
                export = datasets.get(export.name, version, owner_id=owner.pk)
            if output is not None:
                _write(datasets.content(export), output)
        except (background.ExportRefused, datasets.DatasetError, StorageError) as error:
            raise CommandError(str(error)) from error
        # On standard error if the dataset itself is written to standard output.
        (self.stderr if output == "-" else self.stdout).write(_summary(export))


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--labels", choices=SOURCES, default="effective", help=_("default: %(default)s"))
    parser.add_argument(
        "--min-confidence", type=float, default=0, metavar="PERCENT", help=_("leave out labels below this confidence")
    )
    parser.add_argument(
        "--kind", action="append", choices=Label.Kind.values, help=_("only labels of this kind; can be repeated")
    )
    parser.add_argument(
        "--column", action="append", choices=CSV_COLUMNS, help=_("a CSV column; can be repeated (default: all)")
    )
    drawing = parser.add_argument_group(_("annotated pictures"))
    drawing.add_argument(
        "--line-width",
        type=int,
        metavar="PIXELS",
        help=_("line width of boxes, from 1 to %(maximum)s") % {"maximum": MAX_LINE_WIDTH},
    )
    drawing.add_argument("--position", choices=POSITIONS, help=_("position of label names at their boxes"))
    drawing.add_argument("--palette", choices=PALETTES, help=_("colors of boxes"))


def _add_dataset(parser: ArgumentParser) -> None:
    dataset = parser.add_argument_group(_("datasets"))
    dataset.add_argument(
        "--dataset", metavar="NAME", help=_("keep the file as the next version of this dataset of --user")
    )
    dataset.add_argument(
        "--dataset-version", type=int, metavar="NUMBER", help=_("write this version again, byte for byte")
    )


def _export(query: str, options: dict[str, Any]) -> Export:
    """The requested export, not saved. Raises CommandError."""
    try:
        parse(query)
        values = stored_options(options | {"kinds": options["kind"], "columns": options["column"]})
    except InvalidQuery as error:
        message = _("Invalid search, column %(column)s: %(error)s")
        raise CommandError(message % {"column": error.column, "error": error}) from error
    except InvalidOption as error:
        raise CommandError(str(error)) from error
    name = datasets.clean_name(options["dataset"] or "")
    return Export(query=query, format=options["format"], options=values, name=name)


def _summary(export: Export) -> str:
    values = {"name": export.name, "version": export.version, "pictures": formatting.pictures(export.written)}
    values |= {"size": formatting.filesize(export.size or 0), "sha256": export.sha256}
    return _("%(name)s, version %(version)s: %(pictures)s, %(size)s, SHA-256 %(sha256)s") % values


def _viewer(name: str | None) -> Viewer:
    return Viewer(sees_all=True) if name is None else Viewer(user_id=_person(name).pk)


def _person(name: str) -> Any:
    person = get_user_model().objects.filter(username=name).first()
    if person is None:
        raise CommandError(_("There is no user “%(name)s”.") % {"name": name})
    return person


def _write(content: Iterable[bytes], output: str) -> None:
    if output == "-":
        _copy(content, sys.stdout.buffer)
        return
    path = Path(output)
    # Written to a temporary file and renamed at the end, so that no partial file is left. In the same folder, since
    # renaming across file systems would copy it.
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            _copy(content, file)
        partial.replace(path)
    except OSError as error:
        message = _("%(path)s was not written: %(error)s.") % {"path": path, "error": error.strerror or error}
        raise CommandError(message) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _copy(content: Iterable[bytes], file: IO[bytes]) -> None:
    for chunk in content:
        file.write(chunk)
    file.flush()
