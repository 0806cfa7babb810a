"""Manifests of inventories: what is accepted, and the sentence for what is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from analysis.census.inventory import InvalidInventory, Inventory, Part, parse_manifest
from tests import inventories

NO_MANIFEST = "This is not an S3 Inventory manifest. Pass the manifest.json of an inventory."


def test_manifest_names_bucket_columns_and_parts():
    inventory = parse_manifest(inventories.manifest({"data/1.csv.gz": b"x"}, columns="Bucket, Key, ETag, Key, Größe"))
    md5 = "9dd4e461268c8034f5c8564e155c67a6"
    assert inventory == Inventory(
        bucket="photos",
        format="CSV",
        columns=("bucket", "key", "etag", "column3", "gre"),
        parts=(Part("data/1.csv.gz", 1, md5),),
        created_at=datetime(2025, 11, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", NO_MANIFEST),
        (b"[]", NO_MANIFEST),
        (b"\xff\xfe", NO_MANIFEST),
        (b"[" * 100_000, NO_MANIFEST),
        (b'{"fileFormat": "CSV", "sourceBucket": "photos", "fileSchema": "Key", "files": [1]}', NO_MANIFEST),
        (inventories.manifest({}, creationTimestamp="9" * 30), NO_MANIFEST),
        (
            inventories.manifest({}, fileFormat="ORC"),
            "ORC inventories are not supported. Set the inventory's output format to CSV or Parquet.",
        ),
        (inventories.manifest({}, fileFormat="XML"), "Unknown inventory format XML. Use CSV or Parquet."),
        (
            inventories.manifest({}, columns="Bucket, Size"),
            "The inventory has no Key column, so nothing can be counted.",
        ),
    ],
    ids=range(9),
)
def test_manifests_that_are_refused(content, sentence):
    with pytest.raises(InvalidInventory) as refusal:
        parse_manifest(content)
    assert str(refusal.value) == sentence


def test_parquet_manifest_needs_no_columns():
    document = json.loads(inventories.manifest({}, fileFormat="Parquet", fileSchema="message s3.inventory {}"))
    assert parse_manifest(json.dumps(document).encode()).columns == ()
