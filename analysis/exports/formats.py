"""The export formats by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analysis.exports import coco, csv_table, json_formats, picture_archives
from analysis.exports.annotated_picture import Style
from analysis.exports.image_rows import ImageRow


@dataclass(frozen=True)
class Format:
    """A format and its writer.

    `has_boxes`: it needs boxes of labels, for which each response is read. `has_pictures`: its file contains copies of
    pictures, not only text about them.
    """

    name: str
    title: str | Promise
    extension: str
    content_type: str
    write: Callable[[Iterable[ImageRow]], Iterator[bytes]]
    has_boxes: bool = False
    has_pictures: bool = False


CSV, JSON_TYPE, LINES, ZIP = "text/csv; charset=utf-8", "application/json", "application/jsonl", "application/zip"
_ALL = (
    Format("csv", _("CSV table, one line per label"), "csv", CSV, csv_table.csv_lines),
    Format("jsonl", _("JSON Lines, one line per picture"), "jsonl", LINES, json_formats.json_lines, has_boxes=True),
    Format("json", _("JSON"), "json", JSON_TYPE, json_formats.json_array, has_boxes=True),
    Format("coco", _("COCO, boxes for training"), "json", JSON_TYPE, coco.coco, has_boxes=True),
    Format("names", _("JSON, file names with labels"), "json", JSON_TYPE, json_formats.file_labels),
    Format("dynamodb", _("DynamoDB JSON, for an import from S3"), "json", LINES, json_formats.dynamodb_lines),
    Format("xmp", _("XMP sidecars (ZIP)"), "zip", ZIP, picture_archives.xmp_sidecars),
    Format("originals", _("Originals (ZIP)"), "zip", ZIP, picture_archives.original_files, has_pictures=True),
    Format("previews", _("Previews (ZIP)"), "zip", ZIP, picture_archives.preview_files, has_pictures=True),
    Format(
        "annotated",
        _("Pictures with boxes (ZIP)"),
        "zip",
        ZIP,
        picture_archives.annotated_pictures,
        has_boxes=True,
        has_pictures=True,
    ),
)
FORMATS = {entry.name: entry for entry in _ALL}


def write(
    entry: Format, rows: Iterable[ImageRow], *, columns: Collection[str] = (), style: Style | None = None
) -> Iterator[bytes]:
    """The file in chunks.

    `columns`: of a CSV table, all by default. `style`: of boxes in annotated pictures.
    """
    if entry.name == "csv" and columns:
        return csv_table.csv_lines(rows, columns=columns)
    if entry.name == "annotated" and style:
        return picture_archives.annotated_pictures(rows, style)
    return entry.write(rows)
