"""The pictures of a batch, page by page, and the analyses they still need."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection

from analysis import permissions
from analysis.models import Batch, Image, ModelVersion, Viewer
from analysis.search import results
from analysis.search.pagination import Cursor
from analysis.search.syntax.parser import parse

PAGE_SIZE = 1_000
"""Pictures handled in one transaction, and kept in memory."""
# Without PAUSED, since analyses of a paused run are taken over by this one (see enqueue).
OPEN = frozenset({"queued", "running"})
LATEST = "latest"
"""Value of `older_than`: the model version that each API used last."""
Scope = Batch.Scope


@dataclass(frozen=True)
class ImagePage:
    """One page of a batch's pictures, and the cursor of the next page.

    The cursor is None on the last page.
    """

    image_ids: list[int]
    cursor: str | None


@dataclass(frozen=True)
class PendingWork:
    """Pictures to analyze with one API.

    `up_to_date`: number of those with an up-to-date result.
    """

    image_ids: list[int]
    up_to_date: int
    in_progress: int


@dataclass(frozen=True)
class _AnalysisHistory:
    """Earlier analyses of one picture by one API, without samples."""

    is_answered: bool
    is_settled: bool
    is_fresh: bool
    is_refused: bool
    version: str | None
    state: str
    error_code: str


_NO_HISTORY = _AnalysisHistory(
    is_answered=False, is_settled=False, is_fresh=False, is_refused=False, version=None, state="", error_code=""
)


def next_page(batch: Batch, *, cursor: str, size: int = PAGE_SIZE) -> ImagePage:
    """The next pictures, without the trash and pictures that the user can't edit."""
    ids, next_cursor = _named_page(batch, cursor, size) if batch.uses_id_list else _results(batch, cursor, size)
    images = Image.objects.filter(pk__in=ids, trashed_at=None)
    if not _all_owners(batch):
        images = images.editable_by(batch.person_id)
    if batch.since:
        images = images.filter(added_at__gte=batch.since)
    # Filtered after the page was cut, so a page may be short or even empty. Only its cursor tells if more pages follow.
    selected = set(images.values_list("pk", flat=True))
    return ImagePage([pk for pk in ids if pk in selected], next_cursor)


def pending_work(batch: Batch, api: str, image_ids: list[int]) -> PendingWork:
    """The pictures the batch has to analyze with this API.

    A forced batch repeats stored results, except those newer than its start.
    """
    histories = _histories(batch, api, image_ids)
    limit = latest_version(batch.recognizer, api) if batch.older_than == LATEST else batch.older_than
    pending, up_to_date, in_progress = list[int](), 0, 0
    for image_id in image_ids:
        history = histories.get(image_id, _NO_HISTORY)
        if not _is_in_scope(batch, history, limit):
            continue
        if history.state in OPEN or (batch.is_sample and history.state == "paused"):
            in_progress += 1
        # Fresh results are kept even by a forced batch, so that two concurrent ones pay once.
        elif history.is_fresh or (history.is_settled and not batch.is_forced and batch.scope != Scope.FAILED):
            up_to_date += 1
        else:
            pending.append(image_id)
    return PendingWork(pending, up_to_date, in_progress)


def pending_work_by_image(batch: Batch, image_ids: list[int], *, queued: int) -> tuple[int, dict[str, PendingWork]]:
    """Number of pictures to analyze and the work by API, up to the limit."""
    pending = {api: pending_work(batch, api, image_ids) for api in batch.apis}
    unfinished = {pk for work in pending.values() for pk in work.image_ids}
    selected = [pk for pk in image_ids if pk in unfinished]
    if batch.limit is not None:
        selected = selected[: batch.limit - queued]
    chosen = set(selected)
    return len(selected), {
        api: replace(work, image_ids=[pk for pk in work.image_ids if pk in chosen]) for api, work in pending.items()
    }


def is_older(version: str, than: str) -> bool:
    """Compare versions by their numbers (3.9 before 3.10), then by text."""
    return (_numbers(version), version) < (_numbers(than), than)


def latest_version(recognizer: str, api: str) -> str:
    """The model version of the latest result, or ""."""
    versions = ModelVersion.objects.filter(recognizer=recognizer, api=api).order_by("-last_seen_at")
    return versions.values_list("version", flat=True).first() or ""


def _numbers(version: str) -> list[int]:
    # At most eighteen digits, since a version is text from a response, and int() raises ValueError for thousands of
    # digits.
    return [int(digits) for digits in re.findall(r"[0-9]{1,18}", version)]


def _all_owners(batch: Batch) -> bool:
    """True for a batch over all owners whose user still has permission for it."""
    if not batch.all_owners or batch.person_id is None:
        return batch.all_owners and not batch.is_orphaned
    # Checked for each page, so that a permission that is revoked during a long run is lost immediately.
    person = permissions.reload_user(batch.person_id)
    return person is not None and permissions.can_analyze_all_images(person)


def _results(batch: Batch, cursor: str, size: int) -> tuple[list[int], str | None]:
    viewer = Viewer(sees_all=True) if _all_owners(batch) else Viewer(user_id=batch.person_id)
    ids, after = results.ids_page(
        parse(batch.query),
        viewer=viewer,
        after=Cursor.from_text(cursor),
        size=size,
        # As of its start, so that "added:today" means the same day on all pages of a run that takes all night.
        moment=batch.started_at,
    )
    # Newest first, so the remaining pictures were added before the date and need not be read.
    is_past = after and batch.since and isinstance(after.key, datetime) and after.key < batch.since
    return ids, None if after is None or is_past else str(after)


def _named_page(batch: Batch, cursor: str, size: int) -> tuple[list[int], str | None]:
    rest = batch.named.filter(image_id__gt=int(cursor or 0)).order_by("image_id")
    ids = list(rest.values_list("image_id", flat=True)[:size])
    return ids, str(ids[-1]) if len(ids) == size else None


def _is_in_scope(batch: Batch, history: _AnalysisHistory, limit: str) -> bool:
    match batch.scope:
        case Scope.MISSING:
            return not history.is_answered and not history.is_refused
        case Scope.FAILED:
            return history.state == "failed" and batch.error_code in {"", history.error_code}
        case Scope.OUTDATED:
            return history.version is not None and is_older(history.version, limit)
    return True


def _histories(batch: Batch, api: str, image_ids: list[int]) -> dict[int, _AnalysisHistory]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT image_id, bool_or(is_ours AND state = 'done'),
                   bool_or(is_ours AND state = 'done' AND parameters = %s::jsonb AND model_version = %s),
                   bool_or(is_ours AND state = 'done' AND parameters = %s::jsonb AND finished_at >= %s),
                   bool_or(is_ours AND is_permanent),
                   max(model_version) FILTER (WHERE is_ours AND is_current),
                   (array_agg(state ORDER BY id DESC))[1], (array_agg(error_code ORDER BY id DESC))[1]
            FROM (SELECT *, recognizer = %s AS is_ours FROM analysis_analysis
                  WHERE image_id = ANY(%s) AND api = %s AND NOT is_sample) history
            GROUP BY image_id
            """,
            [
                json.dumps(batch.parameters[api]),
                latest_version(batch.recognizer, api),
                json.dumps(batch.parameters[api]),
                batch.started_at,
                batch.recognizer,
                image_ids,
                api,
            ],
        )
        return {image_id: _AnalysisHistory(*values) for image_id, *values in cursor.fetchall()}
