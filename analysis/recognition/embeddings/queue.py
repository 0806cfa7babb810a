"""The queue of embeddings: the rows of their table that are due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from analysis import leases
from analysis.models import Image, ImageEmbedding
from analysis.recognition.embeddings import table
from analysis.recognition.local.prepared_models import has_classifier

MODEL_VERSION = "efficientnet-lite0 1"
"""To be changed with everything that affects the vectors: weights, views of the picture, projection."""
STEP = 10_000


@dataclass(frozen=True)
class EmbeddingCounts:
    """Numbers of pictures by the state of their embedding."""

    current: int
    waiting: int
    failed: int
    outdated: int
    missing: int


def is_enabled() -> bool:
    """True if the setting is on and pgvector and the model are available."""
    return settings.SIMILAR_PICTURES and table.exists() and has_classifier()


def is_due() -> bool:
    return is_enabled() and leases.due(ImageEmbedding.objects.all()).exists()


def enqueue(image_ids: Iterable[int]) -> None:
    """Queue new pictures, and those whose original was replaced.

    Runs in the caller's transaction.
    """
    if not (settings.SIMILAR_PICTURES and table.exists()):
        return
    with connection.cursor() as cursor:
        # By a changed `attempts`, a worker that computes the previous original's vector sees that it is outdated.
        cursor.execute(
            f"""INSERT INTO {table.TABLE} (image_id) SELECT unnest(%s::bigint[])
                ON CONFLICT (image_id) DO UPDATE SET next_attempt_at = now(), attempts = 0, error = ''""",
            [list(image_ids)],
        )


def enqueue_all_missing() -> Iterator[int]:
    """Queue pictures without a vector of this model; yields the number per step.

    Includes failed ones. Each step is committed, so an interrupted run can be continued.
    """
    last: int | None = 0
    while last is not None:
        ids = list(Image.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:STEP])
        last = ids[-1] if ids else None
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table.TABLE} (image_id) SELECT unnest(%s::bigint[]) ON CONFLICT DO NOTHING",
                [ids],
            )
            added = cursor.rowcount
        stale = _stale().filter(pk__in=ids)
        yield added + stale.update(next_attempt_at=Now(), attempts=0, error="")


def counts() -> EmbeddingCounts:
    """Count the pictures, by indexes alone: the vectors may take a gigabyte."""
    with connection.cursor() as cursor:
        # "< or >" instead of "<>", for which PostgreSQL uses no index.
        cursor.execute(
            f"""SELECT (SELECT count(*) FROM analysis_image),
                       (SELECT count(*) FROM {table.TABLE}),
                       (SELECT count(*) FROM {table.TABLE} WHERE next_attempt_at IS NOT NULL),
                       (SELECT count(*) FROM {table.TABLE} WHERE error <> '' AND next_attempt_at IS NULL),
                       (SELECT count(*) FROM {table.TABLE} WHERE (model_version < %s OR model_version > %s)
                        AND next_attempt_at IS NULL AND error = '')""",
            [MODEL_VERSION, MODEL_VERSION],
        )
        images, rows, waiting, failed, outdated = cursor.fetchone()
    current = rows - waiting - failed - outdated
    return EmbeddingCounts(current, waiting, failed, outdated, missing=images - rows)


def waiting_error() -> str:
    """The latest error of a picture that will be tried again; empty if none.

    For example that the model cannot be loaded.
    """
    tried = ImageEmbedding.objects.exclude(next_attempt_at=None).exclude(error="")
    return tried.order_by("-next_attempt_at").values_list("error", flat=True).first() or ""


def has_vector(image_id: int) -> bool:
    return ImageEmbedding.objects.filter(pk=image_id, vector__isnull=False).exists()


def failure(image_id: int) -> str:
    """Why a picture has no vector; empty if it is only waiting."""
    return ImageEmbedding.objects.filter(pk=image_id).values_list("error", flat=True).first() or ""


def _stale() -> QuerySet[ImageEmbedding]:
    """Rows that are not queued, and failed or have a vector of another model."""
    return ImageEmbedding.objects.filter(~Q(error="") | ~Q(model_version=MODEL_VERSION), next_attempt_at=None)
