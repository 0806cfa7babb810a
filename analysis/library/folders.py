"""Folders of images, found or created from paths and keys."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from django.db.models import F, Q, Value
from django.db.models.functions import MD5

from analysis.ingest.validation import plain_text
from analysis.models import Folder, Image
from analysis.models.folders import PATH_LENGTH

SEPARATORS = re.compile(r"[/\\]")


def clean_path(path: str) -> str:
    """Folder names from the top, separated by slashes, as plain text.

    Names beyond the length limit are left out.
    """
    names = (plain_text(name, PATH_LENGTH) for name in SEPARATORS.split(path[: 4 * PATH_LENGTH]))
    parts, length = [], -1
    for name in names:
        if name in {"", ".", ".."}:
            continue
        length += 1 + len(name)
        if length > PATH_LENGTH:
            break
        parts.append(name)
    return "/".join(parts)


def path_of_key(key: str) -> str:
    """The folder of an object by its key, in which only slashes separate names."""
    return clean_path(key.rpartition("/")[0].replace("\\", "_"))


def path_of_file(path: Path, tops: Collection[Path]) -> str:
    """The folder of an imported file, starting with the imported folder.

    Folders above it are the server's, of no interest to users.
    """
    for top in tops:
        if top != path and path.is_relative_to(top):
            return clean_path("/".join((top.resolve().name, *path.relative_to(top).parent.parts)))
    return clean_path(path.resolve().parent.name)


def get_or_create_folder(path: str, *, owner_id: int | None = None, bucket_id: int | None = None) -> int | None:
    """The id of a folder of this owner or bucket; None for no path.

    Creates it and those above it if needed.
    """
    if not path:
        return None
    if (existing_id := _find(path, owner_id, bucket_id)) is not None:
        return existing_id
    parent_id: int | None = None
    names = path.split("/")
    for depth in range(1, len(names) + 1):
        above = "/".join(names[:depth])
        folder_id = _find(above, owner_id, bucket_id)
        if folder_id is None:
            folder = Folder(owner_id=owner_id, bucket_id=bucket_id, parent_id=parent_id, path=above)
            folder.name = names[depth - 1]
            # If another worker creates it at the same time, this waits for its commit and finds the row.
            Folder.objects.bulk_create([folder], ignore_conflicts=True)
            folder_id = _find(above, owner_id, bucket_id)
        parent_id = folder_id
    return parent_id


def move_to_owner(image_ids: Collection[int], owner_id: int) -> None:
    """Move images to the new owner's folders of the same paths.

    Folders of buckets are kept.
    """
    images = Image.objects.filter(pk__in=image_ids)
    moved = images.exclude(folder=None).exclude(folder__owner=None).exclude(folder__owner=owner_id)
    for old_id, path in moved.order_by("folder_id").values_list("folder_id", "folder__path").distinct():
        images.filter(folder_id=old_id).update(folder_id=get_or_create_folder(path, owner_id=owner_id))


def fill_folders(after: int, last: int) -> None:
    """Backfill the folders of images in buckets, from their keys."""
    images = Image.objects.filter(pk__gt=after, pk__lte=last, folder=None, bucket__isnull=False, key__contains="/")
    by_folder: dict[tuple[int | None, str], list[int]] = {}
    for image_id, bucket_id, key in images.values_list("pk", "bucket_id", "key"):
        by_folder.setdefault((bucket_id, path_of_key(key)), []).append(image_id)
    for (bucket, path), ids in sorted(by_folder.items(), key=lambda item: item[1][0]):
        folder_id = get_or_create_folder(path, bucket_id=bucket)
        Image.objects.filter(pk__in=ids, folder=None).update(folder_id=folder_id)


def _find(path: str, owner_id: int | None, bucket_id: int | None) -> int | None:
    whose = Q(owner_id=owner_id, bucket=None) if bucket_id is None else Q(bucket_id=bucket_id, owner=None)
    # By the hash as well, since the index has it in place of the path.
    rows = Folder.objects.alias(hash=MD5(F("path"))).filter(whose, hash=MD5(Value(path)), path=path)
    return rows.values_list("pk", flat=True).first()
