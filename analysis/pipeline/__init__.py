"""The order of the stages, after an image is added, replaced, analyzed or removed.

Pages, commands and Celery tasks call these functions. Rows and their queued analyses are saved in one transaction.
Tasks are sent on commit; the sweeper sends lost ones again.
"""

from analysis.pipeline.alerts import send_again, test_alert
from analysis.pipeline.audit import audit
from analysis.pipeline.batches import resume_batch, run_batch, start_once
from analysis.pipeline.buckets import (
    consume_events,
    continue_sync,
    import_bucket_objects,
    import_object,
    record_events,
    replay_events,
    requested_syncs,
    retry_failed,
    retry_skipped,
    start_sync,
    sync_bucket,
)
from analysis.pipeline.changes import (
    change_label,
    merge_exact_copies,
    merge_labels,
    start_bulk_change,
    transfer_images,
    undo,
)
from analysis.pipeline.exports import retry_export, start_export
from analysis.pipeline.files import ImportedFile, import_files
from analysis.pipeline.images import ingest_file, request_analysis, store_image
from analysis.pipeline.trash import (
    continue_deletion,
    delete_expired_trash,
    delete_now,
    delete_originals,
    start_deletion,
)
from analysis.pipeline.uploads import (
    complete_upload,
    reuse_existing_image,
    upload_file,
    validate_upload,
    validate_uploads,
)

__all__ = [
    "ImportedFile",
    "audit",
    "change_label",
    "complete_upload",
    "consume_events",
    "continue_deletion",
    "continue_sync",
    "delete_expired_trash",
    "delete_now",
    "delete_originals",
    "import_bucket_objects",
    "import_files",
    "import_object",
    "ingest_file",
    "merge_exact_copies",
    "merge_labels",
    "record_events",
    "replay_events",
    "request_analysis",
    "requested_syncs",
    "resume_batch",
    "retry_export",
    "retry_failed",
    "retry_skipped",
    "reuse_existing_image",
    "run_batch",
    "send_again",
    "start_bulk_change",
    "start_deletion",
    "start_export",
    "start_once",
    "start_sync",
    "store_image",
    "sync_bucket",
    "test_alert",
    "transfer_images",
    "undo",
    "upload_file",
    "validate_upload",
    "validate_uploads",
]
