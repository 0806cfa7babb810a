"""Frozen datasets: exports with a name and a version, whose file is kept.

A version has the same bytes each time it is read, since its file is kept (docs/decisions/0031-frozen-datasets.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from django.utils.translation import gettext as _

from analysis.exports import background
from analysis.models import Export
from analysis.storage import blobs

CHUNK = 2**18
MAX_NAME_LENGTH = 100


class DatasetError(Exception):
    """A dataset cannot be frozen or read. The message says why."""


def clean_name(text: str) -> str:
    """The name with single spaces, without NUL, which PostgreSQL cannot store."""
    return " ".join(text.replace("\x00", " ").split())


def freeze(export: Export) -> Export:
    """Write an unsaved export as the next version of its dataset.

    Raises DatasetError, background.ExportRefused.
    """
    if not export.name:
        raise DatasetError(_("A dataset needs a name."))
    if len(export.name) > MAX_NAME_LENGTH:
        message = _("The name of a dataset may have at most %(maximum)s characters.")
        raise DatasetError(message % {"maximum": MAX_NAME_LENGTH})
    written = background.write_now(export)
    if written.state != Export.State.DONE:
        raise DatasetError(written.error or _("The export was canceled."))
    return written


def get(name: str, version: int, *, owner_id: int) -> Export:
    """A finished version of a person's dataset. Raises DatasetError."""
    versions = Export.objects.filter(owner_id=owner_id, name=name, state=Export.State.DONE)
    export = versions.filter(version=version).first() if name else None
    if export is None:
        message = _("There is no version %(version)s of the dataset “%(name)s”.")
        raise DatasetError(message % {"version": version, "name": name})
    return export


def content(export: Export) -> Iterator[bytes]:
    """The stored file in chunks.

    Raises DatasetError if it was changed, and blobs.StorageError.
    """
    digest = hashlib.sha256()
    with blobs.get(export.key) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            yield chunk
    # Raised before the end of the iterator, so that callers discard their incomplete file.
    if digest.hexdigest() != export.sha256:
        raise DatasetError(_("The stored file of this version was changed: its checksum differs."))
