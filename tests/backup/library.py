"""A small library with rows in nearly all tables, and its rows and files."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from io import BytesIO
from pathlib import Path

from django.db import connection
from django.utils import timezone

from analysis import pipeline
from analysis.backup.snapshot import count_rows
from analysis.models import Collection, CollectionImage, Export, Image, ImageEmbedding, Upload
from analysis.storage import blobs
from tests import pictures
from tests.admin.example_rows import create_example_rows
from tests.factories import create_embedding, create_user

NAMES = ("beach.jpg", "dog.jpg", "thrown away.jpg")


def fill() -> Image:
    """Pictures with files, one in the trash, a dataset, and an example of each model."""
    owner = create_user("owner", is_superuser=True)
    create_example_rows(owner)
    # The examples are rows without files; these have them.
    for image in Image.objects.filter(bucket=None):
        content = f"original {image.pk}".encode()
        blobs.put(image.key, content)
        columns = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        Image.objects.filter(pk=image.pk).update(**columns)
    for number, name in enumerate(NAMES):
        content = pictures.encoded(pictures.photo(number), "jpeg")
        pipeline.ingest_file(BytesIO(content), name=name, owner_id=owner.pk)
    image = Image.objects.get(filename="dog.jpg")
    Image.objects.filter(filename="thrown away.jpg").update(trashed_at=timezone.now())
    ImageEmbedding.objects.filter(image=image).delete()
    create_embedding(image, [1, 2, 3])
    Image.objects.filter(pk=image.pk).update(title="Ein Hund \u2028 \\. \t", file_values={"title": ""})
    CollectionImage.objects.create(collection=Collection.objects.first(), image=image, position="a")
    blobs.put("exports/dataset.csv", b"id,label\n")
    Export.objects.create(
        owner=owner, format="csv", name="set", version=1, state="done", key="exports/dataset.csv", size=9
    )
    blobs.put("uploads/arrived", b"not examined yet")
    later = timezone.now() + timedelta(hours=1)
    Upload.objects.create(
        owner=owner, key="uploads/arrived", filename="a.jpg", size=16, expires_at=later, state="arrived"
    )
    return image


def all_rows() -> dict[str, list[str]]:
    """Each table's rows as text."""
    rows = {}
    with connection.cursor() as cursor:
        for table in count_rows():
            cursor.execute(f'SELECT entry::text FROM "{table}" entry ORDER BY 1')
            rows[table] = [text for (text,) in cursor.fetchall()]
    return rows


def all_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def empty_database() -> None:
    """Drop everything, as on a new server."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
