"""`similar:` finds what the viewer may see, the nearest first."""

from __future__ import annotations

import math

import pytest
from django.db import connection

from analysis.models import ImageEmbedding, Viewer
from analysis.permissions import viewer_of
from analysis.search import similar
from analysis.search.query import Query, default_sort
from analysis.search.results import Search, count, image_ids, iter_ids, page
from analysis.search.similar import similar_ids
from analysis.search.syntax.parser import parse
from analysis.search.terms import SimilarTerm
from tests.factories import create_embedding, create_image, create_labeled_image, create_user

pytestmark = pytest.mark.django_db


def direction(degrees: float) -> list[float]:
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]


def create_at(owner, degrees: float, **fields):
    """A picture at this angle: those of less than 60 degrees between them are similar."""
    image = create_labeled_image(owner, fields.pop("labels", {"Dog": 90}), **fields)
    create_embedding(image, direction(degrees))
    return image


def search(text: str, viewer, **options) -> list[int]:
    return image_ids(parse(text), viewer=viewer, limit=100, **options)


@pytest.fixture
def reference(owner):
    return create_at(owner, 0)


def test_nearest_come_first_without_the_picture_itself_and_those_too_different(owner, reference):
    far, near, middle, _different = (create_at(owner, degrees) for degrees in (59, 5, 30, 61))
    assert search(f"similar:{reference.pk}", viewer_of(owner)) == [near.pk, middle.pk, far.pk]
    assert count(parse(f"similar:{reference.pk}"), viewer=viewer_of(owner)) == 3


def test_other_terms_narrow_and_other_orders_apply(owner, reference):
    cat = create_at(owner, 5, labels={"Cat": 90})
    dogs = [create_at(owner, degrees) for degrees in (30, 20)]
    other = create_at(owner, 180)
    viewer = viewer_of(owner)
    assert search(f"similar:{reference.pk} dog", viewer) == [dogs[1].pk, dogs[0].pk]
    assert search(f"similar:{reference.pk} sort:oldest", viewer) == [cat.pk, dogs[0].pk, dogs[1].pk]
    assert search(f"-similar:{reference.pk} sort:oldest", viewer) == [reference.pk, other.pk]
    assert search(f"cat OR similar:{dogs[0].pk} sort:oldest", viewer) == [reference.pk, cat.pk, dogs[1].pk]


def test_pages_continue_where_the_previous_one_ended(owner, reference):
    images = [create_at(owner, degrees) for degrees in range(1, 12)]
    query, viewer, after, ids = parse(f"similar:{reference.pk}"), viewer_of(owner), None, []
    while True:
        result = page(query, viewer=viewer, after=after, size=4)
        ids.append([image.pk for image in result.images])
        if (after := result.next) is None:
            break
    assert ids == [[image.pk for image in images[start : start + 4]] for start in (0, 4, 8)]
    assert Search(query, viewer).cursor_of(reference.pk) is None
    assert sorted(pk for step in iter_ids(query, viewer=viewer) for pk in step) == [image.pk for image in images]


def test_pictures_of_others_are_neither_found_nor_compared_with(owner, colleague, reference):
    private, shared, public = (create_at(colleague, 5 + value, visibility=value) for value in (0, 1, 2))
    trashed = create_at(owner, 1, trashed_at=reference.added_at)
    assert search(f"similar:{reference.pk}", viewer_of(owner)) == [shared.pk, public.pk]
    assert search(f"similar:{reference.pk}", Viewer(sees_all=True)) == [private.pk, shared.pk, public.pk]
    for text in (private.pk, trashed.pk, 10**17, private.public_id):
        assert search(f"similar:{text}", viewer_of(owner)) == []
        assert search(f"-similar:{text}", viewer_of(owner)) == search("", viewer_of(owner))
    assert search(f"similar:{reference.pk}", Viewer(None)) == []
    assert search(f"similar:{public.public_id}", Viewer(None)) == []
    assert search(f"similar:{public.pk}", Viewer(None)) == []
    other = create_at(colleague, 20, visibility=2)
    assert search(f"similar:{public.public_id}", Viewer(None)) == [other.pk]


