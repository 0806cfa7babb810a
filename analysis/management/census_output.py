"""Writes a census as text: totals, costs and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis.census import captions
from analysis.census.census import Census, PricedGroup
from analysis.formatting import count, dollars, duration, exact, filesize, pictures, plural

_INDENT = "  "


def census_lines(census: Census, *, by: Sequence[str]) -> Iterator[str]:
    yield from _heading(census)
    yield ""
    yield from _totals(census)
    yield ""
    yield from _costs(census)
    for dimension in by:
        yield ""
        yield from _table(census, dimension)


def _heading(census: Census) -> Iterator[str]:
    name = f"{census.bucket}/{census.prefix}" if census.prefix else census.bucket
    if census.inventory_at:
        values = {"bucket": name, "date": exact(census.inventory_at)}
        yield _("Census of %(bucket)s, from the inventory of %(date)s.") % values
    else:
        yield _("Census of %(bucket)s.") % {"bucket": name}
    if census.missing:
        missing = ngettext(
            "Incomplete: %(number)s part of %(parts)s was not counted: %(names)s",
            "Incomplete: %(number)s parts of %(parts)s were not counted: %(names)s",
            len(census.missing),
        )
        yield missing % {
            "number": count(len(census.missing)),
            "parts": count(census.parts),
            "names": ", ".join(census.missing),
        }
    yield from (str(captions.WITHOUT_COLUMN[column]) for column in census.missing_columns)


def _totals(census: Census) -> Iterator[str]:
    total, left_out = census.total, census.left_out
    rows = [
        (_("Objects"), total.objects, total.bytes, ""),
        (_("Pictures"), total.pictures, total.picture_bytes, ""),
        (_("In the library"), total.in_library, None, ""),
        (_("Duplicates"), total.duplicates, total.duplicate_bytes, _("at least; by ETag and size")),
        (_("To analyze"), total.new, total.new_bytes, ""),
        (_("Archived"), total.archived, total.archived_bytes, _("restore first; imagelib never downloads them")),
        *((f"  {name}", number, size, "") for name, (number, size) in census.archived.items()),
        (_("Too large"), total.too_large, total.too_large_bytes, _("over MAX_UPLOAD_BYTES")),
        (_("No extension"), total.unnamed, total.unnamed_bytes, _("read on import to find out; not in the price")),
        (_("Other files"), total.other, total.other_bytes, ""),
        (_("Excluded"), left_out.excluded, left_out.excluded_bytes, _("by patterns, folders or names")),
        (_("Noncurrent versions"), left_out.noncurrent, left_out.noncurrent_bytes, _("left out")),
        (_("Delete markers"), left_out.delete_markers, None, _("left out")),
    ]
    top_rows = [row for position, row in enumerate(rows) if position < 5 or row[1]]
    cells = [
        (name, count(number), "" if size is None else filesize(size), note) for name, number, size, note in top_rows
    ]
    yield from _aligned(cells, right={1, 2})


def _costs(census: Census) -> Iterator[str]:
    yield _("Rekognition, for %(pictures)s, by the prices of %(region)s of %(date)s:") % {
        "pictures": pictures(census.total.new),
        "region": census.region,
        "date": census.prices_as_of,
    }
    cells = [
        (cost.api, dollars(cost.dollars), duration(cost.seconds), "" if cost.is_enabled else _("not enabled"))
        for cost in census.apis
    ]
    cells.append((_("Enabled APIs"), dollars(census.total.dollars), duration(census.total.seconds), ""))
    yield from _aligned(cells, right={1})
    requests = ngettext("S3: %(number)s GET request", "S3: %(number)s GET requests", census.s3.requests)
    yield f"{plural(requests, census.s3.requests)}, {dollars(census.s3.request_dollars)}"
    yield _("Thumbnails and previews: about %(size)s, %(cost)s a month") % {
        "size": filesize(census.s3.rendition_bytes),
        "cost": dollars(census.s3.rendition_dollars_a_month),
    }


def _table(census: Census, dimension: str) -> Iterator[str]:
    header = (
        str(captions.DIMENSIONS[dimension]),
        _("Pictures"),
        _("Size"),
        _("Duplicates"),
        _("To analyze"),
        _("Archived"),
        _("Cost"),
        _("Time"),
    )
    groups = census.groups[dimension]
    yield from _aligned([header, *(_cells(dimension, group) for group in groups)], right=set(range(1, 8)))
    more = census.group_counts[dimension] - len(groups)
    if more > 0:
        yield _INDENT + plural(ngettext("and %(number)s more", "and %(number)s more", more), more)


def _cells(dimension: str, group: PricedGroup) -> tuple[str, ...]:
    return (
        captions.group_name(dimension, group.name),
        count(group.pictures),
        filesize(group.picture_bytes),
        count(group.duplicates),
        count(group.new),
        count(group.archived),
        dollars(group.dollars),
        duration(group.seconds) if group.new else "",
    )


def _aligned(rows: Sequence[tuple[str, ...]], *, right: set[int]) -> Iterator[str]:
    """Lines with aligned columns, without control characters of keys."""
    clean = [["".join(c if c.isprintable() else "\ufffd" for c in cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in clean) for column in range(len(clean[0]))]
    for row in clean:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield (_INDENT + "  ".join(cells)).rstrip()
