"""Finds stored responses to the same bytes and parameters.

The image analyzed before may belong to another user: its bytes are the same, and only the response is used. The user
must not learn that someone else has the same file, see docs/decisions/0015-hidden-reuse.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection
from django.db.models.functions import Now

from analysis.models import Analysis, ModelVersion
from analysis.recognition.base import ApiName, Response


@dataclass(frozen=True)
class CachedResponse:
    """A stored response.

    `is_disclosed`: the owner of the new image may see an image it was received for, so the reuse may be shown.
    """

    model_version: str
    content: dict[str, Any]
    request_id: str
    latency_ms: int
    is_disclosed: bool

    def copy_for(self, analysis: Analysis) -> Response:
        """Copy the response for another analysis.

        If reuse is hidden, the copy has a request id and a duration like those of a real request.
        """
        return Response(
            api=cast(ApiName, analysis.api),
            recognizer=analysis.recognizer,
            model_version=self.model_version,
            content=self.content,
            request_id="" if self.is_disclosed else self.request_id,
            latency_ms=0 if self.is_disclosed else self.latency_ms,
        )


# Only responses of the newest model count: an older one's are not what a request would return now. Those that may be
# shown as reused come first.
_QUERY = """
    SELECT lookup.id, stored.model_version, stored.answer, stored.request_id, stored.latency_ms, stored.is_disclosed
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
         AS lookup (id, owner_id, sha256, api, recognizer, parameters, since)
    CROSS JOIN LATERAL (
        SELECT version FROM analysis_modelversion seen
        WHERE seen.recognizer = lookup.recognizer AND seen.api = lookup.api
        ORDER BY last_seen_at DESC LIMIT 1) latest
    CROSS JOIN LATERAL (
        -- OFFSET 0 is an optimization fence: without statistics PostgreSQL would read all analyses for each row
        -- instead of looking up one image by its hash.
        SELECT done.model_version, done.answer, done.request_id, done.latency_ms, image.is_disclosed
        FROM (SELECT id, original_replaced_at,
                     owner_id = lookup.owner_id OR (visibility >= 1 AND trashed_at IS NULL) AS is_disclosed
              FROM analysis_image
              WHERE sha256 = lookup.sha256 AND (%s::bigint IS NULL OR owner_id = %s) OFFSET 0) image
        CROSS JOIN LATERAL (SELECT * FROM analysis_analysis WHERE image_id = image.id OFFSET 0) done
        WHERE done.state = 'done' AND done.api = lookup.api
          AND done.recognizer = lookup.recognizer AND done.parameters = lookup.parameters::jsonb
          AND done.model_version = latest.version
          AND (lookup.since IS NULL OR done.finished_at >= lookup.since)
          AND (image.original_replaced_at IS NULL OR done.requested_at > image.original_replaced_at)
        ORDER BY image.is_disclosed DESC, done.id DESC LIMIT 1) stored
"""


def find_cached_responses(analyses: list[Analysis], *, owner_id: int | None = None) -> dict[int, CachedResponse]:
    """Usable stored responses, by analysis id.

    For a forced batch, only responses since its start are used. For an estimate, pass `owner_id` to search only this
    user's images: a lower estimate would reveal that another user has the same file.
    """
    lookups = [analysis for analysis in analyses if not analysis.is_forced or analysis.batch]
    if not lookups:
        return {}
    columns: list[list[Any]] = [
        [analysis.pk for analysis in lookups],
        [analysis.image.owner_id for analysis in lookups],
        [analysis.image.sha256 for analysis in lookups],
        [analysis.api for analysis in lookups],
        [analysis.recognizer for analysis in lookups],
        [json.dumps(analysis.parameters) for analysis in lookups],
        [analysis.batch.started_at if analysis.is_forced and analysis.batch else None for analysis in lookups],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [*columns, owner_id, owner_id])
        return {
            pk: CachedResponse(
                model_version=version,
                content=json.loads(answer) if isinstance(answer, str) else answer,
                request_id=request_id,
                latency_ms=latency or 0,
                is_disclosed=is_disclosed,
            )
            for pk, version, answer, request_id, latency, is_disclosed in cursor.fetchall()
        }


def record_versions(versions: Iterable[tuple[str, str, str]]) -> None:
    """Record (recognizer, api, version) as seen now."""
    ModelVersion.objects.bulk_create(
        [
            ModelVersion(recognizer=recognizer, api=api, version=version, last_seen_at=Now())
            # In one order in all workers, so that two never wait for each other's rows.
            for recognizer, api, version in sorted(set(versions))
        ],
        update_conflicts=True,
        unique_fields=["recognizer", "api", "version"],
        update_fields=["last_seen_at"],
    )
