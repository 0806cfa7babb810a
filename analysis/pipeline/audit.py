"""Audit of rows and stored files, with the import of originals that have no image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.utils.translation import gettext as _

from analysis.formatting import translated
from analysis.ingest.validation import InvalidImage
from analysis.library_audit.audit import Audit, AuditFinding, AuditStep
from analysis.pipeline.images import ingest_file
from analysis.storage import blobs


def audit(*, is_repairing: bool, is_verifying: bool, owner_id: int | None) -> Iterator[AuditStep]:
    """Compare rows with stored files.

    Originals without image become images of `owner_id`, if given.

    Raises StorageError.
    """
    for step in Audit(is_repairing=is_repairing, is_verifying=is_verifying).run():
        findings = step.findings
        if is_repairing and owner_id is not None:
            findings = tuple(_import_unowned(finding, owner_id=owner_id) for finding in findings)
        yield replace(step, findings=findings)


def _import_unowned(finding: AuditFinding, *, owner_id: int) -> AuditFinding:
    if not finding.needs_owner:
        return finding
    try:
        # Examined like any upload, since no picture has this file and nothing is known about its bytes.
        with blobs.get(finding.key) as file:
            image = ingest_file(file, name=finding.key.rpartition("/")[2], owner_id=owner_id).image
    except InvalidImage as error:
        return replace(finding, hint=_("It is not an accepted picture: %(reason)s") % {"reason": translated(error)})
    except blobs.StorageError as error:
        return replace(finding, hint=str(error))
    blobs.register_pending([finding.key])  # the image has a copy under its own key
    return replace(finding, image_id=image.pk, hint="", repair=_("Imported as picture %(id)s.") % {"id": image.pk})
