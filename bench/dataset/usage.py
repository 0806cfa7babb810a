"""Adds usage to a generated library: full responses, calls, verdicts, ratings.

The specification has an empty response for each picture. Responses are made 1.5 kB long, and calls, verdicts, ratings
and a bucket's objects are added in realistic numbers. The benches of the dashboard and the admin use this.
"""

from __future__ import annotations

import psycopg

# 45 hashes of 32 characters are 1.5 kB that PostgreSQL can hardly compress, so TOAST reads cost what real ones cost.
HASHES = 45
REQUEST_ID = "c4ca4238-a0b9-2382-0dcc-509a6f75849b"  # md5 of "1"


def response_sql(number: str) -> str:
    """SQL of a response as long as real ones, a different one for each number."""
    text = f"SELECT string_agg(md5({number}::text || h::text), '') FROM generate_series(1, {HASHES}) h"
    return f"jsonb_build_object('Labels', jsonb_build_array(), 'Rest', ({text}))"


ROWS = (
    f"UPDATE analysis_analysis SET answer = {response_sql('id')}",
    """INSERT INTO analysis_call (analysis_id, recognizer, region, api, outcome, error_code, price, request_id)
       SELECT id, 'rekognition', 'us-east-1', api, 'answered', '', 0.001, md5(id::text)::uuid::text
       FROM analysis_analysis""",
    """INSERT INTO analysis_verdict (image_id, label_id, decision, by_id)
       SELECT image_id, label_id, CASE WHEN image_id % 5 = 0 THEN 'rejected' ELSE 'confirmed' END, owner_id
       FROM analysis_imagelabel WHERE image_id % 20 < 2 AND label_id % 3 = 0""",
    "INSERT INTO analysis_rating (image_id, person_id, is_favorite) SELECT id, owner_id, true FROM analysis_image",
    """INSERT INTO analysis_bucket (id, name, prefix, region, include, exclude, owner_id, visibility, apis, may_delete,
                                    cursor, report, trouble)
       VALUES (1, 'photos', '', 'us-east-1', '{}', '{}', 1, 0, '{}', false, '', '{}', '')""",
    """INSERT INTO analysis_bucketobject (bucket_id, key, version_id, etag, size, sequencer, state, revision, attempts,
                                          error_code, reason, image_id)
       SELECT 1, 'photos/' || id || '.jpg', '', '', 1000, '', 'present', 0, 0, '', '', id FROM analysis_image""",
)
CHANGED_TABLES = ("analysis", "call", "verdict", "rating", "bucketobject")


def add_usage(connection: psycopg.Connection) -> None:
    """Add the rows once to each library, in one transaction."""
    row = connection.execute("SELECT EXISTS (SELECT FROM analysis_bucketobject)").fetchone()
    if row and row[0]:
        return
    with connection.transaction():
        for statement in ROWS:
            connection.execute(statement)
    for table in CHANGED_TABLES:
        connection.execute(f"VACUUM (ANALYZE) analysis_{table}")
