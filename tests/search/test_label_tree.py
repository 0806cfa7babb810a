"""Searches for a label without one above it, such as `kitten -animal`."""

import pytest
from django.utils import timezone

from analysis.curation import verdicts
from analysis.models import Label
from analysis.permissions import viewer_of
from analysis.recognition.reindex_ancestors import refresh_all, reindex_ancestors
from analysis.recognition.reindex_images import reindex
from analysis.search.label_counts import refresh_label_counts
from analysis.search.label_tree import images_without_ancestor
from analysis.search.plans.query_parts import QueryParts
from analysis.search.resolve import resolve
from analysis.search.results import count, page
from analysis.search.syntax.parser import parse
from tests.factories import create_label, create_labeled_image

pytestmark = pytest.mark.django_db


@pytest.fixture
def kittens(owner):
    """Three pictures of kittens; on the third, a person rejected *Animal*."""
    create_label("Kitten").parents.add(create_label("Animal"))
    refresh_all()
    images = [create_labeled_image(owner, {"Kitten": confidence}) for confidence in (95, 60, 95)]
    reindex_ancestors()
    verdicts.reject(images[2].pk, label_id=Label.objects.get(name="Animal").pk, by_id=owner.pk)
    refresh_label_counts()
    return images


def found(text, viewer):
    query = parse(text)
    ids = {image.pk for image in page(query, viewer=viewer).images}
    assert count(query, viewer=viewer) == len(ids)
    return ids


def is_answered_by_corrections(text, viewer) -> bool:
    candidates = QueryParts(resolve(parse(text), viewer=viewer, moment=timezone.now()), None).candidates
    return candidates is not None and candidates.are_few


@pytest.mark.parametrize("text", ["kitten -animal", "kitten -animal sort:name", "kitten>=50 -animal sort:confidence"])
def test_a_label_without_its_ancestor_is_where_a_person_rejected_it(kittens, owner, text):
    viewer = viewer_of(owner)
    assert is_answered_by_corrections(text, viewer)
    assert found(text, viewer) == {kittens[2].pk}


def test_an_ancestor_with_a_threshold_may_be_missing_elsewhere(kittens, owner):
    Label.objects.filter(name="Animal").update(threshold=80)
    reindex([image.pk for image in kittens])
    assert not is_answered_by_corrections("kitten -animal", viewer_of(owner))
    assert found("kitten -animal", viewer_of(owner)) == {kittens[1].pk, kittens[2].pk}


@pytest.mark.parametrize(
    "text", ["animal -kitten", "kitten -animal>=99", "kit* -animal", "-animal", "kitten -dog", "kitten OR -animal"]
)
def test_other_searches_are_not_answered_by_corrections(kittens, owner, text):
    create_label("Kite")
    assert not is_answered_by_corrections(text, viewer_of(owner))


@pytest.mark.parametrize(("name", "field"), [("Kitten", "ancestors_cursor"), ("Animal", "reindex_cursor")])
def test_images_that_are_still_to_be_reindexed_are_found(kittens, owner, name, field):
    Label.objects.filter(name=name).update(**{field: 0})
    assert not is_answered_by_corrections("kitten -animal", viewer_of(owner))


def test_corrections_of_a_merged_label_count_for_its_target(kittens, owner):
    creature = create_label("Creature")
    create_label("Kitten").parents.add(creature)
    refresh_all()
    reindex_ancestors()
    Label.objects.filter(name="Animal").update(merged_into=creature)
    refresh_all()
    reindex([image.pk for image in kittens])
    Label.objects.update(ancestors_cursor=None, reindex_cursor=None)
    assert is_answered_by_corrections("kitten -creature", viewer_of(owner))
    assert found("kitten -creature", viewer_of(owner)) == {kittens[2].pk}


def test_many_corrections_are_not_listed(kittens, owner):
    kitten, animal = (Label.objects.get(name=name).pk for name in ("Kitten", "Animal"))
    verdicts.reject(kittens[0].pk, label_id=animal, by_id=owner.pk)
    assert images_without_ancestor([[kitten]], [[animal]], maximum=1) is None
    assert set(images_without_ancestor([[kitten]], [[animal]], maximum=2)) == {kittens[0].pk, kittens[2].pk}
