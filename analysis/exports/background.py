"""Exports in the background: queueing, writing, expiry.

An interrupted export starts again, since its file is either complete or missing.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import IO, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, transaction
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import imagelib
from analysis import audit_log, leases, permissions
from analysis.exports import copy_deletion
from analysis.exports.formats import FORMATS, write
from analysis.exports.image_rows import ImageRow, image_rows, selected_rows
from analysis.exports.options import label_options, style_of
from analysis.models import AuditEntry, Export, Viewer
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import SearchTooSlow
from analysis.storage import blobs

LEASE = timedelta(minutes=10)
STEP = 500
"""Pictures after which progress is saved, the lease renewed, and a cancellation noticed."""
STORE_TIME = timedelta(hours=3)
"""Maximum time to send a finished file to the storage: 100 GB at 10 MB/s."""
LONGEST_LEASE = STORE_TIME + leases.CLOCK_CHANGE
MAX_UNFINISHED = 10
"""Unfinished exports of one person."""
State = Export.State
UNFINISHED = (State.QUEUED, State.RUNNING)


class ExportRefused(Exception):
    """An export cannot be started. The message says why."""


class Canceled(Exception):
    """The export was canceled or deleted while it was written."""


def create(export: Export) -> Export:
    """Queue an unsaved export.

    One with a name becomes the next version of that dataset. The caller sends the task. Raises ExportRefused.
    """
    with transaction.atomic():
        # The owner's row is locked, so that concurrent starts get different versions and are all counted.
        get_user_model().objects.select_for_update().filter(pk__in=[export.owner_id]).first()
        own = Export.objects.filter(owner_id=export.owner_id)
        if own.filter(state__in=UNFINISHED).count() >= MAX_UNFINISHED:
            raise ExportRefused(
                _("%(number)s files are still being prepared. Wait until one is ready, or cancel one.")
                % {"number": MAX_UNFINISHED}
            )
        if export.name:
            latest = own.filter(name=export.name).aggregate(latest=Max("version"))["latest"]
            export.version = (latest or 0) + 1
        export.save()
        audit_log.record(AuditEntry.Action.ADD, export, by_id=export.owner_id, details=_audited(export))
    export.refresh_from_db()
    return export


def due_ids() -> list[int]:
    """Exports to write: new ones, and those whose worker died."""
    waiting = leases.due(Export.objects.filter(_unfinished()), longest=LONGEST_LEASE)
    return list(waiting.order_by("next_attempt_at").values_list("pk", flat=True)[:MAX_UNFINISHED])


def run(export_id: int) -> None:
    """Write an export, unless another worker does."""
    export = _claim(export_id)
    if export is not None:
        _run(export)


def write_now(export: Export) -> Export:
    """Write an unsaved export in this process instead of a worker.

    Raises ExportRefused.
    """
    with transaction.atomic():
        # Claimed before any worker can see it.
        claimed = _claim(create(export).pk)
    if claimed is not None:
        try:
            _run(claimed)
        except KeyboardInterrupt:
            cancel(export)
            raise
    export.refresh_from_db()
    return export


def _claim(export_id: int) -> Export | None:
    return leases.claim(Export.objects.filter(_unfinished(), pk=export_id), lease=LEASE, longest=LONGEST_LEASE)


def _run(export: Export) -> None:
    if export.attempts - export.uncounted_attempts > leases.MAX_ATTEMPTS:
        _fail(export, _("It was interrupted %(number)s times. See the worker log.") % {"number": leases.MAX_ATTEMPTS})
        return
    _own(export).update(state=State.RUNNING, written=0, error="")
    try:
        _write(export)
    except Canceled:
        return
    except (InvalidQuery, SearchTooSlow, blobs.StorageError) as error:
        _fail(export, str(error))
    except OSError as error:  # usually a full disk
        _fail(export, _("The file could not be written: %(error)s.") % {"error": error.strerror or error})
    except DatabaseError:
        # The row keeps its lease; the sweeper sends the task again.
        _own(export).update(next_attempt_at=Now() + leases.backoff(export.attempts))
        raise


def cancel(export: Export) -> bool:
    """Cancel an unfinished export. False if it is finished."""
    unfinished = Export.objects.filter(pk=export.pk, state__in=UNFINISHED)
    return bool(unfinished.update(state=State.CANCELED, finished_at=Now(), expires_at=_expiry()))


def retry(export: Export) -> bool:
    """Queue a failed or canceled export again. False if it is neither."""
    ended = Export.objects.filter(pk=export.pk, state__in=(State.FAILED, State.CANCELED))
    fresh: dict[str, Any] = {"written": 0, "error": "", "finished_at": None, "expires_at": None}
    fresh |= {"attempts": 0, "uncounted_attempts": 0}
    return bool(ended.update(state=State.QUEUED, **fresh, next_attempt_at=Now()))


def delete(export: Export, *, by_id: int | None) -> None:
    """Delete an export and its file.

    The sweeper deletes the file if that fails now. `by_id` None: it expired, or contains a deleted picture.
    """
    with transaction.atomic():
        if by_id is not None:
            audit_log.record(AuditEntry.Action.REMOVE, export, by_id=by_id, details=_audited(export))
        if export.key:
            # For the sweeper, in case the process ends before the file is deleted.
            blobs.register_pending([export.key])
        export.delete()
    if export.key:
        blobs.delete_pending([export.key])


def delete_expired() -> None:
    """Delete expired exports, and those of deleted accounts."""
    for export in Export.objects.filter(Q(expires_at__lt=Now()) | Q(owner=None)).order_by("expires_at")[:100]:
        delete(export, by_id=None)


def manifest(export: Export) -> dict[str, Any]:
    """A finished export described as JSON values."""
    return {
        "name": export.name or None,
        "version": export.version,
        "query": None if export.image_ids is not None else export.query,
        "selection": export.image_ids,
        "format": export.format,
        "options": export.options,
        "images": export.written,
        "size": export.size,
        "sha256": export.sha256,
        "created_by": export.owner.get_username() if export.owner else None,
        "created_at": export.created_at.isoformat(),
        "finished_at": export.finished_at.isoformat() if export.finished_at else None,
        "expires_at": export.expires_at.isoformat() if export.expires_at else None,
        "imagelib": imagelib.__version__,
    }


def filename(export: Export) -> str:
    """The file's name for a download."""
    extension = FORMATS[export.format].extension
    if export.name:
        return f"{export.name} {export.version}.{extension}".replace("/", "_").replace("\\", "_")
    return f"imagelib-{export.created_at:%Y-%m-%d}-{export.pk}-{export.format}.{extension}"


