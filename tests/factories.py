"""Model factories with minimal defaults. tests/pictures.py draws image files."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from django.contrib.auth import get_user_model
from django.utils import timezone

from analysis.models import Analysis, Bucket, BucketObject, Image, ImageEmbedding, ImageLabel, Label
from analysis.models.embeddings import DIMENSIONS
from analysis.recognition.embeddings.queue import MODEL_VERSION
from analysis.recognition.reindex_images import reindex

_sequence = itertools.count(1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def create_user(name: str | None = None, **fields):
    return get_user_model().objects.create_user(username=name or f"person-{next(_sequence)}", password="word", **fields)


def create_image(owner, **fields) -> Image:
    """A row without files, added one minute after the previous one."""
    number = next(_sequence)
    defaults = {
        "filename": f"picture-{number}.jpg",
        "key": f"originals/{number}.jpg",
        "renditions_id": uuid.uuid4(),
        "sha256": f"{number:064x}",
        "size": 1000,
        "width": 1200,
        "height": 800,
        "format": "jpeg",
        "added_at": START + timedelta(minutes=number),
    }
    return Image.objects.create(owner=owner, **{**defaults, **fields})


def create_bucket(owner, **fields) -> Bucket:
    return Bucket.objects.create(owner=owner, **{"name": "photos", "region": "us-east-1", **fields})


def create_bucket_image(bucket: Bucket, key: str, **fields) -> Image:
    """A picture in a bucket and its object row."""
    image = create_image(bucket.owner, bucket=bucket, key=key, filename=key.rpartition("/")[2], **fields)
    BucketObject.objects.create(
        bucket=bucket, key=key, state="present", image=image, etag=image.etag, version_id=image.version_id
    )
    return image


def labels_answer(**confidences: float) -> dict:
    """A response of the labels API: labels_answer(Dog=98.5, Pet=97)."""
    labels = [
        {
            "Name": name.replace("_", " "),
            "Confidence": confidence,
            "Instances": [],
            "Parents": [],
            "Aliases": [],
            "Categories": [],
        }
        for name, confidence in confidences.items()
    ]
    return {"Labels": labels, "LabelModelVersion": "3.0"}


def create_analysis(image: Image, api: str = "labels", state: str = "queued", **fields) -> Analysis:
    defaults: dict = {"recognizer": "local"}
    if state == "running":
        defaults["claimed_until"] = timezone.now() + timedelta(minutes=1)
    if state == "done":
        defaults |= {"model_version": "3.0", "answer": {}, "finished_at": timezone.now(), "is_current": True}
    if state == "failed":
        defaults |= {
            "error_code": "InvalidImageFormatException",
            "error_message": "It is no picture.",
            "finished_at": timezone.now(),
        }
    return Analysis.objects.create(image=image, api=api, state=state, **{**defaults, **fields})


def create_labeled_image(owner, confidences: dict[str, float], **fields) -> Image:
    """A picture with a current, indexed labels response."""
    image = create_image(owner, **fields)
    create_analysis(image, state="done", answer=labels_answer(**confidences))
    reindex([image.pk])
    return image


def label_rows(image: Image) -> dict[str, float]:
    """The label index of a picture: percent by label name."""
    rows = ImageLabel.objects.filter(image=image).select_related("label")
    return {row.label.name: row.percent for row in rows}


def create_label(name: str, kind: str = "label") -> Label:
    return Label.objects.get_or_create(kind=kind, name=name)[0]


def create_embedding(image: Image, vector: Sequence[float], **fields) -> ImageEmbedding:
    """A vector of length 1 that begins with these numbers, scaled."""
    numbers = np.zeros(DIMENSIONS, np.float32)
    numbers[: len(vector)] = vector
    defaults = {"model_version": MODEL_VERSION, "next_attempt_at": None}
    return ImageEmbedding.objects.create(
        image=image, vector=numbers / np.linalg.norm(numbers), **{**defaults, **fields}
    )
