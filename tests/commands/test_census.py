"""census: counts, prices, refusals, and the figures kept for the bucket's page."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from moto.server import ThreadedMotoServer

from analysis.aws import s3_objects
from analysis.models import BucketCensus, BucketObject
from tests import inventories
from tests.factories import create_bucket, create_bucket_image
from tests.inventories import MANIFEST, csv_part, row

pytestmark = pytest.mark.django_db
PARTS = {
    f"{inventories.PREFIX}data/1.csv.gz": csv_part(
        [
            row("2024/a.jpg", etag="a"),
            row("2024/b.jpg", etag="b", size=2_000),
            row("2025/copy of a.jpg", etag="a"),
            row("2025/c.png", etag="c", StorageClass="STANDARD_IA"),
        ]
    ),
    f"{inventories.PREFIX}data/2.csv.gz": csv_part(
        [
            row("2025/d.jpg", size=9_000, StorageClass="DEEP_ARCHIVE"),
            row("2025/a.jpg", IsLatest="false"),
            row("notes.txt", size=7),
        ]
    ),
}
SECOND = list(PARTS)[1]


@pytest.fixture(autouse=True)
def _prices(settings):
    settings.AWS_REGION, settings.RECOGNIZER_APIS, settings.IMAGE_PROPERTIES = "us-east-1", ["labels", "faces"], False
    settings.REKOGNITION_QUOTA = {"labels": "1", "faces": "2"}


def census(*arguments: object) -> str:
    out = StringIO()
    call_command("census", *map(str, arguments), stdout=out)
    return out.getvalue()


def figures(*arguments: object) -> dict:
    return json.loads(census(*arguments, "--json"))


def refusal(*arguments: object) -> tuple[str, int]:
    with pytest.raises(CommandError) as error:
        census(*arguments)
    return str(error.value), error.value.returncode


def test_tables_and_totals_as_text(tmp_path):
    text = census(inventories.write(tmp_path, PARTS), "--by", "prefix")
    assert text.splitlines() == [
        "Census of photos, from the inventory of 30 November 2025, 00:00:00 UTC.",
        "",
        "  Objects              6    14 kB",
        "  Pictures             4     5 kB",
        "  In the library       0",
        "  Duplicates           1     1 kB  at least; by ETag and size",
        "  To analyze           3     4 kB",
        "  Archived             1     9 kB  restore first; imagelib never downloads them",
        "    DEEP_ARCHIVE       1     9 kB",
        "  Other files          1  7 bytes",
        "  Noncurrent versions  1     1 kB  left out",
        "",
        "Rekognition, for 3 pictures, by the prices of us-east-1 of 2026-11-20:",
        "  labels        $0.003  3 seconds",
        "  faces         $0.003  2 seconds",
        "  celebrities   $0.003  a second   not enabled",
        "  text          $0.003  a second   not enabled",
        "  moderation    $0.003  a second   not enabled",
        "  Enabled APIs  $0.006  3 seconds",
        "S3: 4 GET requests, $0.000002",
        "Thumbnails and previews: about 450 kB, $0.00001 a month",
        "",
        "  Prefix       Pictures     Size  Duplicates  To analyze  Archived    Cost       Time",
        "  2025/               2     2 kB           0           2         1  $0.004  2 seconds",
        "  2024/               2     3 kB           0           2         0  $0.004  2 seconds",
        "  (no folder)         0  0 bytes           0           0         0   $0.00",
    ]


def test_library_and_duplicates_are_left_out_of_the_price(tmp_path, owner):
    bucket = create_bucket(owner)
    create_bucket_image(bucket, "2024/a.jpg", etag="a")
    BucketObject.objects.update(size=1_000)
    result = figures(inventories.write(tmp_path, PARTS))
    total = result["total"]
    assert {name: total[name] for name in ("pictures", "in_library", "duplicates", "duplicate_bytes", "new")} == {
        "pictures": 4,
        "in_library": 1,
        "duplicates": 1,
        "duplicate_bytes": 1_000,
        "new": 2,
    }
    assert (total["new_bytes"], total["dollars"], total["seconds"]) == (3_000, "0.004", 2.0)
    assert result["s3"] == {
        "requests": 3,
        "request_dollars": "0.00000181",
        "rendition_bytes": 300_000,
        "rendition_dollars_a_month": "0.0000069",
    }
    assert [(cost["api"], cost["is_enabled"]) for cost in result["apis"]][:3] == [
        ("labels", True),
        ("faces", True),
        ("celebrities", False),
    ]
    assert result["archived"] == {"DEEP_ARCHIVE": [1, 9_000]}
    prefixes = [(group["name"], group["pictures"], group["new"]) for group in result["groups"]["prefix"]]
    assert prefixes == [("2025/", 2, 1), ("2024/", 2, 1), ("", 0, 0)]
    census = BucketCensus.objects.get()
    assert (census.bucket, census.is_complete, census.figures) == (bucket, True, result)


def test_prefix_and_limit(tmp_path, owner):
    create_bucket(owner)
    manifest = inventories.write(tmp_path, PARTS)
    result = figures(manifest.parent, "--prefix", "2025/", "--limit", "1", "--apis", "moderation")
    assert (result["total"]["objects"], result["group_counts"]["type"], len(result["groups"]["type"])) == (3, 2, 1)
    assert [cost["api"] for cost in result["apis"] if cost["is_enabled"]] == ["moderation"]
    assert not BucketCensus.objects.exists()  # of a part of the bucket only


def test_missing_part_stops_or_is_named(tmp_path, owner):
    create_bucket(owner)
    manifest = inventories.write(tmp_path, PARTS)
    (tmp_path / SECOND).unlink()
    sentence = (
        f"Parts of the inventory are missing: {SECOND}. Wait for the next inventory, or pass --allow-missing to count "
        "without them."
    )
    assert refusal(manifest) == (sentence, 2)
    assert not BucketCensus.objects.exists()
    text = census(manifest, "--allow-missing")
    assert f"Incomplete: 1 part of 2 was not counted: {SECOND}" in text
    assert BucketCensus.objects.get().is_complete is False


def test_wrong_checksum_stops_or_is_named(tmp_path):
    manifest = inventories.write(tmp_path, PARTS)
    (tmp_path / SECOND).write_bytes(csv_part([]))
    sentence = (
        f"Parts of the inventory don't match the manifest's MD5 checksums: {SECOND}. Copy them again, or pass "
        "--allow-missing to count without them."
    )
    assert refusal(manifest) == (sentence, 2)
    assert figures(manifest, "--allow-missing")["missing"] == [SECOND]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--bucket", "other"], "This is an inventory of photos, not of other."),
        (["--depth", "0"], "Error: argument --depth: enter a number from 1 to 20"),
        (["--apis", "smell"], "Error: argument --apis: choose from: labels, faces, celebrities, text, moderation"),
    ],
    ids=["bucket", "depth", "apis"],
)
def test_wrong_options_are_refused(tmp_path, arguments, sentence):
    assert refusal(inventories.write(tmp_path, PARTS), *arguments)[0] == sentence


def test_folders_without_an_inventory_are_refused(tmp_path):
    assert refusal(tmp_path / "none")[0] == f"There is no file or folder {tmp_path / 'none'}."
    sentence = f"There is no {tmp_path / 'manifest.json'}, and no Parquet file. Pass the manifest.json of an inventory."
    assert refusal(tmp_path)[0] == sentence


def test_a_manifest_reads_no_files_elsewhere(tmp_path):
    (tmp_path / "secret.csv.gz").write_bytes(csv_part([row("a.jpg")]))
    manifest = inventories.write(tmp_path / "in", {})
    for key in (str(tmp_path / "secret.csv.gz"), "../../../../secret.csv.gz"):
        manifest.write_bytes(inventories.manifest({key: b""}))
        assert refusal(manifest)[0].startswith(f"Parts of the inventory are missing: {key}.")


def test_parquet_files_without_a_manifest_need_the_name_of_the_bucket(tmp_path, owner):
    create_bucket(owner)
    inventories.parquet_part([row("a.jpg"), row("b.jpg")], tmp_path / "20251130_00001_x")
    assert refusal(tmp_path)[0] == "Without a manifest, pass the bucket that was inventoried: --bucket NAME."
    assert figures(tmp_path, "--bucket", "photos")["total"]["pictures"] == 2


@pytest.fixture
def moto(monkeypatch):
    """moto's S3 with a bucket "lists" that holds the inventory."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
    s3_objects.reset()
    client = s3_objects.client(region="us-east-1")
    client.create_bucket(Bucket="lists")
    yield client
    server.stop()
    s3_objects.reset()


def test_inventory_in_s3(moto):
    address = f"s3://lists/{MANIFEST}"
    sentence = f"There is no {address}, and no Parquet file. Pass the manifest.json of an inventory."
    assert refusal(address) == (sentence, 2)
    for key, content in {**PARTS, MANIFEST: inventories.manifest(PARTS)}.items():
        moto.put_object(Bucket="lists", Key=key, Body=content)
    assert figures(address.removesuffix("manifest.json"))["total"]["pictures"] == 4
    moto.delete_object(Bucket="lists", Key=SECOND)
    assert refusal(address)[0].startswith(f"Parts of the inventory are missing: {SECOND}.")
    assert figures(address, "--allow-missing")["total"]["archived"] == 0


def test_denied_inventory_names_the_permission(s3):
    s3.faults = {"get": ["AccessDenied!"]}
    sentence = (
        "s3://photos/manifest.json cannot be read: s3:GetObject is not allowed (AccessDenied). Allow it on the "
        "inventory's files."
    )
    assert refusal("s3://photos/manifest.json") == (sentence, 3)