def _write(export: Export) -> None:
    """Write the file to a temporary one, then to the storage, then into the row."""
    copy_deletion.delete_steps(export)  # of an interrupted attempt
    entry = FORMATS[export.format]
    digest = hashlib.sha256()
    # No owner if the account was deleted.
    rows = _Progress(export, rows_of(export, permissions.viewer_of(export.owner or AnonymousUser())))
    with tempfile.TemporaryFile(prefix="imagelib-export-") as file:
        for chunk in content_of(export, rows):
            file.write(chunk)
            digest.update(chunk)
        file.flush()
        rows.save()
        _store(export, file, extension=entry.extension, sha256=digest.hexdigest())


def _store(export: Export, file: IO[bytes], *, extension: str, sha256: str) -> None:
    key = f"exports/{uuid.uuid4().hex}.{extension}"
    # Ahead, since the sweeper would delete a file that is still being sent after an hour.
    blobs.register_pending([key], ahead=STORE_TIME)
    size = file.tell()
    # Renewed for longer, since a file of many gigabytes takes longer than the lease.
    _own(export).update(next_attempt_at=Now() + STORE_TIME)
    blobs.put(key, file)
    if copy_deletion.has_deleted(export):  # during the export; later deletions find the export by its recorded pictures
        _own(export).update(state=State.QUEUED, next_attempt_at=Now())
        blobs.delete_pending([key])
        return
    with transaction.atomic():
        done = _own(export).update(
            state=State.DONE,
            key=key,
            size=size,
            sha256=sha256,
            finished_at=Now(),
            expires_at=None if export.name else _expiry(),
        )
        if done:
            blobs.confirm([key])
    if not done:  # canceled or deleted in the meantime
        blobs.delete_pending([key])


def rows_of(export: Export, viewer: Viewer) -> Iterator[ImageRow]:
    """The pictures that the viewer may see now, not at the start of the export."""
    options = label_options(export.options)
    has_boxes = FORMATS[export.format].has_boxes
    if export.image_ids is not None:
        return selected_rows(export.image_ids, viewer=viewer, options=options, has_boxes=has_boxes)
    return image_rows(parse(export.query), viewer=viewer, options=options, has_boxes=has_boxes)


def content_of(export: Export, rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """The export's file in chunks."""
    columns = export.options.get("columns") or ()
    return write(FORMATS[export.format], rows, columns=columns, style=style_of(export.options))


class _Progress:
    """Counts the rows of an export.

    Raises Canceled if another worker has it, or it was canceled.
    """

    def __init__(self, export: Export, rows: Iterator[ImageRow]) -> None:
        self.export, self.rows, self.written = export, rows, 0
        self._step: list[int] = []

    def __iter__(self) -> Iterator[ImageRow]:
        for row in self.rows:
            self._step.append(row.image.pk)
            yield row
            self.written += 1
            if self.written % STEP == 0:
                self.save()

    def save(self) -> None:
        if not _own(self.export).update(written=self.written, next_attempt_at=Now() + LEASE):
            raise Canceled
        # Only after the check, since another worker may have started the export again.
        copy_deletion.record_step(self.export, self._step)
        self._step = []


def _unfinished() -> Q:
    return Q(state__in=UNFINISHED, owner__isnull=False)


def _own(export: Export) -> QuerySet[Export]:
    """The row, while this worker has its claim.

    Empty after another worker claimed it, or it was canceled.
    """
    return Export.objects.filter(pk=export.pk, state__in=UNFINISHED, attempts=export.attempts)


def _fail(export: Export, error: str) -> None:
    _own(export).update(state=State.FAILED, error=error, finished_at=Now(), expires_at=_expiry())


def _audited(export: Export) -> dict[str, Any]:
    selected = len(export.image_ids) if export.image_ids is not None else None
    values = {"format": export.format, "query": export.query, "selected": selected, "sha256": export.sha256}
    return {name: value for name, value in values.items() if value}


def _expiry() -> Any:
    return Now() + timedelta(days=settings.EXPORT_DAYS)
