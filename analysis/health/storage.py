"""Where the pictures are kept: storage, bucket, disk, and whether rows and blobs belong together."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import ngettext

from analysis.audit import audit, sampling
from analysis.aws import bucket_settings, clients
from analysis.aws.errors import AWSError
from analysis.formatting import filesize, pictures, plural
from analysis.health.findings import Finding, bounded, failed, ok, warning
from analysis.storage import blobs

GB = 10**9
LITTLE, VERY_LITTLE = 5 * GB, GB // 2
ALL = "Compare all of them: `manage.py audit_library`."


def check_storage() -> Finding:
    """Write, read and delete a few bytes."""
    key, content = f"probes/{uuid.uuid4().hex}", uuid.uuid4().bytes

    def probe() -> bool:
        blobs.put(key, content)
        try:
            with blobs.get(key) as found:
                return found.read() == content
        finally:
            blobs.remove(key)

    try:
        is_same = bounded(probe)
    except (blobs.StorageError, TimeoutError) as error:
        return failed("storage", f"A probe could not be written, read and deleted: {error}".rstrip(".") + ".", _why())
    if not is_same:
        return failed("storage", "What was read is not what was written.", _why())
    return ok("storage", f"A probe was written, read and deleted in {_place()}.")


def _place() -> str:
    keeper: Any = blobs.storage()
    return str(getattr(keeper, "bucket_name", "") or getattr(keeper, "location", type(keeper).__name__))


def _why() -> str:
    if hasattr(blobs.storage(), "bucket_name"):
        return "`manage.py check_aws` tries each permission."
    return "Is the disk full, or the folder not this user's?"


def check_bucket() -> Iterator[Finding]:
    """Whether the bucket is there; nothing where pictures are kept in a folder."""
    keeper: Any = blobs.storage()
    if not (name := str(getattr(keeper, "bucket_name", ""))):
        return

    def ask() -> str:
        with clients.translate_errors():
            client = keeper.connection.meta.client
        return bucket_settings.region_of(client, name)

    try:
        region = bounded(ask)
    except (AWSError, TimeoutError) as error:
        yield failed("bucket", f"{name} cannot be reached: {error}".rstrip(".") + ".", "Run `manage.py check_aws`.")
        return
    yield ok("bucket", f"{name} is reached{f' in {region}' if region else ''}.")


def check_orphans() -> Iterator[Finding]:
    """A sample: some pictures' blobs, some blobs' pictures."""
    drawn = sampling.draw()
    try:
        missing = bounded(lambda: sampling.missing_blobs(drawn))
        unowned = sampling.unowned(bounded(sampling.draw_blobs))
    except (blobs.StorageError, TimeoutError) as error:
        yield warning("blobs", f"No sample could be taken: {error}".rstrip(".") + ".", "See storage.")
        return
    looked_at = f"Of {pictures(len(drawn))} drawn,"
    if missing:
        told = ", ".join(missing[:3])
        gone = plural(ngettext("%(number)s blob is gone", "%(number)s blobs are gone", len(missing)), len(missing))
        yield failed("blobs of pictures", f"{looked_at} {gone}: {told}.", ALL)
    else:
        yield ok("blobs of pictures", f"{looked_at} every blob is there.")
    if unowned:
        number = len(unowned)
        told = plural(ngettext("%(number)s original has", "%(number)s originals have", number), number)
        sentence = f"{told} no picture: {', '.join(unowned[:3])}."
        yield warning("pictures of blobs", sentence, ALL)
    else:
        yield ok("pictures of blobs", "In the folder drawn, every original has its picture.")


def check_leftovers() -> Finding:
    number = audit.overdue_blobs().count()
    if number == 0:
        return ok("leftovers", "No blob waits for its deletion.")
    one = "%(number)s blob that nobody owns was not deleted for hours."
    several = "%(number)s blobs that nobody owns were not deleted for hours."
    sentence = plural(ngettext(one, several, number), number)
    return warning("leftovers", sentence, "Does the scheduler run, and may the storage delete?")


def check_disk() -> Iterator[Finding]:
    """Free space wherever imagelib itself keeps something on this machine."""
    seen = set()
    for what, folder in _folders():
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if (device := there.stat().st_dev) in seen:
            continue
        seen.add(device)
        free = shutil.disk_usage(there).free
        sentence, step = f"{filesize(free)} are free for {what} in {folder}.", "Make room, or keep them elsewhere."
        yield (
            (failed if free < VERY_LITTLE else warning)("disk", sentence, step)
            if free < LITTLE
            else ok("disk", sentence)
        )


def _folders() -> Iterator[tuple[str, Path]]:
    if location := getattr(blobs.storage(), "location", None) if not hasattr(blobs.storage(), "bucket_name") else None:
        yield "the pictures", Path(location)
    if settings.EMBEDDED:
        yield "the embedded servers", Path(settings.VAR)
