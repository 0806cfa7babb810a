"""Deleting images forever: their rows, and then their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from analysis.models import BucketObject, Image, ImageQuerySet, OriginalDeletion
from analysis.storage import blobs

DELETED, QUEUED, KEPT = "deleted", "queued", "kept"
"""Outcome for an original in our storage; in a bucket that allows deletion; in one that does not."""


@dataclass(frozen=True)
class Removed:
    """Facts about a deleted image, by which its file can be identified later."""

    image_id: int
    filename: str
    sha256: str
    size: int
    owner: str
    added: str
    trashed: str
    original: str

    @property
    def freed(self) -> int:
        """Bytes of the original, unless it stays in a bucket."""
        return 0 if self.original == KEPT else self.size

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@transaction.atomic
def remove(images: ImageQuerySet, *, by_id: int | None) -> list[Removed]:
    """Delete the images that still match the queryset, in the order of their ids.

    Their rows and everything derived are deleted now, their files on commit or by the sweeper. The ledger's calls stay.
    """
    # Locked before their analyses, in the order of save_results. After waiting for a lock PostgreSQL checks the
    # condition again, and leaves out images that no longer match, for example restored ones.
    locked = images.select_for_update(of=("self",)).select_related("bucket", "owner").order_by("pk")
    rows = list(locked.defer("placeholder", "signature", "description"))
    ids = [image.pk for image in rows]
    keys = [key for image in rows for key in _keys(image)]
    blobs.register_pending(keys)
    _drop_objects(rows, by_id=by_id)
    Image.objects.filter(pk__in=ids).delete()
    # robust, since an error of the storage must not keep later callbacks from running.
    transaction.on_commit(lambda: blobs.delete_pending(keys), robust=True)
    return [_removed(image) for image in rows]


def remove_image(image: Image, *, by_id: int | None = None) -> None:
    """`remove` for one image."""
    remove(Image.objects.filter(pk=image.pk), by_id=by_id)


def _keys(image: Image) -> list[str]:
    """Keys of the files in our storage."""
    own = [image.key] if image.bucket is None else []
    return [*own, *blobs.rendition_keys(image.renditions_id)]


def _drop_objects(images: Sequence[Image], *, by_id: int | None) -> None:
    """Mark objects in buckets as dropped, and queue those to delete.

    No sync imports a dropped object again.
    """
    in_buckets = [image for image in images if image.bucket is not None]
    BucketObject.objects.filter(image__in=in_buckets).exclude(state=BucketObject.State.GONE).update(
        state=BucketObject.State.DROPPED, image=None
    )
    OriginalDeletion.objects.bulk_create(
        OriginalDeletion(
            bucket=image.bucket,
            key=image.key,
            version_id=image.version_id,
            etag=image.etag,
            image_id=image.pk,
            filename=image.filename,
            actor_id=by_id,
        )
        for image in in_buckets
        if image.bucket is not None and image.bucket.may_delete
    )


def _removed(image: Image) -> Removed:
    return Removed(
        image_id=image.pk,
        filename=image.filename,
        sha256=image.sha256,
        size=image.size,
        owner=image.owner.get_username(),
        added=image.added_at.isoformat(),
        trashed=image.trashed_at.isoformat() if image.trashed_at else "",
        original=_original(image),
    )


def _original(image: Image) -> str:
    if image.bucket is None:
        return DELETED
    return QUEUED if image.bucket.may_delete else KEPT
