"""Saves descriptive metadata of files: keywords as tags, stars as a rating."""

from __future__ import annotations

from django.db import connection

from analysis.ingest.descriptive_metadata import DescriptiveMetadata
from analysis.models import FileKeyword, Image, Label, Rating


def save_embedded_metadata(image: Image, metadata: DescriptiveMetadata) -> None:
    """Save keywords, and the rating unless the owner rated the image.

    Call it in the transaction that saves the image, and reindex the image afterwards.
    """
    tag_ids = _find_or_create_tags(metadata.keywords)
    # Replaced, since the original of a picture in a bucket may be overwritten by one with other keywords.
    FileKeyword.objects.filter(image=image).exclude(label__in=tag_ids).delete()
    FileKeyword.objects.bulk_create((FileKeyword(image=image, label_id=pk) for pk in tag_ids), ignore_conflicts=True)
    # ignore_conflicts keeps a rating, since the owner's stars take precedence over those in the file.
    if metadata.rating:
        rating = Rating(image=image, person_id=image.owner_id, rating=metadata.rating)
        Rating.objects.bulk_create([rating], ignore_conflicts=True)


def _find_or_create_tags(names: tuple[str, ...]) -> list[int]:
    if not names:
        return []
    # Sorted, so that two transactions that insert the same names cannot deadlock.
    tags = [Label(kind=Label.Kind.TAG, name=name) for name in sorted(names)]
    Label.objects.bulk_create(tags, ignore_conflicts=True)
    with connection.cursor() as cursor:
        # lower() by PostgreSQL on both sides, since Python folds the case of some languages differently.
        cursor.execute(
            """SELECT label.id FROM analysis_label label
               WHERE kind = 'tag' AND lower(name) IN (SELECT lower(keyword) FROM unnest(%s::text[]) AS keyword)
               ORDER BY id""",
            [list(names)],
        )
        return [pk for (pk,) in cursor.fetchall()]
