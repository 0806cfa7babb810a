"""Rows and blobs held against each other, in a folder and in S3, and what --repair makes good."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO, StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from analysis import pipeline
from analysis.audit import diff
from analysis.audit.sampling import keys_of
from analysis.models import Image, PendingBlob, Upload
from analysis.storage import blobs
from tests import pictures
from tests.storage.test_s3 import bucket, s3_address  # noqa: F401

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


def told(*arguments) -> tuple[int, list[tuple[str, str, str]]]:
    """Exit status; kind, key and what was done, of each flaw."""
    status, said = run("--json", *arguments)
    report = json.loads(said)
    assert report["is_fine"] == (status == 0)
    return status, [(flaw["kind"], flaw["key"], flaw["repair"]) for flaw in report["flaws"]]


def receive(owner, *, seed=1) -> Image:
    return pipeline.ingest_file(BytesIO(pictures.jpeg(seed=seed)), name="dog.jpg", owner_id=owner.pk).image


def stored() -> set[str]:
    return {key for folder in diff.FOLDERS for key in blobs.list_keys(folder)}


def test_where_all_belongs_together_nothing_is_told(owner, storage):
    kept = [receive(owner, seed=seed) for seed in (1, 2)]
    assert run() == (0, "6 blobs listed; 0 flaws found, 0 repaired.\n")
    assert run("--verify")[1] == "6 blobs listed, 2 originals read; 0 flaws found, 0 repaired.\n"
    assert stored() == {key for image in kept for key in keys_of(image)}


def test_each_flaw_is_told_and_nothing_changed(owner, storage):
    bare, blind, _ = (receive(owner, seed=seed) for seed in (1, 2, 3))
    blobs.remove(bare.key)
    for key in keys_of(blind)[1:]:
        blobs.remove(key)
    for key in (STRAY, FORGOTTEN):
        blobs.put(key, b"bytes")
    before = stored()
    assert told() == (
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
    status, said = run()
    lines = said.splitlines()
    assert status == 1
    assert lines[1] == (
        f"picture without its original: {bare.key} (picture {bare.pk}). "
        "Restore the file under this key from a backup, or delete the picture."
    )
    assert lines[-1] == f"{len(before)} blobs listed; 4 flaws found, 0 repaired."


def test_renditions_are_made_again_and_those_of_nobody_swept(owner, storage):
    image = receive(owner)
    blobs.remove(keys_of(image)[1])
    blobs.put(FORGOTTEN, b"bytes")
    status, flaws = told("--repair")
    assert (status, [repair for *_, repair in flaws]) == (
        0,
        ["It will be deleted within two hours.", "Rendered again."],
    )
    image.refresh_from_db()
    assert {FORGOTTEN, *keys_of(image)} == stored()
    assert told() == (0, [])  # what is announced belongs to the sweeper
    PendingBlob.objects.update(since=timezone.now() - timedelta(hours=2))
    blobs.sweep(older_than=timedelta(hours=1))
    assert stored() == set(keys_of(image))


def test_an_original_of_nobody_is_kept_until_somebody_owns_it(owner, storage):
    blobs.put(STRAY, pictures.jpeg(seed=7))
    blobs.put("originals/ab/half.jpg", pictures.jpeg(seed=8)[:500])
    status, flaws = told("--repair")
    assert (status, [repair for *_, repair in flaws]) == (1, ["", ""])
    assert not PendingBlob.objects.exists()
    status, flaws = told("--repair", "--owner", "owner")
    image = Image.objects.get()
    assert (status, [repair for *_, repair in flaws]) == (1, [f"Imported as picture {image.pk}.", ""])
    assert (image.owner, image.filename) == (owner, "abandoned.jpg")
    with blobs.get(image.key) as original:
        assert original.read() == pictures.jpeg(seed=7)
    assert [each.key for each in PendingBlob.objects.all()] == [STRAY]
    assert "originals/ab/half.jpg" in stored()


def test_a_lost_original_that_lies_elsewhere_is_given_back(owner, storage):
    image = receive(owner)
    with blobs.get(image.key) as original:
        blobs.put(STRAY, original.read())
    blobs.remove(image.key)
    assert told("--repair") == (
        0,
        [("original without a picture", STRAY, f"Picture {image.pk} has its original again.")],
    )
    with blobs.get(image.key) as original:
        assert original.read() == pictures.jpeg(seed=1)
    assert Image.objects.get() == image


def test_a_rendition_whose_original_is_gone_cannot_be_made_again(owner):
    image = receive(owner)
    for key in keys_of(image):
        blobs.remove(key)
    status, said = run("--repair")
    assert status == 1
    assert f"It cannot be rendered: The storage has no file {image.key}." in said


def test_bytes_that_have_changed_are_found_by_reading_them(owner, storage):
    rotten, _ = receive(owner, seed=1), receive(owner, seed=2)
    blobs.remove(rotten.key)
    blobs.put(rotten.key, pictures.jpeg(seed=3))
    assert told() == (0, [])
    assert told("--verify") == (1, [("bytes that have changed", rotten.key, "")])


def test_leftovers_that_nobody_swept_are_told_and_swept(owner):
    blobs.put(STRAY, b"bytes")
    PendingBlob.objects.create(key=STRAY, since=timezone.now() - timedelta(hours=3))
    blobs.register_pending(["originals/cd/young.jpg"])
    assert told() == (1, [("blob that should have been swept", STRAY, "")])
    assert told("--repair") == (0, [])
    assert (stored(), [each.key for each in PendingBlob.objects.all()]) == (set(), ["originals/cd/young.jpg"])


def test_an_upload_on_its_way_is_no_flaw(owner):
    blobs.put(STRAY, b"bytes")
    Upload.objects.create(owner=owner, key=STRAY, filename="x.jpg", size=5, expires_at=timezone.now())
    assert told() == (0, [])


def test_a_list_of_many_is_read_in_steps_and_named_in_part(owner):
    for number in range(diff.STEP + 5):
        blobs.put(f"originals/ab/{number:04}.jpg", b"bytes")
    status, said = run()
    assert status == 1
    assert [line.partition(". ")[0] for line in said.splitlines()[:20]] == [
        f"original without a picture: originals/ab/{number:04}.jpg" for number in range(20)
    ]
    assert said.splitlines()[20:] == [
        "original without a picture: and 985 more.",
        "1,005 blobs listed; 1,005 flaws found, 0 repaired.",
    ]


def test_a_storage_that_cannot_be_listed_is_said(owner, settings, s3_address):  # noqa: F811
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
        (["--owner", "owner"], "--owner is for --repair."),
        (["--repair", "--owner", "ghost"], "There is nobody called 'ghost'."),
    ],
)
def test_wrong_usage(owner, arguments, message):
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert (str(caught.value), caught.value.returncode) == (message, 2)
