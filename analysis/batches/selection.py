"""The pictures a batch is about, so many at a time, and what each of them still needs."""

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
"""Pictures looked at in one transaction: what lies between two of them is all a bulk run keeps in memory."""
OPEN = frozenset({"queued", "running"})
LATEST = "latest"
"""A model version: whichever an API answered with last."""
Scope = Batch.Scope


@dataclass(frozen=True)
class ImagePage:
    """Some of a batch's pictures, and the place to go on from; None when these were the last."""

    image_ids: list[int]
    place: str | None


@dataclass(frozen=True)
class PendingWork:
    """What one API is to be asked about some pictures: `settled` are answered already, just as they would be now."""

    image_ids: list[int]
    settled: int
    in_progress: int


@dataclass(frozen=True)
class _AnalysisHistory:
    """How the analyses of one picture by one API stand, samples aside."""

    is_answered: bool
    is_settled: bool
    is_fresh: bool
    is_refused: bool
    version: str | None
    state: str
    error_code: str


_NO_PAST = _AnalysisHistory(
    is_answered=False, is_settled=False, is_fresh=False, is_refused=False, version=None, state="", error_code=""
)


def next_page(batch: Batch, *, place: str, size: int = PAGE_SIZE) -> ImagePage:
    """The next pictures after a place, without those in the trash and those that are not the person's to change."""
    ids, after = _named(batch, place, size) if batch.uses_id_list else _found(batch, place, size)
    meant = Image.objects.filter(pk__in=ids, trashed_at=None)
    if not _all_owners(batch):
        meant = meant.editable_by(batch.person_id)
    if batch.since:
        meant = meant.filter(added_at__gte=batch.since)
    kept = set(meant.values_list("pk", flat=True))
    return ImagePage([pk for pk in ids if pk in kept], after)


def pending_work(batch: Batch, api: str, image_ids: list[int]) -> PendingWork:
    """Which of these pictures the batch has this API asked about.

    Forced, it asks again although an answer is stored, but not for one that came since the batch began: two such
    batches at a time pay once.
    """
    past = _past(batch, api, image_ids)
    limit = latest_version(batch.recognizer, api) if batch.older_than == LATEST else batch.older_than
    wanted, settled, in_progress = list[int](), 0, 0
    for image_id in image_ids:
        of_it = past.get(image_id, _NO_PAST)
        if not _is_meant(batch, of_it, limit):
            continue
        if of_it.state in OPEN or (batch.is_sample and of_it.state == "paused"):
            in_progress += 1
        elif of_it.is_fresh or (of_it.is_settled and not batch.is_forced and batch.scope != Scope.FAILED):
            settled += 1
        else:
            wanted.append(image_id)
    return PendingWork(wanted, settled, in_progress)


def pending_work_by_image(batch: Batch, image_ids: list[int], *, taken: int) -> tuple[int, dict[str, PendingWork]]:
    """How many of these pictures need anything, and what by API, as far as the limit goes after so many `taken`."""
    found = {api: pending_work(batch, api, image_ids) for api in batch.apis}
    needing = {image_id for each in found.values() for image_id in each.image_ids}
    meant = [image_id for image_id in image_ids if image_id in needing]
    if batch.limit is not None:
        meant = meant[: batch.limit - taken]
    chosen = set(meant)
    return len(meant), {
        api: replace(each, image_ids=[pk for pk in each.image_ids if pk in chosen]) for api, each in found.items()
    }


def is_older(version: str, than: str) -> bool:
    """Versions by their numbers, 3.9 before 3.10; where these are the same, by the text."""
    return (_numbers(version), version) < (_numbers(than), than)


def latest_version(recognizer: str, api: str) -> str:
    """The model version that answered last; empty before there was any."""
    seen = ModelVersion.objects.filter(recognizer=recognizer, api=api).order_by("-last_seen_at")
    return seen.values_list("version", flat=True).first() or ""


def _numbers(version: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"[0-9]{1,18}", version)]


def _all_owners(batch: Batch) -> bool:
    """Whether it is about everybody's pictures, and its person may still see to these."""
    if not batch.all_owners or batch.person_id is None:
        return batch.all_owners
    person = permissions.reload_user(batch.person_id)
    return person is not None and permissions.can_analyze_all_images(person)


def _found(batch: Batch, place: str, size: int) -> tuple[list[int], str | None]:
    viewer = Viewer(sees_all=True) if _all_owners(batch) else Viewer(person_id=batch.person_id)
    ids, after = results.ids_page(
        parse(batch.query),
        viewer=viewer,
        after=Cursor.from_text(place),
        size=size,
        moment=batch.started_at,
    )
    is_past = after and batch.since and isinstance(after.key, datetime) and after.key < batch.since
    return ids, None if after is None or is_past else str(after)


def _named(batch: Batch, place: str, size: int) -> tuple[list[int], str | None]:
    rest = batch.named.filter(image_id__gt=int(place or 0)).order_by("image_id")
    ids = list(rest.values_list("image_id", flat=True)[:size])
    return ids, str(ids[-1]) if len(ids) == size else None


def _is_meant(batch: Batch, past: _AnalysisHistory, limit: str) -> bool:
    match batch.scope:
        case Scope.MISSING:
            return not past.is_answered and not past.is_refused
        case Scope.FAILED:
            return past.state == "failed" and batch.error_code in {"", past.error_code}
        case Scope.OUTDATED:
            return past.version is not None and is_older(past.version, limit)
    return True


def _past(batch: Batch, api: str, image_ids: list[int]) -> dict[int, _AnalysisHistory]:
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
                  WHERE image_id = ANY(%s) AND api = %s AND NOT is_sample) past
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
