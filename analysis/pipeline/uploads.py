"""Uploads: completion, validation, and the image they become."""

from __future__ import annotations

import time
from uuid import UUID

from django.db import transaction

from analysis import jobs, tasks
from analysis.library import images, uploads
from analysis.models import Upload
from analysis.pipeline.images import RUN_SECONDS, process_new
from analysis.storage import blobs


def complete_upload(upload_id: UUID, *, owner_id: int) -> Upload:
    """Validate an upload whose bytes have arrived.

    Here if they came through us, else in a worker.

    Raises UploadRefused.
    """
    upload = uploads.mark_uploaded(upload_id, owner_id=owner_id)
    if upload.state == Upload.State.ARRIVED:
        # The bytes are in S3 then, and reading them back would keep a web thread busy for their whole transfer.
        if blobs.accepts_direct_uploads():
            tasks.check_uploads.delay_on_commit()
        else:
            validate_upload(upload.pk)
            upload.refresh_from_db()
    return upload


def validate_uploads() -> bool:
    """Validate uploads until none waits; True if time ran out before."""
    end = time.monotonic() + RUN_SECONDS
    while not jobs.is_over(end):
        if not validate_upload():
            return False
    return True


def validate_upload(upload_id: UUID | None = None) -> bool:
    """Turn one upload into an image, or record why it is refused.

    False if there was none to claim.
    """
    upload = uploads.claim(upload_id)
    if upload is None:
        return False
    with uploads.failures_recorded(upload):
        with uploads.open_examined(upload) as (examined, file):
            stored = images.store_files(
                examined, file, owner_id=upload.owner_id, uploaded_key=upload.key, folder=upload.folder
            )
            with transaction.atomic():
                added = images.add(stored)
                if added.is_new:
                    process_new(added.image)
                uploads.mark_stored(upload, added)
        # After the commit: the storage copies the upload to its new key, or the image has the bytes already.
        blobs.erase(upload.key)
    return True
