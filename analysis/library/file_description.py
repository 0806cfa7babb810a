"""What a picture's file says about it in words: keywords become tags, stars its owner's rating where there is none."""

from __future__ import annotations

from django.db import connection

from analysis.ingest.description import Description
from analysis.models import FileKeyword, Image, Label, Rating


def save_described(image: Image, described: Description) -> None:
    """In the transaction that saves the picture; whoever calls has it indexed."""
    labels = _tags(described.keywords)
    FileKeyword.objects.filter(image=image).exclude(label__in=labels).delete()
    FileKeyword.objects.bulk_create((FileKeyword(image=image, label_id=pk) for pk in labels), ignore_conflicts=True)
    if described.rating:
        mark = Rating(image=image, person_id=image.owner_id, rating=described.rating)
        Rating.objects.bulk_create([mark], ignore_conflicts=True)


def _tags(names: tuple[str, ...]) -> list[int]:
    """Those that are new are made, in one order, so that two who do so never wait for one another in a circle."""
    if not names:
        return []
    tags = [Label(kind=Label.Kind.TAG, name=name) for name in sorted(names)]
    Label.objects.bulk_create(tags, ignore_conflicts=True)
    with connection.cursor() as cursor:  # PostgreSQL folds both, since Python does not fold every language alike
        cursor.execute(
            """SELECT label.id FROM analysis_label label
               WHERE kind = 'tag' AND lower(name) IN (SELECT lower(said) FROM unnest(%s::text[]) AS said)
               ORDER BY id""",
            [list(names)],
        )
        return [pk for (pk,) in cursor.fetchall()]
