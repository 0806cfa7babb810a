"""Keywords from files become tags, which stay removed once a user removes them."""

from io import BytesIO

import pytest
from django.urls import reverse

from analysis import pipeline
from analysis.curation import bulk, merge_duplicates, verdicts
from analysis.curation.bulk import Selection
from analysis.ingest.examine import examine
from analysis.library.embedded_metadata import save_embedded_metadata
from analysis.models import BulkChange, FileKeyword, Image, Label, Rating, Verdict
from analysis.permissions import viewer_of
from analysis.recognition.reindex_images import reindex
from analysis.search.results import image_ids
from analysis.search.syntax.parser import parse
from tests import pictures
from tests.factories import create_image, create_label, label_rows
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
TAGS = {"Grandma": 100.0, "Trip 2026": 100.0, "été": 100.0}


@pytest.fixture
def image(owner) -> Image:
    content = pictures.with_xmp("jpeg", pictures.full_xmp())
    return pipeline.ingest_file(BytesIO(content), name="lake.jpg", owner_id=owner.pk).image


def search(owner, text: str) -> list[int]:
    return image_ids(parse(text), viewer=viewer_of(owner), limit=10)


def examine_again(image: Image) -> None:
    """Save the description of the same file once more."""
    content = pictures.with_xmp("jpeg", pictures.full_xmp())
    save_embedded_metadata(image, examine(BytesIO(content), name="lake.jpg").metadata.descriptive)
    reindex([image.pk])


def test_description_of_the_file_is_saved_searchable_and_shown(owner, image, signed_in):
    assert label_rows(image) == TAGS
    assert search(owner, "grandma") == search(owner, 'tag:"trip 2026"') == [image.pk]
    assert (str(image), image.place, image.creator) == ("At the lake", "Old pier, Hallstatt, Austria", "Anna, Bo")
    assert Rating.objects.values_list("person", "rating").get() == (owner.pk, 4)
    page = Page(signed_in(owner).get(image.get_absolute_url()))
    assert "Description All of us, <b>at last</b>. Place Old pier, Hallstatt, Austria Creator Anna, Bo" in page.text
    assert [tag["title"] for tag in page.all("li", "tag")] == ["From the file"] * 3
    assert not Verdict.objects.exists()


def test_camera_settings_are_saved_and_shown(owner, signed_in):
    added = pipeline.ingest_file(BytesIO(pictures.with_exif()), name="a.jpg", owner_id=owner.pk)
    page = Page(signed_in(owner).get(added.image.get_absolute_url()))
    assert "Settings 1/250 s · f/2.8 · ISO 400 · 35 mm" in page.text


def test_place_names_are_hidden_from_anonymous_visitors(image, client):
    Image.objects.update(visibility=Image.Visibility.PUBLIC)
    assert "Hallstatt" not in client.get(image.get_absolute_url()).content.decode()


def remove_on_the_page(owner, image, tag, signed_in):
    signed_in(owner).post(reverse("remove-tag", args=[image.pk]), {"tag": tag.pk})


def remove_in_bulk(owner, image, tag, signed_in):
    bulk.remove_tag(Selection(owner, ids=(image.pk,)), tag)


def reject(owner, image, tag, signed_in):
    verdicts.reject(image.pk, label_id=tag.pk, by_id=owner.pk)


def reject_in_bulk(owner, image, tag, signed_in):
    bulk.apply(Selection(owner, ids=(image.pk,)), BulkChange.Action.REJECT, label=tag)


@pytest.mark.parametrize("remove", [remove_on_the_page, remove_in_bulk, reject, reject_in_bulk])
@pytest.mark.parametrize("is_confirmed", [False, True])
def test_file_tag_that_a_user_removed_stays_removed(owner, image, signed_in, remove, is_confirmed):
    tag = Label.objects.get(name="Grandma")
    if is_confirmed:
        verdicts.confirm(image.pk, label_id=tag.pk, by_id=owner.pk)
    remove(owner, image, tag, signed_in)
    rest = {name: percent for name, percent in TAGS.items() if name != "Grandma"}
    assert label_rows(image) == rest
    examine_again(image)
    assert label_rows(image) == rest
    verdicts.clear(image.pk, label_id=tag.pk, by_id=image.owner_id)
    assert label_rows(image) == TAGS


def test_removal_of_a_file_tag_can_be_undone(owner, image):
    change = bulk.remove_tag(Selection(owner, ids=(image.pk,)), Label.objects.get(name="Grandma"))
    bulk.undo(change.pk, by=owner)
    assert label_rows(image) == TAGS
    assert not Verdict.objects.exists()


def test_removing_an_added_tag_deletes_the_verdict(owner, image):
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    bulk.remove_tag(Selection(owner, ids=(image.pk,)), create_label("holiday", "tag"))
    assert label_rows(image) == TAGS
    assert not Verdict.objects.exists()


def test_keyword_removed_from_the_file_is_removed_from_the_picture(image):
    packet = pictures.xmp_of("<dc:subject><rdf:Bag><rdf:li>GRANDMA</rdf:li></rdf:Bag></dc:subject>")
    content = pictures.with_xmp("jpeg", packet)
    save_embedded_metadata(image, examine(BytesIO(content), name="lake.jpg").metadata.descriptive)
    reindex([image.pk])
    assert label_rows(image) == {"Grandma": 100.0}
    assert FileKeyword.objects.count() == 1


def test_rating_of_the_file_never_replaces_a_users(owner, image):
    Rating.objects.update(rating=1)
    examine_again(image)
    assert Rating.objects.get().rating == 1


def test_kept_duplicate_gets_the_keywords_of_the_others(owner, image):
    verdicts.reject(image.pk, label_id=Label.objects.get(name="été").pk, by_id=owner.pk)
    other = create_image(owner)
    merge_duplicates.merge_duplicates(other.pk, instead_of=[image.pk], by=owner)
    assert label_rows(other) == {"Grandma": 100.0, "Trip 2026": 100.0}


def test_keyword_counts_for_the_label_it_is_merged_into(owner, image):
    tag, into = Label.objects.get(name="Grandma"), create_label("Grandmother", "tag")
    Label.objects.filter(pk=tag.pk).update(merged_into=into)
    reindex([image.pk])
    assert sorted(label_rows(image)) == ["Grandmother", "Trip 2026", "été"]
    verdicts.reject(image.pk, label_id=into.pk, by_id=owner.pk)
    assert sorted(label_rows(image)) == ["Trip 2026", "été"]


def test_folder_import_reads_sidecars(owner, tmp_path):
    (tmp_path / "a.jpg").write_bytes(pictures.jpeg())
    (tmp_path / "a.jpg.xmp").write_bytes(pictures.full_xmp())
    list(pipeline.import_files([tmp_path], owner_id=owner.pk))
    image = Image.objects.get()
    assert (label_rows(image), str(image)) == (TAGS, "At the lake")


def test_pictures_with_keywords_in_their_file_are_found(owner, image):
    create_image(owner)
    assert image_ids(parse("by:file"), viewer=viewer_of(owner), limit=9) == [image.pk]
    assert image_ids(parse("by:file tag:Grandma"), viewer=viewer_of(owner), limit=9) == [image.pk]
