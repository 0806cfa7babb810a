"""What a generated library lacks when it comes from its recipe: answers as long as real ones, and traces of use.

The recipe gives one empty answer for each picture. These are made 1.5 kB long; calls, verdicts, marks and a bucket's
objects are added, as many as such a library has. The staff's pages are measured over this.
"""

from __future__ import annotations

import psycopg

HASHES = 45
"""Of 32 characters in each answer: 1.5 kB of text that hardly shrinks."""
REQUEST_ID = "c4ca4238-a0b9-2382-0dcc-509a6f75849b"  # md5 of "1"


def answer_of(number: str) -> str:
    """SQL for an answer as long as real ones, another for each number."""
    text = f"SELECT string_agg(md5({number}::text || h::text), '') FROM generate_series(1, {HASHES}) h"
    return f"jsonb_build_object('Labels', jsonb_build_array(), 'Rest', ({text}))"


ROWS = (
    f"UPDATE analysis_analysis SET answer = {answer_of('id')}",
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
CHANGED = ("analysis", "call", "verdict", "rating", "bucketobject")


def fill(connection: psycopg.Connection) -> None:
    """Once for each library that is kept; all of it or nothing."""
    found = connection.execute("SELECT EXISTS (SELECT FROM analysis_bucketobject)").fetchone()
    if found and found[0]:
        return
    with connection.transaction():
        for statement in ROWS:
            connection.execute(statement)
    for table in CHANGED:
        connection.execute(f"VACUUM (ANALYZE) analysis_{table}")
