"""CSV format of exports: its columns, and values that no spreadsheet interprets."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from itertools import compress
from typing import Literal, get_args

from analysis.exports.image_rows import ImageRow
from analysis.formatting import taken_iso

Column = Literal[
    "image_id",
    "filename",
    "taken_at",
    "width",
    "height",
    "sha256",
    "label",
    "kind",
    "category",
    "confidence",
    "instances",
    "verdict",
]
CSV_COLUMNS: tuple[Column, ...] = get_args(Column)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
BOM = "\ufeff"
"""Byte order mark, without which Excel reads UTF-8 as the computer's legacy code page."""


def csv_lines(rows: Iterable[ImageRow], *, columns: Collection[str] = CSV_COLUMNS) -> Iterator[bytes]:
    """One line per label; pictures without labels have one line without."""
    chosen = [name in columns for name in CSV_COLUMNS]
    yield BOM.encode() + csv_line(compress(CSV_COLUMNS, chosen))
    for row in rows:
        image = row.image
        start = [
            image.pk,
            image.filename,
            taken_iso(image.taken_at, image.taken_offset),
            image.width,
            image.height,
            image.sha256,
        ]
        for label in row.labels:
            end = [label.name, label.kind, label.category, label.confidence, label.instances, label.verdict]
            yield csv_line(compress([*start, *end], chosen))
        if not row.labels:
            yield csv_line(compress([*start, *[None] * 6], chosen))


def cell(value: object) -> str:
    """A value as text that no spreadsheet interprets as a formula.

    Labels and file names are untrusted: =HYPERLINK(…) would be evaluated when the file is opened (OWASP, CSV
    injection).
    """
    text = "" if value is None else str(value)
    # A negative number is not a formula, and with an apostrophe it would not be a number.
    is_number = isinstance(value, int | float)
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not is_number else text


def csv_line(values: Iterable[object]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([cell(value) for value in values])
    return buffer.getvalue().encode()
