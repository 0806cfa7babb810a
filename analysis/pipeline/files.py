"""Imports files and folders on the server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from analysis.ingest import folder_scan
from analysis.ingest.decode import unreadable
from analysis.ingest.examine import CHANGED, STILL_WRITTEN
from analysis.ingest.file_date import modified_on_disk, with_file_date
from analysis.ingest.process_pool import FileOutcome, examine_all
from analysis.ingest.sidecar import read_sidecar, with_sidecar
from analysis.ingest.validation import InvalidImage, clean_name
from analysis.library.folders import path_of_file
from analysis.library.images import Added
from analysis.pipeline.images import store_image
from analysis.storage import blobs, renditions
from analysis.storage.verified_copy import FileChanged


@dataclass(frozen=True)
class ImportedFile:
    """Result for one file: `added`, also for an existing image, or an error."""

    path: Path | None
    added: Added | None = None
    refusal: Exception | None = None


def import_files(paths: Iterable[Path], *, owner_id: int, exclude: Collection[str] = ()) -> Iterator[ImportedFile]:
    """Import files and folders, examined on all cores.

    May be stopped at any time and repeated.

    `exclude`: patterns of paths below the folders to skip.
    """
    changed, paths = list[Path](), list(paths)
    # Without our own storage, since otherwise a folder above it would add each rendition as a picture.
    files = folder_scan.image_files(paths, exclude=exclude, own_storage=blobs.local_folder())
    for outcome in examine_all(files, limits=renditions.limits()):
        imported = store_file(outcome, owner_id=owner_id, tops=paths)
        if imported.path and _has_changed(imported):
            changed.append(imported.path)  # examined again at the end, when it may be complete
        else:
            yield imported
    if changed:
        for outcome in examine_all(changed, limits=renditions.limits()):
            yield store_file(outcome, owner_id=owner_id, tops=paths)


def _has_changed(imported: ImportedFile) -> bool:
    return isinstance(imported.refusal, InvalidImage) and imported.refusal.code == CHANGED


def store_file(outcome: FileOutcome, *, owner_id: int, tops: Collection[Path] = ()) -> ImportedFile:
    """Store an examined file and queue its analyses; errors are in the result.

    `tops`: the folders that are imported; the image keeps the path from there on.
    """
    path = outcome.path
    if path is None or outcome.examined is None:
        return ImportedFile(path, refusal=outcome.refusal)
    # Read now instead of with the picture, since other programs often write sidecars later.
    examined, folder = with_sidecar(outcome.examined, read_sidecar(path)), path_of_file(path, tops)
    try:
        with path.open("rb") as file:
            modified = modified_on_disk(file, zone=timezone.get_current_timezone())
            examined = with_file_date(examined, modified, now=timezone.now())
            added = store_image(examined, file, owner_id=owner_id, is_bulk=True, folder=folder)
            return ImportedFile(path, added=added)
    except FileChanged:
        return ImportedFile(path, refusal=InvalidImage(CHANGED, clean_name(path.name), STILL_WRITTEN))
    except OSError as error:
        return ImportedFile(path, refusal=unreadable(path.name, error))
    except blobs.StorageError as error:
        return ImportedFile(path, refusal=error)
