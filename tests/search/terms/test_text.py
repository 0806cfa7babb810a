"""Words of texts in pictures."""

import pytest
from django.db import connection

from analysis.models import ImageText, Viewer
from analysis.recognition.reindex_images import MAX_TEXT, reindex
from analysis.search import results
from analysis.search.query import Query, any_of
from analysis.search.terms import TextTerm
from tests.factories import create_analysis, create_image

pytestmark = pytest.mark.django_db


def finds(owner, content: str, text: str) -> bool:
    """True if a search for the text finds a picture with the content."""
    image = create_image(owner)
    create_analysis(image, "text", state="done", answer=answer(content))
    reindex([image.pk])
    query = Query((TextTerm(text),))
    matches = results.image_ids(query, viewer=Viewer(owner.pk), limit=10)
    # The same by a condition instead of the index.
    either = Query((any_of([TextTerm(text), TextTerm("nothing-like-it")]),))
    assert results.image_ids(either, viewer=Viewer(owner.pk), limit=10) == matches
    return image.pk in matches


def answer(content: str) -> dict:
    lines = content.split("\n")
    return {
        "TextDetections": [
            {"DetectedText": line, "Type": "LINE", "Id": number, "Confidence": 99.0}
            for number, line in enumerate(lines)
        ]
    }


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("ABC-123", "123"),
        ("ABC-123", "abc"),
        ("ABC-123", "ABC 123"),
        ("ABC-123", "ABC-123"),
        ("ABC-123", "abc123"),
        ("ABC 123", "ABC-123"),
        ("A1/B2", "B2"),
        ("A1/B2", "A1 B2"),
        ("www.example.com/path?id=7", "example"),
        ("www.example.com/path?id=7", "example.com"),
        ("http://example.com", "example"),
        ("anna.smith@example.org", "smith"),
        ("anna.smith@example.org", "anna.smith@example.org"),
        ("snake_case_name", "case"),
        ("5,99 €", "99"),
        ("-123", "123"),
        ("3.14", "3.14"),
        ("non\u2011breaking", "breaking"),
        ("\u201cquoted\u201d", '"quoted"'),
        ("東京都庁", "京都"),
        ("東京都庁", "庁"),
        ("カメラ屋さん", "メラ屋"),
        ("서울특별시", "특별"),
        ("北京ABC大学", "abc"),
        ("\uff21\uff22\uff23", "ABC"),
        ("B MW 1234", "BMW1234"),
        ("BMW1234", "B MW 1234"),
        ("B-MW 1234", "B MW1234"),
        ("M·ÜL 42", "müL42"),
        ("NO ENTRY\nAB 12 CDE\nEXIT", "ab12cde"),
        ("été", "e\u0301te\u0301"),
        ("Café", "cafe"),
        ("CAFE", "café"),
        ("Łódź", "lodz"),
        ("STRASSE", "straße"),
        ("ŠK 12-34", "sk1234"),
        ("sk1234", "ŠK 1234"),
    ],
)
def test_parts_runs_and_plates_are_found(owner, content, text):
    assert finds(owner, content, text)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("ABC-123", "12"),
        ("ABC-123", "123 ABC"),
        ("東京都庁", "都京"),
        ("AB 12 CDE and more words in this line", "ab12cde"),
        ("no", "!?"),
        ("a b", "a-c"),
    ],
)
def test_other_texts_are_not_found(owner, content, text):
    assert not finds(owner, content, text)


def test_a_megabyte_of_text_is_bounded(owner):
    words = " ".join(f"w{number:x}" for number in range(160_000))
    assert len(words) > 1_000_000
    assert finds(owner, f"first {words} last", "first")
    assert len(ImageText.objects.get().content) == MAX_TEXT
    for content in ("-" * 1_000_000, "京" * 1_000_000, "A-1 " * 250_000, "x" * 1_000_000):
        assert not finds(owner, content, "last")


def test_words_are_made_anew_in_the_database_where_they_are_stored(owner):
    ImageText.objects.create(image=create_image(owner), content="ABC-123\nB MW 12")
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(words) FROM analysis_imagetext")
        assert sorted(cursor.fetchone()[0]) == ["12", "123", "abc", "abc123", "b", "bmw12", "mw"]
