"""Answers that are stored already: the same bytes, asked the same, by the model version last seen."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from analysis.models import Analysis, ModelVersion


def find_cached_responses(
    analyses: list[Analysis], *, owner_id: int | None = None
) -> dict[int, tuple[str, dict[str, Any]]]:
    """By analysis: the model version and the content of an answer that need not be paid for again.

    Where a batch forces asking again, answers since it began do. Whoever owns the picture that was asked about: the
    bytes are the same, and nothing but the answer is told. `owner_id`: only pictures of this person, for what is told
    before anything is asked: others' would tell that somebody has the same bytes.
    """
    asked = [each for each in analyses if not each.is_forced or each.batch]
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT wanted.id, stored.model_version, stored.answer
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
                 AS wanted (id, sha256, api, recognizer, parameters, since)
            CROSS JOIN LATERAL (
                SELECT version FROM analysis_modelversion seen
                WHERE seen.recognizer = wanted.recognizer AND seen.api = wanted.api
                ORDER BY last_seen_at DESC LIMIT 1) latest
            CROSS JOIN LATERAL (
                -- One picture at a time by its bytes, and by them alone: OFFSET 0 keeps PostgreSQL, before it knows how
                -- many analyses there are, from reading all of them for each.
                SELECT done.model_version, done.answer
                FROM (SELECT id, original_replaced_at FROM analysis_image
                      WHERE sha256 = wanted.sha256 AND (%s::bigint IS NULL OR owner_id = %s) OFFSET 0) image
                CROSS JOIN LATERAL (SELECT * FROM analysis_analysis WHERE image_id = image.id OFFSET 0) done
                WHERE done.state = 'done' AND done.api = wanted.api
                  AND done.recognizer = wanted.recognizer AND done.parameters = wanted.parameters::jsonb
                  AND done.model_version = latest.version
                  AND (wanted.since IS NULL OR done.finished_at >= wanted.since)
                  AND (image.original_replaced_at IS NULL OR done.requested_at > image.original_replaced_at)
                ORDER BY done.id DESC LIMIT 1) stored
            """,
            [
                [each.pk for each in asked],
                [each.image.sha256 for each in asked],
                [each.api for each in asked],
                [each.recognizer for each in asked],
                [json.dumps(each.parameters) for each in asked],
                [each.batch.started_at if each.is_forced and each.batch else None for each in asked],
                owner_id,
                owner_id,
            ],
        )
        return {
            pk: (version, json.loads(answer) if isinstance(answer, str) else answer)
            for pk, version, answer in cursor.fetchall()
        }


def record_versions(versions: Iterable[tuple[str, str, str]]) -> None:
    """Remember (recognizer, api, version) as the ones seen last."""
    ModelVersion.objects.bulk_create(
        [
            ModelVersion(recognizer=recognizer, api=api, version=version, last_seen_at=Now())
            for recognizer, api, version in sorted(set(versions))
        ],
        update_conflicts=True,
        unique_fields=["recognizer", "api", "version"],
        update_fields=["last_seen_at"],
    )
