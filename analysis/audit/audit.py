"""Rows and blobs held against each other: what a row misses, what no row owns, and what can be made good.

A suspicion from the list is looked at once more before anything follows from it, for pictures come and go meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import IO

from django.db.models import QuerySet

from analysis.audit import diff
from analysis.audit.diff import STEP, Difference
from analysis.audit.sampling import keys_of, unowned
from analysis.ingest.validation import InvalidImage
from analysis.models import Image, PendingBlob
from analysis.storage import blobs, originals, renditions

OLD = timedelta(hours=2)
"""The sweeper deletes what nobody owned for an hour."""
UNSWEPT, CHANGED, UNREADABLE = "blob that should have been swept", "bytes that have changed", "original unreadable"
MB = 2**20

BringIn = Callable[[IO[bytes], str], Image]
"""Takes a file and its name in by the ordinary door, for somebody; raises ingest's Rejected or blobs.StorageFailed."""


@dataclass(frozen=True)
class AuditFinding:
    """What is wrong with a blob or a picture. `repair` says what was done about it, `hint` what can be."""

    kind: str
    key: str
    image_id: int | None = None
    repair: str = ""
    hint: str = ""


@dataclass(frozen=True)
class AuditStep:
    """So much was gone through of what `total` there is of it, if that is known, with the flaws that were found."""

    what: str
    number: int
    total: int | None = None
    flaws: tuple[AuditFinding, ...] = ()


@dataclass(frozen=True)
class Audit:
    """How far to go: repair or not, how to bring in originals that nobody owns, read all the bytes or not."""

    is_repairing: bool = False
    bring_in: BringIn | None = None
    is_verifying: bool = False

    def run(self) -> Iterator[AuditStep]:
        """Go through everything in bounded steps. Raises blobs.StorageFailed where the storage cannot be listed."""
        yield from self._sweep()
        with diff.listed() as steps:
            for number in steps:
                yield AuditStep("blobs", number)
            total = sum(diff.compare().values())
            for rows in diff.differences():
                for kind, key, image_id in rows:
                    yield AuditStep("differences", 1, total, tuple(self._differing(kind, key, image_id)))
        if self.is_verifying:
            yield from _verified()

    def _sweep(self) -> Iterator[AuditStep]:
        """What waits for its deletion for hours; repaired by deleting it now."""
        before, last = 0, ""
        while self.is_repairing and (left := old_unclaimed().count()) and left != before:
            before = left
            blobs.sweep(older_than=OLD)
        while keys := list(old_unclaimed().filter(key__gt=last).order_by("key").values_list("key", flat=True)[:STEP]):
            last = keys[-1]
            hint = "The storage does not delete it." if self.is_repairing else "Does the scheduler run?"
            yield AuditStep("leftovers", len(keys), flaws=tuple(AuditFinding(UNSWEPT, key, hint=hint) for key in keys))

    def _differing(self, kind: Difference, key: str, image_id: int | None) -> Iterator[AuditFinding]:
        flaw = AuditFinding(kind, key, image_id)
        try:
            image = None if image_id is None else Image.objects.filter(pk=image_id).first()
            if image is not None and not all(map(blobs.exists, _wanted(kind, image))):
                yield (
                    self._missing_rendition(flaw, image)
                    if kind is Difference.RENDITION_MISSING
                    else replace(flaw, hint="Bring the file back under this key from a backup, or remove the picture.")
                )
            elif kind is Difference.ORIGINAL_UNOWNED and _is_unowned(key):
                yield self._unowned_original(flaw)
            elif kind is Difference.RENDITION_UNOWNED and blobs.exists(key) and not _is_rendered(key):
                yield self._unowned_rendition(flaw)
        except blobs.StorageError as error:
            yield replace(flaw, hint=str(error))

    def _unowned_rendition(self, flaw: AuditFinding) -> AuditFinding:
        if not self.is_repairing:
            return replace(flaw, hint="--repair has it swept.")
        blobs.register_pending([flaw.key])
        return replace(flaw, repair="It is swept within two hours.")

    def _missing_rendition(self, flaw: AuditFinding, image: Image) -> AuditFinding:
        if not self.is_repairing:
            return replace(flaw, hint="--repair makes it again; so does whoever looks at the picture.")
        try:
            renditions.remake(image)
        except (InvalidImage, blobs.StorageError) as error:
            return replace(flaw, hint=f"It cannot be made again: {error}")
        return replace(flaw, repair="They were made again.")

    def _unowned_original(self, flaw: AuditFinding) -> AuditFinding:
        """Never deleted as such: somebody gave us this picture."""
        if not self.is_repairing:
            return replace(flaw, hint="--repair --owner NAME brings it in again as a picture of theirs.")
        with blobs.get(flaw.key) as file:
            if restored := _given_back(file):
                blobs.register_pending([flaw.key])
                return replace(flaw, image_id=restored.pk, repair=f"The picture {restored.pk} has its original again.")
            if self.bring_in is None:
                return replace(flaw, hint="Say with --owner NAME whose picture it becomes.")
            file.seek(0)
            try:
                image = self.bring_in(file, flaw.key.rpartition("/")[2])
            except InvalidImage as refusal:
                return replace(flaw, hint=f"It is no picture that may be brought in: {refusal}")
        blobs.register_pending([flaw.key])  # the same bytes are kept by the picture, under its own key
        return replace(flaw, image_id=image.pk, repair=f"It is the picture {image.pk}.")


def old_unclaimed() -> QuerySet[PendingBlob]:
    """Blobs that the sweeper should have deleted long ago."""
    return blobs.orphaned(older_than=OLD)


def _is_unowned(key: str) -> bool:
    return unowned([key]) == [key] and blobs.exists(key)


def _wanted(kind: Difference, image: Image) -> list[str]:
    """The blobs of a picture that this difference is about, as its row names them by now."""
    return [key for key in keys_of(image) if (key == image.key) is (kind is Difference.ORIGINAL_MISSING)]


def _is_rendered(key: str) -> bool:
    """Whether a picture, or an announcement, owns this rendition by now."""
    renditions_id = key.rpartition("/")[2].partition("-")[0]
    is_announced = PendingBlob.objects.filter(key=key).exists()
    is_id = len(renditions_id) == 32 and renditions_id.isalnum()
    return is_announced or (is_id and Image.objects.filter(renditions_id=renditions_id).exists())


def _given_back(file: IO[bytes]) -> Image | None:
    """The picture that these bytes are the lost original of, with it back in its place."""
    for image in Image.objects.filter(sha256=_sha256(file), bucket=None):
        if not blobs.exists(image.key):
            blobs.put(image.key, file)
            return image
    return None


def _verified() -> Iterator[AuditStep]:
    """Read every original and compare its bytes with the hash they had when they came."""
    total, last = Image.objects.count(), 0
    while step := list(Image.objects.filter(pk__gt=last).select_related("bucket").order_by("pk")[:STEP]):
        last = step[-1].pk
        for image in step:
            yield AuditStep("originals", 1, total, tuple(_rotten(image)))


def _rotten(image: Image) -> Iterator[AuditFinding]:
    try:
        with originals.get(image) as file:
            if _sha256(file) == image.sha256:
                return
    except blobs.BlobMissing:
        return  # told above
    except blobs.StorageError as error:
        yield AuditFinding(UNREADABLE, image.key, image.pk, hint=str(error))
        return
    yield AuditFinding(CHANGED, image.key, image.pk, hint="Bring the file back from a backup.")


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(MB):
        digest.update(chunk)
    return digest.hexdigest()
