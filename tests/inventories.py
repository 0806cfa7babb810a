"""Small S3 Inventories, as AWS delivers them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from pathlib import Path
from urllib.parse import quote_plus

import duckdb

COLUMNS = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"
CREATED = 1_764_460_800_000  # 30 November 2025
PREFIX = "inventory/photos/daily/"
MANIFEST = f"{PREFIX}2025-11-30T01-00Z/manifest.json"


def row(key: str, *, size: int = 1_000, etag: str = "", **fields: str) -> dict[str, str]:
    """A current object of the bucket photos; its ETag follows from its key."""
    return {
        "Bucket": "photos",
        "Key": key,
        "VersionId": "v1",
        "IsLatest": "true",
        "IsDeleteMarker": "false",
        "Size": str(size),
        "LastModifiedDate": "2025-11-20T10:00:00.000Z",
        "ETag": etag or hashlib.md5(key.encode()).hexdigest(),
        "StorageClass": "STANDARD",
        **fields,
    }


def csv_part(rows: list[dict[str, str]], columns: str = COLUMNS) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for values in rows:
        encoded = {**values, "Key": quote_plus(values["Key"], safe="/")}
        writer.writerow([encoded.get(name, "x") for name in columns.split(", ")])
    return gzip.compress(out.getvalue().encode())


def parquet_part(rows: list[dict[str, str]], path: Path) -> bytes:
    """With the types of S3 Inventory, and of the tables of S3 Metadata."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE part (bucket VARCHAR, key VARCHAR, version_id VARCHAR, is_latest BOOLEAN,"
        " is_delete_marker BOOLEAN, size BIGINT, last_modified_date TIMESTAMP, e_tag VARCHAR, storage_class VARCHAR)"
    )
    connection.executemany("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [list(r.values()) for r in rows])
    connection.execute(f"COPY part TO '{path}' (FORMAT parquet)")
    connection.close()
    return path.read_bytes()


def manifest(parts: dict[str, bytes], *, columns: str = COLUMNS, **changes: object) -> bytes:
    files = [
        {"key": key, "size": len(content), "MD5checksum": hashlib.md5(content).hexdigest()}
        for key, content in parts.items()
    ]
    document = {
        "sourceBucket": "photos",
        "destinationBucket": "arn:aws:s3:::lists",
        "version": "2016-11-30",
        "creationTimestamp": str(CREATED),
        "fileFormat": "CSV",
        "fileSchema": columns,
        "files": files,
    }
    return json.dumps(document | changes).encode()


def write(folder: Path, parts: dict[str, bytes], **options: object) -> Path:
    """The files of an inventory as `aws s3 cp --recursive` leaves them; its manifest."""
    for key, content in {**parts, MANIFEST: manifest(parts, **options)}.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / MANIFEST
