"""audit_library: rows compared with blobs, in a folder and in S3; --repair."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO, StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from analysis import pipeline
from analysis.library_audit import diff
from analysis.library_audit.sampling import keys_of
from analysis.models import Image, PendingBlob, Upload
from analysis.storage import blobs, orphaned_files
from tests import pictures
from tests.storage.conftest import bucket, s3_address

pytestmark = pytest.mark.django_db

STRAY = "originals/ab/abandoned.jpg"
FORGOTTEN = "renditions/ab/ab000000000000000000000000000000-thumb.webp"


@pytest.fixture(params=["folder", "S3"])
def storage(request):
    if request.param == "S3":
        request.getfixturevalue("bucket")


def run(*arguments) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("audit_library", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code), out.getvalue()
    return 0, out.getvalue()


def findings(*arguments) -> tuple[int, list[tuple[str, str, str]]]:
    """Exit status; kind, key and repair of each finding."""
    status, output = run("--json", *arguments)
    report = json.loads(output)
    assert report["is_fine"] == (status == 0)
    return status, [(finding["kind"], finding["key"], finding["repair"]) for finding in report["findings"]]


def receive(owner, *, seed=1) -> Image:
    return pipeline.ingest_file(BytesIO(pictures.jpeg(seed=seed)), name="dog.jpg", owner_id=owner.pk).image


def stored() -> set[str]:
    return {key for folder in diff.FOLDERS for key in blobs.list_keys(folder)}


def test_consistent_library_has_no_findings(owner, storage):
    images = [receive(owner, seed=seed) for seed in (1, 2)]
    assert run() == (0, "6 files checked, 0 problems found, 0 repaired.\n")
    assert run("--verify")[1] == "6 files checked, 2 originals verified, 0 problems found, 0 repaired.\n"
    assert stored() == {key for image in images for key in keys_of(image)}


def test_problems_are_listed_and_nothing_changes(owner, storage):
    bare, blind, _ = (receive(owner, seed=seed) for seed in (1, 2, 3))
    blobs.remove(bare.key)
    for key in keys_of(blind)[1:]:
        blobs.remove(key)
    for key in (STRAY, FORGOTTEN):
        blobs.put(key, b"bytes")
    before = stored()
    assert findings() == (
        1,
        [
            ("original without a picture", STRAY, ""),
            ("picture without its original", bare.key, ""),
            ("rendition without a picture", FORGOTTEN, ""),
            ("picture without a rendition", min(keys_of(blind)[1:]), ""),
        ],
    )
    assert stored() == before
    assert not PendingBlob.objects.exists()
    status, output = run()
    lines = output.splitlines()
    assert status == 1
    assert lines[1] == (
        f"picture without its original: {bare.key} (picture {bare.pk}). "
        "Restore the file under this key from a backup, or delete the picture."
    )
    assert lines[-1] == f"{len(before)} files checked, 4 problems found, 0 repaired."


def test_repair_restores_renditions_and_sweeps_unowned_ones(owner, storage):
    image = receive(owner)
    blobs.remove(keys_of(image)[1])
    blobs.put(FORGOTTEN, b"bytes")
    status, rows = findings("--repair")
    assert (status, [repair for *_, repair in rows]) == (
        0,
        ["It will be deleted within two hours.", "Rendered again."],
    )
    image.refresh_from_db()
    assert {FORGOTTEN, *keys_of(image)} == stored()
    assert findings() == (0, [])  # what is announced belongs to the sweeper
    PendingBlob.objects.update(since=timezone.now() - timedelta(hours=2))
    orphaned_files.delete(older_than=orphaned_files.MIN_AGE)
    assert stored() == set(keys_of(image))


def test_unowned_original_is_kept_until_it_has_owner(owner, storage):
    blobs.put(STRAY, pictures.jpeg(seed=7))
    blobs.put("originals/ab/half.jpg", pictures.jpeg(seed=8)[:500])
    status, rows = findings("--repair")
    assert (status, [repair for *_, repair in rows]) == (1, ["", ""])
    assert not PendingBlob.objects.exists()
    status, rows = findings("--repair", "--owner", "owner")
    image = Image.objects.get()
    assert (status, [repair for *_, repair in rows]) == (1, [f"Imported as picture {image.pk}.", ""])
    assert (image.owner, image.filename) == (owner, "abandoned.jpg")
    with blobs.get(image.key) as original:
        assert original.read() == pictures.jpeg(seed=7)
    assert [blob.key for blob in PendingBlob.objects.all()] == [STRAY]
    assert "originals/ab/half.jpg" in stored()


def test_lost_original_found_under_another_key_is_restored(owner, storage):
    image = receive(owner)
    with blobs.get(image.key) as original:
        blobs.put(STRAY, original.read())
    blobs.remove(image.key)
    assert findings("--repair") == (
        0,
        [("original without a picture", STRAY, f"The original of picture {image.pk} was restored.")],
    )
    with blobs.get(image.key) as original:
        assert original.read() == pictures.jpeg(seed=1)
    assert Image.objects.get() == image


def test_rendition_without_original_cannot_be_restored(owner):
    image = receive(owner)
    for key in keys_of(image):
        blobs.remove(key)
    status, output = run("--repair")
    assert status == 1
    assert f"It cannot be rendered: The storage has no file {image.key}." in output


def test_verify_finds_changed_bytes(owner, storage):
    rotten, _ = receive(owner, seed=1), receive(owner, seed=2)
    blobs.remove(rotten.key)
    blobs.put(rotten.key, pictures.jpeg(seed=3))
    assert findings() == (0, [])
    assert findings("--verify") == (1, [("bytes that have changed", rotten.key, "")])


def test_overdue_pending_blobs_are_found_and_swept(owner):
    blobs.put(STRAY, b"bytes")
    PendingBlob.objects.create(key=STRAY, since=timezone.now() - timedelta(hours=3))
    blobs.register_pending(["originals/cd/young.jpg"])
    assert findings() == (1, [("blob that should have been swept", STRAY, "")])
    assert findings("--repair") == (0, [])
    assert (stored(), [blob.key for blob in PendingBlob.objects.all()]) == (set(), ["originals/cd/young.jpg"])


def test_upload_in_progress_is_no_finding(owner):
    blobs.put(STRAY, b"bytes")
    Upload.objects.create(owner=owner, key=STRAY, filename="x.jpg", size=5, expires_at=timezone.now())
    assert findings() == (0, [])


def test_many_findings_are_listed_in_part(owner):
    for number in range(diff.STEP + 5):
        blobs.put(f"originals/ab/{number:04}.jpg", b"bytes")
    status, output = run()
    assert status == 1
    assert [line.partition(". ")[0] for line in output.splitlines()[:20]] == [
        f"original without a picture: originals/ab/{number:04}.jpg" for number in range(20)
    ]
    assert output.splitlines()[20:] == [
        "original without a picture: 985 more not listed.",
        "1,005 files checked, 1,005 problems found, 0 repaired.",
    ]


def test_unlistable_storage_is_reported(owner, settings, s3_address):
    options = {"bucket_name": "nowhere", "region_name": "us-east-1", "endpoint_url": s3_address}
    storage = {
        "BACKEND": "analysis.storage.s3.SharedS3Storage",
        "OPTIONS": options | {"access_key": "x", "secret_key": "y"},
    }
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    with pytest.raises(
        CommandError, match=r"originals could not be listed: S3 ListObjects in the bucket [a-z]+: NoSuchBucket"
    ):
        run()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--owner", "owner"], "--owner can only be used with --repair."),
        (["--repair", "--owner", "ghost"], "There is no user “ghost”."),
    ],
)
def test_wrong_usage(owner, arguments, message):
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert (str(caught.value), caught.value.returncode) == (message, 2)
