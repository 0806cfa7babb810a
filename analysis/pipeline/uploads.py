"""Uploads: completion, validation, and the image they become."""

from __future__ import annotations

import time
from typing import IO
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from analysis import jobs, permissions, tasks
from analysis.curation import collections
from analysis.curation.errors import ActionRefused
from analysis.ingest.xmp import XmpMetadata
from analysis.library import images, resumable_uploads, uploads
from analysis.library.images import Added
from analysis.library.uploads import Target
from analysis.models import Image, Upload
from analysis.permissions.collections import arrangeable_collections
from analysis.pipeline.images import RUN_SECONDS, ingest_file, process_new
from analysis.storage import blobs


def upload_file(
    file: IO[bytes], *, name: str, owner_id: int, target: Target, sidecar: XmpMetadata | None = None
) -> tuple[Added, str]:
    """Add a file of a form; returns why it was not added to the collection, if so.

    Raises InvalidImage or StorageError.
    """
    added = ingest_file(file, name=name, owner_id=owner_id, sidecar=sidecar, visibility=target.visibility)
    return added, _add_to_collection(added.image, target.collection_id, owner_id=owner_id)


def reuse_existing_image(image: Image, *, folder: str, target: Target) -> str:
    """Set folder and collection of a picture that its owner uploads again.

    Its visibility, which was chosen before, is kept. Returns why it was not added to the collection, if so.
    """
    images.add_folder(image, folder)
    return _add_to_collection(image, target.collection_id, owner_id=image.owner_id)


def complete_upload(upload_id: UUID, *, owner_id: int) -> Upload:
    """Validate an upload whose bytes have arrived.

    At once if they were sent to imagelib, else in a worker.

    Raises UploadRefused or StorageError.
    """
    resumable_uploads.assemble(uploads.find_open(upload_id, owner_id=owner_id))
    upload = uploads.mark_uploaded(upload_id, owner_id=owner_id)
    if upload.state == Upload.State.ARRIVED:
        # Their bytes are in S3, and reading them would keep a web thread busy for the whole transfer.
        if blobs.accepts_direct_uploads():
            tasks.check_uploads.delay_on_commit()
        else:
            validate_upload(upload.pk)
            upload.refresh_from_db()
    return upload


def validate_uploads() -> bool:
    """Validate uploads until none waits; True if the time ran out before."""
    end = time.monotonic() + RUN_SECONDS
    while not jobs.is_over(end):
        if not validate_upload():
            return False
    return True


def validate_upload(upload_id: UUID | None = None) -> bool:
    """Turn one upload into an image, or record why it is rejected.

    False if there was none to claim.
    """
    upload = uploads.claim(upload_id)
    if upload is None:
        return False
    with uploads.failures_recorded(upload):
        with uploads.open_examined(upload) as (examined, file):
            stored = images.store_files(
                examined,
                file,
                owner_id=upload.owner_id,
                visibility=upload.visibility,
                uploaded_key=upload.key,
                folder=upload.folder,
            )
            with transaction.atomic():
                added = images.add(stored)
                if added.is_new:
                    process_new(added.image)
                note = _add_to_collection(added.image, upload.collection_id, owner_id=upload.owner_id)
                uploads.mark_stored(upload, added, note=note)
        # After the commit, since until then the bytes may be needed for another attempt.
        blobs.erase(upload.key)
    return True


def _add_to_collection(image: Image, collection_id: int | None, *, owner_id: int) -> str:
    """Add an uploaded picture to its collection; returns why not, if it was not added."""
    if collection_id is None or image.trashed_at is not None:
        return ""
    owner = permissions.reload_user(owner_id)  # permissions may have changed since the upload was permitted
    collection = arrangeable_collections(owner).filter(pk=collection_id).first() if owner else None
    if collection is None:
        return _("Not added to the collection: it was deleted, or you can no longer add to it.")
    try:
        with transaction.atomic():
            collections.add_image(collection, image.pk, by_id=owner_id)
    except ActionRefused as refusal:
        return str(refusal)
    return ""
