"""Table of figures, from which the chart and the CSV file are made."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from analysis import formatting
from analysis.exports import csv_table

Number = int | float | Decimal
Unit = Literal["", "dollars", "bytes", "ms"]


@dataclass(frozen=True)
class Column:
    """A column of numbers; with a `series`, the chart draws it in that color."""

    name: str
    unit: Unit = ""
    series: str = ""


@dataclass(frozen=True)
class Cell:
    text: str
    value: str
    series: str


@dataclass(frozen=True)
class TableRow:
    name: str
    cells: list[Cell]
    url: str = ""


@dataclass(frozen=True)
class Table:
    """Figures and their chart; `across` draws horizontal bars, for long names."""

    slug: str
    title: str
    first: str
    columns: tuple[Column, ...]
    rows: list[TableRow]
    empty: str
    shape: Literal["bars", "line", "across"] = "bars"
    is_stacked: bool = False
    note: str = ""
    more_url: str = ""
    more_label: str = ""
    csv_url: str = field(default="", compare=False)

    @property
    def series(self) -> list[Column]:
        return [column for column in self.columns if column.series]

    @property
    def has_figures(self) -> bool:
        # Zero as _plain writes it, for an integer and for an amount.
        return any(cell.value not in {"0", "0.000000"} for row in self.rows for cell in row.cells)


def row(name: str, columns: tuple[Column, ...], values: tuple[Number, ...], url: str = "") -> TableRow:
    cells = [
        Cell(_text(value, column.unit), _plain(value), column.series)
        for value, column in zip(values, columns, strict=True)
    ]
    return TableRow(name, cells, url)


def lines(table: Table) -> Iterator[str]:
    """The table as CSV, a line at a time."""
    writer = csv.writer(_Echo())
    yield writer.writerow([table.first, *(_csv_heading(column) for column in table.columns)])
    for line in table.rows:
        yield writer.writerow([csv_table.cell(line.name), *(cell.value for cell in line.cells)])


def _csv_heading(column: Column) -> str:
    return f"{column.name} ({column.unit})" if column.unit else column.name


def _text(value: Number, unit: Unit) -> str:
    match unit:
        case "dollars":
            return formatting.dollars(Decimal(value))
        case "bytes":
            return formatting.filesize(int(value))
        case "ms":
            return f"{formatting.count(round(value))} ms"
    return formatting.count(round(value))


def _plain(value: Number) -> str:
    return f"{value:.6f}" if isinstance(value, Decimal) else f"{value:.1f}" if isinstance(value, float) else str(value)


class _Echo:
    """File whose `write` returns the text, so that csv.writer yields lines."""

    def write(self, text: str) -> str:
        return text
