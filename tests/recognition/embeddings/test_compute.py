"""From an added picture to its vector, with the real model."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from analysis import leases, pipeline, tasks
from analysis.health.embeddings import check_embeddings
from analysis.models import Image, ImageEmbedding
from analysis.recognition.embeddings import compute, projection, queue
from analysis.storage import blobs
from tests import factories, pictures, worker


def ingest(owner, picture, form: str = "jpeg", **options) -> Image:
    content = pictures.encoded(picture, form, **options)
    return pipeline.ingest_file(io.BytesIO(content), name=f"picture.{form}", owner_id=owner.pk).image


def similarity(a: Image, b: Image) -> float:
    vectors = [np.array(ImageEmbedding.objects.get(pk=image.pk).vector) for image in (a, b)]
    return float(vectors[0] @ vectors[1])


def make_due() -> None:
    ImageEmbedding.objects.update(next_attempt_at=Now())


@pytest.fixture
def cat(owner) -> Image:
    from skimage import data

    return ingest(owner, pictures.Image.fromarray(data.chelsea()))


def test_added_picture_is_queued_and_computed(cat):
    assert queue.is_due() is True
    tasks.compute_embeddings()
    row = ImageEmbedding.objects.get(image=cat)
    assert (row.model_version, row.next_attempt_at, row.error, row.attempts) == (queue.MODEL_VERSION, None, "", 0)
    assert np.linalg.norm(row.vector) == pytest.approx(1, abs=1e-3)
    assert queue.is_due() is False


@pytest.mark.usefixtures("transactional_db")
def test_sweeper_has_a_worker_compute_what_is_due(owner):
    ingest(owner, pictures.photo(3))
    with worker.started():  # which finishes all tasks
        tasks.sweep.delay()
    assert queue.counts().current == 1


def test_versions_of_a_picture_are_nearer_than_other_pictures(cat, owner):
    from skimage import data

    half = ingest(owner, pictures.Image.fromarray(data.chelsea()).crop((40, 20, 420, 290)), quality=40)
    rocket = ingest(owner, pictures.Image.fromarray(data.rocket()))
    compute.compute_due()
    assert similarity(cat, half) > 0.8
    assert similarity(cat, rocket) < 0.4


@pytest.mark.usefixtures("rekognition")
def test_pictures_for_rekognition_are_computed_as_well(cat):
    compute.compute_due()
    assert queue.counts().current == 1


@pytest.mark.parametrize("size", [(1, 1), (300, 300), (2000, 3)])
def test_flat_and_tiny_pictures_are_computed(owner, size):
    ingest(owner, pictures.Image.new("RGB", size, (12, 12, 12)), "png")
    compute.compute_due()
    assert queue.counts() == queue.EmbeddingCounts(current=1, waiting=0, failed=0, outdated=0, missing=0)


def test_missing_thumbnail_is_made_again(cat):
    blobs.erase(blobs.rendition_key(cat.renditions_id, "thumb"))
    compute.compute_due()
    assert queue.counts().current == 1


def test_missing_files_are_retried_then_reported(cat):
    for key in (cat.key, blobs.rendition_key(cat.renditions_id, "thumb")):
        blobs.erase(key)
    compute.compute_due()
    row = ImageEmbedding.objects.get()
    assert (row.attempts, row.next_attempt_at is None) == (1, False)
    assert row.error
    for _ in range(leases.MAX_ATTEMPTS - 1):
        make_due()
        compute.compute_due()
    assert ImageEmbedding.objects.get().next_attempt_at is None
    finding = check_embeddings()
    assert ("1 failed" in finding.sentence, finding.next_step) == (True, "Run `manage.py embed_images`.")


def test_damaged_thumbnail_fails_at_once(cat):
    key = blobs.rendition_key(cat.renditions_id, "thumb")
    blobs.erase(key)
    blobs.put(key, b"no picture")
    compute.compute_due()
    row = ImageEmbedding.objects.get()
    assert (row.attempts, row.next_attempt_at) == (1, None)
    assert row.error.startswith("The thumbnail can't be decoded: ")


def test_picture_that_ends_each_worker_fails(cat):
    ImageEmbedding.objects.update(attempts=leases.MAX_ATTEMPTS)
    compute.compute_due()
    row = ImageEmbedding.objects.get()
    assert (row.error, row.next_attempt_at) == ("Every worker that tried to compute it stopped unexpectedly.", None)


def test_replaced_original_is_computed_again_though_a_worker_has_the_old_one(cat):
    row = leases.claim(ImageEmbedding.objects.defer("vector"), lease=compute.LEASE)
    queue.enqueue([cat.pk])
    compute._save(row, vector=projection.reduce(np.ones(1280, np.float32)))
    assert ImageEmbedding.objects.get().vector is None
    assert queue.is_due() is True


def test_command_computes_missing_failed_and_outdated_pictures(owner, capsys):
    images = [ingest(owner, pictures.photo(seed)) for seed in range(4)]
    compute.compute_due()
    ImageEmbedding.objects.filter(pk=images[0].pk).delete()
    ImageEmbedding.objects.filter(pk=images[1].pk).update(vector=None, model_version="", error="It failed.")
    ImageEmbedding.objects.filter(pk=images[2].pk).update(model_version="older")
    assert queue.counts() == queue.EmbeddingCounts(current=1, waiting=0, failed=1, outdated=1, missing=1)
    call_command("embed_images", dry_run=True, as_json=True)
    assert json.loads(capsys.readouterr().out)["current"] == 1
    call_command("embed_images", queue_only=True, as_json=True)
    assert json.loads(capsys.readouterr().out)["waiting"] == 3
    call_command("embed_images", as_json=True)
    expected = {"current": 4, "waiting": 0, "failed": 0, "outdated": 0, "missing": 0}
    assert json.loads(capsys.readouterr().out) == expected
    call_command("embed_images")
    assert capsys.readouterr().out == "4 pictures can be compared, 0 waiting, 0 failed, 0 to be computed.\n"


def test_command_says_what_is_missing_without_pgvector(without_pgvector):
    with pytest.raises(CommandError, match=r"doesn't have the pgvector extension.* Install pgvector"):
        call_command("embed_images")


def test_nothing_is_queued_where_it_is_switched_off(owner, settings):
    settings.SIMILAR_PICTURES = False
    ingest(owner, pictures.photo(1))
    assert ImageEmbedding.objects.count() == 0
    assert compute.compute_due() is False
    assert "SIMILAR_PICTURES" in check_embeddings().sentence


def test_only_one_thread_of_a_process_computes(cat):
    with compute.SLOT:
        assert compute.compute_due() is False
    assert queue.counts().waiting == 1


def test_doctor_names_pictures_without_embedding(owner):
    image = factories.create_image(owner)
    factories.create_embedding(image, [1])
    assert (check_embeddings().sentence, check_embeddings().next_step) == (
        "1 picture can be compared for similarity.",
        "",
    )
    factories.create_image(owner)
    assert check_embeddings().sentence == "1 picture can be compared for similarity. 1 without an embedding."
