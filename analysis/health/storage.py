"""Checks access to the storage, disk space, and that rows and files match."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis import leases
from analysis.aws import bucket_settings, clients
from analysis.aws.errors import AWSError
from analysis.findings import Finding, failed, first_line, ok, warning
from analysis.formatting import filesize, pictures, plural
from analysis.health.bounded import bounded
from analysis.library_audit import audit, sampling
from analysis.models import OriginalDeletion
from analysis.storage import blobs

GB = 10**9
LOW_SPACE, CRITICAL_SPACE = 5 * GB, GB // 2
RUN_AUDIT = gettext_lazy("Check all files with `manage.py audit_library`.")


def check_storage() -> Finding:
    """Write, read and delete a file of a few bytes."""
    key, content = f"probes/{uuid.uuid4().hex}", uuid.uuid4().bytes

    def probe() -> bool:
        blobs.put(key, content)
        try:
            with blobs.get(key) as stream:
                return stream.read() == content
        finally:
            blobs.remove(key)

    try:
        is_same = bounded(probe)
    except (blobs.StorageError, TimeoutError) as error:
        message = _("A test file could not be written, read and deleted: %(error)s.") % {"error": first_line(error)}
        return failed("storage", message, _hint())
    if not is_same:
        return failed("storage", _("A test file was read back with different content."), _hint())
    return ok("storage", _("A test file was written, read and deleted in %(location)s.") % {"location": _location()})


def check_reading() -> Finding:
    """Look up a file that does not exist.

    Writes nothing, since it runs every few seconds.
    """
    folder = blobs.local_folder()
    try:
        bounded(lambda: blobs.exists(f"probes/{uuid.uuid4().hex}"))
        if folder and folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(_("no permission to read and write %(folder)s") % {"folder": folder})
    except (blobs.StorageError, OSError) as error:
        message = _("The storage of pictures could not be read: %(error)s.") % {"error": first_line(error)}
        return failed("storage", message, _hint())
    return ok("storage", _("Pictures are stored in %(location)s.") % {"location": _location()})


def _location() -> str:
    backend: Any = blobs.storage()
    return str(getattr(backend, "bucket_name", "") or getattr(backend, "location", type(backend).__name__))


def _hint() -> str:
    if hasattr(blobs.storage(), "bucket_name"):
        return _("Test each permission with `manage.py check_aws`.")
    return _("Check the free disk space and the folder's owner and permissions.")


def check_bucket() -> Iterator[Finding]:
    """The library's bucket; no finding if pictures are stored in a folder."""
    backend: Any = blobs.storage()
    if not (name := str(getattr(backend, "bucket_name", ""))):
        return

    def region_of_bucket() -> str:
        with clients.translate_errors():
            client = backend.connection.meta.client
        return bucket_settings.region_of(client, name)

    try:
        region = bounded(region_of_bucket)
    except (AWSError, TimeoutError) as error:
        message = _("Bucket %(name)s is not available: %(error)s.") % {"name": name, "error": first_line(error)}
        yield failed("bucket", message, _("Run `manage.py check_aws`."))
        return
    if region:
        yield ok("bucket", _("Bucket %(name)s in %(region)s is available.") % {"name": name, "region": region})
    else:
        yield ok("bucket", _("Bucket %(name)s is available.") % {"name": name})


def check_orphans() -> Iterator[Finding]:
    """Check the files of a sample of pictures, and the pictures of a sample of files."""
    sample = sampling.draw()
    try:
        missing = bounded(lambda: sampling.missing_blobs(sample))
        unowned = sampling.unowned(bounded(sampling.draw_blobs))
    except (blobs.StorageError, TimeoutError) as error:
        message = _("The sample could not be read: %(error)s.") % {"error": first_line(error)}
        yield warning("files", message, _("See the storage check."))
        return
    sampled = pictures(len(sample))
    if missing:
        text = ngettext("%(number)s file is missing", "%(number)s files are missing", len(missing))
        values = {"pictures": sampled, "missing": plural(text, len(missing)), "keys": ", ".join(missing[:3])}
        message = _("Checked a sample of %(pictures)s: %(missing)s: %(keys)s.") % values
        yield failed("missing files", message, str(RUN_AUDIT))
    else:
        message = _("Checked a sample of %(pictures)s: all files are present.") % {"pictures": sampled}
        yield ok("missing files", message)
    if unowned:
        text = ngettext(
            "%(number)s original doesn't belong to any picture:",
            "%(number)s originals don't belong to any picture:",
            len(unowned),
        )
        message = f"{plural(text, len(unowned))} {', '.join(unowned[:3])}."
        yield warning("unused files", message, str(RUN_AUDIT))
    else:
        yield ok("unused files", _("Checked one folder: each original belongs to a picture."))


def check_leftovers() -> Finding:
    number = audit.overdue_blobs().count()
    if number == 0:
        return ok("deletions", _("No overdue deletions."))
    text = ngettext(
        "%(number)s unused file should have been deleted hours ago.",
        "%(number)s unused files should have been deleted hours ago.",
        number,
    )
    next_step = _("Check that the scheduler is running and that deleting from the storage is allowed.")
    return warning("deletions", plural(text, number), next_step)


def check_original_deletions() -> Iterator[Finding]:
    """Originals that S3 repeatedly refused to delete; no finding without any."""
    refused = OriginalDeletion.objects.filter(attempts__gte=leases.MAX_ATTEMPTS).exclude(error="")
    number = refused.count()
    if not number:
        return
    latest = refused.select_related("bucket").order_by("-pk")[0]
    text = ngettext(
        "%(number)s original of a deleted picture could not be deleted from its bucket",
        "%(number)s originals of deleted pictures could not be deleted from their buckets",
        number,
    )
    message = f"{plural(text, number)}: {latest.bucket}: {latest.error}"
    yield warning(
        "original deletions", message, _("“Check connection” on the bucket's page shows the policy to grant.")
    )


def check_disk() -> Iterator[Finding]:
    """Free space of each disk that imagelib writes to."""
    devices = set()
    for template, folder in _folders():
        # The folder may not exist before the first picture.
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if (device := existing.stat().st_dev) in devices:
            continue
        devices.add(device)
        free = shutil.disk_usage(existing).free
        message = template % {"space": filesize(free), "folder": folder}
        if free >= LOW_SPACE:
            yield ok("disk", message)
        else:
            make = failed if free < CRITICAL_SPACE else warning
            yield make("disk", message, _("Free up space, or move the folder to another disk."))


def _folders() -> Iterator[tuple[str, Path]]:
    if location := getattr(blobs.storage(), "location", None) if not hasattr(blobs.storage(), "bucket_name") else None:
        yield _("%(space)s free for pictures in %(folder)s."), Path(location)
    if settings.EMBEDDED:
        yield _("%(space)s free for the embedded servers in %(folder)s."), Path(settings.VAR)
