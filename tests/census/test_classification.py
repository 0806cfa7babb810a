"""Classification of an inventory's rows, as an import would see the objects."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analysis.census.classification import ObjectTable, Rules
from analysis.census.inventory import InvalidInventory, Part, column_name, parse_manifest
from tests import inventories
from tests.inventories import COLUMNS, row

NOW = datetime(2025, 11, 30, tzinfo=UTC)


def table_of(folder, rows, *, columns=COLUMNS, **rules) -> ObjectTable:
    part = folder / "part"
    part.write_bytes(inventories.csv_part(rows, columns))
    inventory = parse_manifest(inventories.manifest({}, columns=columns))
    table = ObjectTable(folder, inventory=inventory, rules=Rules(**{"max_bytes": 5_000, **rules}), now=NOW)
    table.add_part(part, Part("part"))
    return table


def classify(folder, *rows, **rules) -> list[tuple]:
    return table_of(folder, rows, **rules).rows("SELECT prefix, type, age, storage_class, kind FROM objects")


KINDS = [
    (row("2025/a.jpg"), ("2025/", "JPEG", "days30", "STANDARD", "picture")),
    (row('a b+c,"d" ä%20.HEIC'), ("", "HEIC", "days30", "STANDARD", "picture")),
    (row("a.jpe "), ("", "JPEG", "days30", "STANDARD", "picture")),
    (row("a.jpg", StorageClass="GLACIER"), ("", "JPEG", "days30", "GLACIER", "archived")),
    (row("a.jpg", StorageClass="DEEP_ARCHIVE"), ("", "JPEG", "days30", "DEEP_ARCHIVE", "archived")),
    (row("a.jpg", StorageClass="GLACIER_IR"), ("", "JPEG", "days30", "GLACIER_IR", "picture")),
    (row("a.txt", StorageClass="GLACIER"), ("", "TXT", "days30", "GLACIER", "other")),
    (row("a.nef"), ("", "NEF", "days30", "STANDARD", "other")),
    (row("a.png", size=0), ("", "PNG", "days30", "STANDARD", "other")),
    (row("a.png", size=5_001), ("", "PNG", "days30", "STANDARD", "too large")),
    (row("2025/06/scan"), ("2025/", "", "days30", "STANDARD", "unnamed")),
    (row("2025/"), ("2025/", "", "days30", "STANDARD", "excluded")),
    (row(".cache/a.jpg"), (".cache/", "JPEG", "days30", "STANDARD", "excluded")),
    (row("x/.a.jpg"), ("x/", "JPEG", "days30", "STANDARD", "excluded")),
    (row("./a.jpg"), ("./", "JPEG", "days30", "STANDARD", "picture")),
    (row("System Volume Information/a.jpg"), ("System Volume Information/", "JPEG", "days30", "STANDARD", "excluded")),
    (row("My.LRDATA/a.jpg"), ("My.LRDATA/", "JPEG", "days30", "STANDARD", "excluded")),
    (row("a.jpg", IsLatest="false"), ("", "JPEG", "days30", "STANDARD", "noncurrent")),
    (row("a.jpg", IsDeleteMarker="true"), ("", "JPEG", "days30", "STANDARD", "delete marker")),
    (row("a.jpg", LastModifiedDate="2024-11-01T00:00:00.000Z"), ("", "JPEG", "years3", "STANDARD", "picture")),
    (row("a.jpg", LastModifiedDate="2012-01-01T00:00:00.000Z"), ("", "JPEG", "older", "STANDARD", "picture")),
    (row("a.jpg", LastModifiedDate="?", StorageClass=""), ("", "JPEG", "unknown", "unknown", "picture")),
]


def test_kinds_of_rows(tmp_path):
    rows = classify(tmp_path, *(values for values, _ in KINDS))
    assert rows == [expected for _, expected in KINDS]


def test_prefix_patterns_and_own_files(tmp_path):
    rules = {
        "prefix": "in/",
        "include": ["*.JPG"],
        "exclude": ["*/thumbs/*"],
        "own_keys": ["in/originals/"],
        "depth": 2,
    }
    keys = ["in/a/b/c.jpg", "in/thumbs/a.jpg", "in/x.png", "in/originals/1.jpg", "out/a.jpg"]
    rows = classify(tmp_path, *map(row, keys), **rules)
    assert [(prefix, kind) for prefix, *_, kind in rows] == [
        ("in/a/b/", "picture"),
        ("in/thumbs/", "excluded"),
        ("in/", "excluded"),
        ("in/originals/", "excluded"),
    ]


def test_archive_tiers_of_intelligent_tiering(tmp_path):
    columns = f"{COLUMNS}, IntelligentTieringAccessTier"
    tiering = {"StorageClass": "INTELLIGENT_TIERING"}
    rows = [
        row("a.jpg", **tiering, IntelligentTieringAccessTier="DEEP_ARCHIVE"),
        row("b.jpg", **tiering, IntelligentTieringAccessTier="FREQUENT"),
    ]
    table = table_of(tmp_path, rows, columns=columns)
    assert table.rows("SELECT storage_class, kind FROM objects") == [
        ("INTELLIGENT_TIERING DEEP_ARCHIVE", "archived"),
        ("INTELLIGENT_TIERING", "picture"),
    ]


def test_unknown_columns_are_ignored_and_absent_ones_named(tmp_path):
    table = table_of(tmp_path, [row("a.jpg")], columns="Bucket, Novelty, Key")
    assert table.rows("SELECT prefix, type, age, storage_class, kind, size FROM objects") == [
        ("", "JPEG", "unknown", "unknown", "picture", 0)
    ]
    assert table.missing_columns == {"etag", "lastmodifieddate", "size", "storageclass"}


def test_parquet_as_of_inventory_and_metadata_tables(tmp_path):
    part = tmp_path / "part"
    inventories.parquet_part([row("a b+%20.jpg"), row("b.jpg", StorageClass="GLACIER")], part)
    inventory = parse_manifest(inventories.manifest({}, fileFormat="Parquet"))
    table = ObjectTable(tmp_path, inventory=inventory, rules=Rules(max_bytes=5_000), now=NOW)
    table.add_part(part, Part("part"))
    assert table.rows("SELECT type, age, storage_class, kind, size FROM objects") == [
        ("JPEG", "days30", "STANDARD", "picture", 1_000),
        ("JPEG", "days30", "GLACIER", "archived", 1_000),
    ]


@pytest.mark.parametrize("file_format", ["CSV", "Parquet"])
@pytest.mark.parametrize("content", [b"no archive", inventories.csv_part([row("a.jpg")] * 99)[:-20]], ids=["x", "cut"])
def test_damaged_part_is_named(tmp_path, file_format, content):
    (tmp_path / "part").write_bytes(content)
    inventory = parse_manifest(inventories.manifest({}, fileFormat=file_format))
    table = ObjectTable(tmp_path, inventory=inventory, rules=Rules(max_bytes=5_000), now=NOW)
    with pytest.raises(InvalidInventory) as refusal:
        table.add_part(tmp_path / "part", Part("data/1"))
    sentence = f"data/1 cannot be read: it is damaged, or not a {file_format} file of this inventory."
    assert (str(refusal.value), table.rows("SELECT count(*) FROM objects")) == (sentence, [(0,)])


def test_part_of_another_bucket_is_refused(tmp_path):
    with pytest.raises(InvalidInventory) as refusal:
        table_of(tmp_path, [row("a.jpg", Bucket="other")])
    assert str(refusal.value) == "A part lists the bucket other, but the manifest is for photos."


@pytest.mark.parametrize(("name", "normal"), [("LastModifiedDate", "lastmodifieddate"), ("e_tag", "etag")])
def test_column_names(name, normal):
    assert column_name(name) == normal
