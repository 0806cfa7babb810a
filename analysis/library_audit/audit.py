"""Audit: comparison of image rows with stored files, and repair.

Images are added and removed while it runs, so each difference is checked again before it is reported or repaired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import IO

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from analysis.formatting import translated
from analysis.ingest.validation import InvalidImage
from analysis.library_audit import diff
from analysis.library_audit.diff import STEP, Difference
from analysis.library_audit.sampling import keys_of, unowned
from analysis.models import Image, PendingBlob
from analysis.storage import blobs, originals, orphaned_files, renditions

SWEEP_OVERDUE = timedelta(hours=2)
"""Age of an overdue file: the sweeper deletes files without image after an hour."""
UNSWEPT, CHANGED, UNREADABLE = "blob that should have been swept", "bytes that have changed", "original unreadable"
MB = 2**20


@dataclass(frozen=True)
class AuditFinding:
    """A defect of a file or an image.

    `repair`: what was done about it. `hint`: what can be done.
    """

    kind: str
    key: str
    image_id: int | None = None
    repair: str = ""
    hint: str = ""

    @property
    def needs_owner(self) -> bool:
        """True for an original without image, which may become an image of a user."""
        return self.kind == Difference.ORIGINAL_UNOWNED and not self.repair


@dataclass(frozen=True)
class AuditStep:
    """Progress: `number` more items of `total`, if known, with their defects."""

    unit: str
    number: int
    total: int | None = None
    findings: tuple[AuditFinding, ...] = ()


@dataclass(frozen=True)
class Audit:
    """An audit, optionally with repair, and with verification of all originals."""

    is_repairing: bool = False
    is_verifying: bool = False

    def run(self) -> Iterator[AuditStep]:
        """Run in bounded steps. Raises StorageError where the storage cannot be listed."""
        yield from self._find_unswept()
        with diff.stored_keys() as steps:
            for number in steps:
                yield AuditStep("blobs", number)
            total = sum(diff.compare().values())
            for rows in diff.differences():
                for kind, key, image_id in rows:
                    yield AuditStep("differences", 1, total, tuple(self._check(kind, key, image_id)))
        if self.is_verifying:
            yield from _verify_originals()

    def _find_unswept(self) -> Iterator[AuditStep]:
        """Files that the sweeper should have deleted; repaired by deleting them."""
        # Stops when a sweep deletes nothing more: a storage that refuses deletion would keep the loop busy forever.
        before, last = 0, ""
        while self.is_repairing and (count := overdue_blobs().count()) and count != before:
            before = count
            orphaned_files.delete(older_than=SWEEP_OVERDUE)
        while keys := list(overdue_blobs().filter(key__gt=last).order_by("key").values_list("key", flat=True)[:STEP]):
            last = keys[-1]
            hint = _("The storage refuses to delete it.") if self.is_repairing else _("Check that the scheduler runs.")
            findings = tuple(AuditFinding(UNSWEPT, key, hint=hint) for key in keys)
            yield AuditStep("leftovers", len(keys), findings=findings)

    def _check(self, kind: Difference, key: str, image_id: int | None) -> Iterator[AuditFinding]:
        finding = AuditFinding(kind, key, image_id)
        try:
            # Both sides are read again, since the picture may have been added, deleted or rendered again after the
            # listing.
            image = None if image_id is None else Image.objects.filter(pk=image_id).first()
            if image is not None and not all(map(blobs.exists, _expected_keys(kind, image))):
                yield (
                    self._missing_rendition(finding, image)
                    if kind is Difference.RENDITION_MISSING
                    else replace(
                        finding, hint=_("Restore the file under this key from a backup, or delete the picture.")
                    )
                )
            elif kind is Difference.ORIGINAL_UNOWNED and _is_unowned(key):
                yield self._unowned_original(finding)
            elif kind is Difference.RENDITION_UNOWNED and blobs.exists(key) and not _has_owner(key):
                yield self._unowned_rendition(finding)
        except blobs.StorageError as error:
            yield replace(finding, hint=str(error))

    def _unowned_rendition(self, finding: AuditFinding) -> AuditFinding:
        if not self.is_repairing:
            return replace(finding, hint=_("--repair deletes it."))
        # The sweeper deletes it later, after checking once more that no picture needs the file.
        blobs.register_pending([finding.key])
        return replace(finding, repair=_("It will be deleted within two hours."))

    def _missing_rendition(self, finding: AuditFinding, image: Image) -> AuditFinding:
        if not self.is_repairing:
            return replace(finding, hint=_("--repair renders it again; so does opening the picture."))
        try:
            renditions.remake(image)
        except (InvalidImage, blobs.StorageError) as error:
            return replace(finding, hint=_("It cannot be rendered: %(error)s") % {"error": translated(error)})
        return replace(finding, repair=_("Rendered again."))

    def _unowned_original(self, finding: AuditFinding) -> AuditFinding:
        """Restore an original; it is never deleted, since it may be the only copy."""
        if not self.is_repairing:
            return replace(finding, hint=_("--repair --owner NAME imports it as a picture of that user."))
        with blobs.get(finding.key) as file:
            image = _restore_original(file)
        if image is None:
            return replace(finding, hint=_("Choose the owner of the picture with --owner NAME."))
        blobs.register_pending([finding.key])
        repair = _("The original of picture %(id)s was restored.") % {"id": image.pk}
        return replace(finding, image_id=image.pk, repair=repair)


def overdue_blobs() -> QuerySet[PendingBlob]:
    """Files that the sweeper should have deleted by now."""
    return orphaned_files.orphaned(older_than=SWEEP_OVERDUE)


def _is_unowned(key: str) -> bool:
    return unowned([key]) == [key] and blobs.exists(key)


def _expected_keys(kind: Difference, image: Image) -> list[str]:
    """Keys of an image that a difference is about, by its current row."""
    return [key for key in keys_of(image) if (key == image.key) is (kind is Difference.ORIGINAL_MISSING)]


def _has_owner(key: str) -> bool:
    """True if a rendition belongs to an image, or is about to."""
    renditions_id = key.rpartition("/")[2].partition("-")[0]
    is_pending = PendingBlob.objects.filter(key=key).exists()
    # Checked here, since PostgreSQL raises an error for text that is not a UUID, and the folder may contain any file.
    is_id = len(renditions_id) == 32 and renditions_id.isalnum()
    return is_pending or (is_id and Image.objects.filter(renditions_id=renditions_id).exists())


def _restore_original(file: IO[bytes]) -> Image | None:
    """Store a file as the lost original of an image with the same bytes."""
    # Several owners may have the same bytes, each with an original of their own, and any of them may have lost it.
    for image in Image.objects.filter(sha256=_sha256(file), bucket=None):
        if not blobs.exists(image.key):
            blobs.put(image.key, file)
            return image
    return None


def _verify_originals() -> Iterator[AuditStep]:
    """Read all originals and compare their hashes."""
    # In steps instead of one long query: reading all originals takes hours, and such an old snapshot keeps VACUUM from
    # removing dead rows.
    total, last = Image.objects.count(), 0
    while step := list(Image.objects.filter(pk__gt=last).select_related("bucket").order_by("pk")[:STEP]):
        last = step[-1].pk
        for image in step:
            yield AuditStep("originals", 1, total, tuple(_verify(image)))


def _verify(image: Image) -> Iterator[AuditFinding]:
    try:
        with originals.get(image) as file:
            if _sha256(file) == image.sha256:
                return
    except blobs.BlobMissing:
        return  # reported by the comparison
    except blobs.StorageError as error:
        yield AuditFinding(UNREADABLE, image.key, image.pk, hint=str(error))
        return
    yield AuditFinding(CHANGED, image.key, image.pk, hint=_("Restore the file from a backup."))


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(MB):
        digest.update(chunk)
    return digest.hexdigest()