def test_public_id_works_while_the_picture_is_public(owner, reference):
    near = create_at(owner, 3, visibility=2)
    assert search(f"similar:{near.public_id}", viewer_of(owner)) == [reference.pk]
    assert search(f"similar:{reference.public_id}", viewer_of(owner)) == []


def test_pictures_without_vector_or_of_another_model_are_left_out(owner, reference):
    outdated, waiting = create_image(owner), create_image(owner)
    create_embedding(outdated, direction(1), model_version="older")
    ImageEmbedding.objects.create(image=waiting)
    for image in (reference, outdated, waiting, create_image(owner)):
        assert search(f"similar:{image.pk}", viewer_of(owner)) == []


def test_database_without_pgvector_finds_nothing(owner, reference):
    create_at(owner, 1)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE analysis_imageembedding")
    assert search(f"similar:{reference.pk}", viewer_of(owner)) == []
    assert search("is:duplicate", viewer_of(owner)) == []


@pytest.fixture
def crowd(owner, colleague, reference):
    """3,000 private pictures of a colleague that are nearer than the owner's own two."""
    create_at(colleague, 1)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH source AS (SELECT * FROM analysis_image WHERE owner_id = %(owner)s LIMIT 1), added AS (
                INSERT INTO analysis_image (owner_id, visibility, filename, title, key, renditions_id, sha256, size,
                                            width, height, format, camera_make, camera_model, lens, placeholder,
                                            has_duplicate)
                SELECT owner_id, 0, filename, '', 'crowd/' || n, renditions_id, 'c' || lpad(n::text, 63, '0'), 1, 1, 1,
                       format, '', '', '', '', false
                FROM source, generate_series(1, 3000) n RETURNING id)
            INSERT INTO analysis_imageembedding (image_id, vector, model_version, next_attempt_at)
            SELECT id, ('[1,' || 0.0001 * random() || repeat(',0', 254) || ']')::halfvec, %(version)s, NULL FROM added
            """,
            {"owner": colleague.pk, "version": ImageEmbedding.objects.first().model_version},
        )
        cursor.execute("ANALYZE analysis_image, analysis_imageembedding")
    return [create_at(owner, degrees) for degrees in (20, 10)]


def test_few_own_pictures_are_found_behind_many_of_others(crowd, owner, reference):
    assert similar_ids(reference.pk, viewer=viewer_of(owner)) == [crowd[1].pk, crowd[0].pk]


def test_result_is_bounded(crowd, colleague, reference):
    ids = similar_ids(reference.pk, viewer=Viewer(sees_all=True))
    assert (len(ids), len(set(ids))) == (similar.MAX_SIMILAR, similar.MAX_SIMILAR)
    assert len(similar_ids(reference.pk, viewer=Viewer(sees_all=True), limit=8)) == 8


def test_search_for_an_image_takes_few_queries(owner, reference, django_assert_num_queries):
    create_at(owner, 5)
    query = Query((SimilarTerm(str(reference.pk)),), default_sort((SimilarTerm("1"),)))
    # The picture, the table, its vector, the settings, by index, by comparison; the page.
    with django_assert_num_queries(7):
        assert len(page(query, viewer=Viewer(sees_all=True)).images) == 1


def test_five_similar_terms_are_the_most(owner):
    parse(" OR ".join(f"similar:{number}" for number in range(5)))
    with pytest.raises(ValueError, match="it has 6 terms such as similar:"):
        parse(" OR ".join(f"similar:{number}" for number in range(6)))


def test_people_without_pictures_find_nothing(reference):
    assert search(f"similar:{reference.pk}", viewer_of(create_user())) == []
