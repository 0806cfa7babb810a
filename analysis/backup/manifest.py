"""Names of a backup's files, and its manifest, which is written last."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from analysis.backup.errors import BackupError
from analysis.backup.location import Location, StoredFile

FORMAT = 1
FOLDER = "backups"
MANIFEST, DATABASE, FILE_LIST = "manifest.json", "database.dump", "files.jsonl.gz"


@dataclass(frozen=True)
class Manifest:
    """The contents of one backup."""

    name: str
    imagelib: str
    created_at: str
    postgres: int
    """Major version of the server."""
    migrations: list[str]
    """Such as analysis.0001_initial."""
    tables: dict[str, int]
    """Number of rows by table."""
    database: StoredFile
    file_list: StoredFile
    pictures: int
    files: int
    bytes: int
    missing: int
    """Number of files that were missing in the library or had changed bytes."""

    def path(self, file: str) -> str:
        return path(self.name, file)


def path(name: str, file: str) -> str:
    return f"{FOLDER}/{name}/{file}"


def content_name(sha256: str) -> str:
    """The name of a file by its content, shared by all backups of a location."""
    return f"blobs/{sha256[:2]}/{sha256}"


def write(location: Location, manifest: Manifest) -> None:
    values = {"format": FORMAT, **asdict(manifest)}
    text = json.dumps({**values, "checksum": _checksum(values)}, indent=1)
    location.save(manifest.path(MANIFEST), io.BytesIO(text.encode()))


def read(location: Location, name: str) -> Manifest:
    """The manifest of a backup, the latest by default.

    Raises BackupError if the backup is incomplete or its manifest damaged.
    """
    names = location.folders(FOLDER)
    if not names or (name and name not in names):
        values = {"name": name, "location": location.text}
        sentence = (
            _("There is no backup %(name)s in %(location)s.") if name else _("There is no backup in %(location)s.")
        )
        raise BackupError(sentence % values)
    # Names are times, so the last one is the latest.
    name = name or names[-1]
    if not location.exists(path(name, MANIFEST)):
        raise BackupError(_incomplete(location, name, names))
    with location.open(path(name, MANIFEST)) as file:
        return _parse(file.read(), file=path(name, MANIFEST))


def latest_complete(location: Location) -> Manifest | None:
    """The latest backup that has an intact manifest."""
    for name in reversed(location.folders(FOLDER)):
        try:
            return read(location, name)
        except BackupError:
            continue  # an interrupted backup
    return None


def _incomplete(location: Location, name: str, names: Iterable[str]) -> str:
    complete = [other for other in names if other != name and location.exists(path(other, MANIFEST))]
    sentence = _("The backup %(name)s is incomplete: %(file)s is missing.") % {
        "name": name,
        "file": path(name, MANIFEST),
    }
    if not complete:
        return sentence
    latest = _("The latest complete backup is %(name)s; choose it with --backup.")
    return f"{sentence} " + latest % {"name": complete[-1]}


def _parse(content: bytes, *, file: str) -> Manifest:
    damaged = BackupError(_("%(file)s is damaged.") % {"file": file})
    try:
        values: dict[str, Any] = json.loads(content)
        checksum, version = values.pop("checksum"), values["format"]
    except (ValueError, AttributeError, KeyError, TypeError):
        raise damaged from None
    if version != FORMAT:
        sentence = _("%(file)s has the format %(format)s, which this version of imagelib cannot read. Update imagelib.")
        raise BackupError(sentence % {"file": file, "format": version})
    if checksum != _checksum(values):
        raise damaged
    del values["format"]
    for key in ("database", "file_list"):
        values[key] = StoredFile(**values[key])
    return Manifest(**values)


def _checksum(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
