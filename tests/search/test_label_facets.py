"""Facets of large results are counted over a sample and say so."""

import pytest
from django.db import connection

from analysis.models import Label
from analysis.permissions import viewer_of
from analysis.search.label_facets import SAMPLE, facets
from analysis.search.syntax.parser import parse
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db
HITS = 3 * SAMPLE


@pytest.fixture
def many(owner):
    """Copies of one image: all have Grass, half of them Dog."""
    image = create_labeled_image(owner, {"Grass": 90, "Dog": 80})
    dog = Label.objects.get(name="Dog").pk
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH copies AS (
                INSERT INTO analysis_image (
                    owner_id, visibility, filename, title, key, renditions_id, sha256, size, width, height, format,
                    placeholder, camera_make, camera_model, lens, added_at)
                SELECT owner_id, visibility, filename, title, 'k' || n, renditions_id, md5(n::text), size, width,
                    height, format, placeholder, camera_make, camera_model, lens, added_at + n * interval '1 minute'
                FROM analysis_image, generate_series(1, %(copies)s) n WHERE id = %(image)s
                RETURNING id, owner_id, visibility),
            labels AS (
                INSERT INTO analysis_imagelabel (
                    image_id, label_id, confidence, instance_count, sort_time, owner_id, visibility)
                SELECT copies.id, old.label_id, old.confidence, 0, old.sort_time, copies.owner_id, copies.visibility
                FROM copies, analysis_imagelabel old
                WHERE old.image_id = %(image)s AND (old.label_id <> %(dog)s OR copies.id / 8 %% 2 = 0)
                RETURNING image_id, label_id, sort_time)
            INSERT INTO analysis_imageindex (image_id, sort_time, owner_id, visibility, label_ids)
            SELECT copies.id, sort_time, owner_id, visibility, array_agg(label_id)
            FROM copies JOIN labels ON image_id = copies.id GROUP BY copies.id, sort_time, owner_id, visibility
            """,
            {"copies": HITS - 1, "image": image.pk, "dog": dog},
        )
    return viewer_of(owner)


def test_large_result_is_sampled_at_even_distances(many):
    result = facets(parse("grass"), viewer=many)
    assert (result.is_sample, result.total, result.counted) == (True, HITS, SAMPLE)
    grass, dog = result.by_kind["label"]
    assert (grass.name, grass.count, dog.name) == ("Grass", SAMPLE, "Dog")
    assert 0.4 < dog.count / SAMPLE < 0.6


def test_frequent_label_is_counted_on_a_share_of_images(many):
    Label.objects.filter(name="Grass").update(image_count=1_000_000)
    result = facets(parse("grass"), viewer=many)
    assert (result.is_sample, result.total) == (True, None)
    assert HITS / 24 < result.counted < HITS / 12  # about one in sixteen, since one in 128 is too few


def test_too_small_sample_is_replaced_by_all_matches(many):
    Label.objects.filter(name="Grass").update(image_count=1_000_000)
    query = parse("grass added:>=2030")
    result = facets(query, viewer=many)
    assert (result.is_sample, result.total, result.by_kind) == (False, 0, {})
