"""Words as they are typed: which labels they stand for, and which not."""

from __future__ import annotations

import csv
import unicodedata

import pytest

from analysis.curation import verdicts
from analysis.models import Image, Label, LabelAlias, Viewer
from analysis.permissions import viewer_of
from analysis.recognition.reindex_images import reindex
from analysis.search import results, synonyms, typed_words
from analysis.search.folding import fold
from analysis.search.inflections import is_inflection
from analysis.search.label_index import label_index
from analysis.search.query import LabelTerm, Query
from analysis.search.results import Search
from analysis.search.syntax.parser import parse
from tests.factories import START, create_image, create_labeled_image

pytestmark = pytest.mark.django_db


def searched(text: str, owner) -> str:
    """The query that is searched for a text."""
    return Search(parse(text), viewer_of(owner)).plan.parts.resolved.query.text


@pytest.fixture
def library(owner):
    names = ["Dog", "Cat", "Beach", "Fire Truck", "Fire", "Truck", "Café", "Running", "T-Shirt", "Sea", "Vehicle"]
    return create_labeled_image(owner, dict.fromkeys(names, 90.0), taken_at=START)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("dog", "dog"),
        ("DOGS", '"Dog"'),
        ("dogs on the beach", '"Dog" beach'),
        ("photos of dogs", '"Dog"'),
        ("cafe", '"Café"'),
        ("CAFÉS", '"Café"'),
        ("run", '"Running"'),
        ("fire truck", '"Fire Truck"'),
        ("dog fire trucks beaches", 'dog "Fire Truck" "Beach"'),
        ("fire truck>=80", '"Fire Truck">=80'),
        ("fire engine", '"Fire Truck"'),
        ("t shirt", '"T-Shirt"'),
        ("ocean", '"Sea"'),
        ("seasides", '"Sea"'),
        ("moggies", "moggies"),
        ("fire engines", '"Fire Truck"'),
        ("kitties puppies", '"Cat" "Dog"'),
        ("vehicles 2026", '"Vehicle" taken:2026'),
        ("2026-05", "taken:2026-05"),
        ("2026-02-31", "2026-02-31"),
        ("-dogs", '-"Dog"'),
        ("beach (dogs OR cats)", 'beach ("Dog" OR "Cat")'),
        ("-(dogs on the beach)", '-("Dog" beach)'),
        ("label:dogs>=80", 'label:"Dog">=80'),
        ("count(dogs)>=2", 'count("Dog")>=2'),
        # Not another form of these:
        ('"dogs"', '"dogs"'),
        ('"fire" "truck"', '"fire" "truck"'),
        ('fire "truck"', 'fire "truck"'),
        ("fire -truck", "fire -truck"),
        ("fire OR truck", "fire OR truck"),
        ("fire>=50 truck", "fire>=50 truck"),
        ("tag:dogs", "tag:dogs"),
        ("dogs*", "dogs*"),
        ("on the", "on the"),
        ("caring", "caring"),
        ("unknown", "unknown"),
        # With punctuation and invisible marks:
        ("dogs, cat", '"Dog" cat'),
        ("Fire truck, dog!", '"Fire Truck" "Dog"'),
        ("where dogs?", 'where "Dog"'),
        ("dogs & beach", '"Dog" beach'),
        ("dogs, 2026.", '"Dog" taken:2026'),
        ("?!", "?!"),
        ("\u200fdog\u200f", "dog"),
        ("-\u200f\u200edog\u200f>=90", "-dog>=90"),
        ("do\u200fg", '"do\u200fg"'),
        ("\ufeffdog\u200bbeach", "dog beach"),
        ('"\u200fdog"', '"\u200fdog"'),
    ],
)
def test_words_stand_for_labels(text, query, library, owner):
    assert searched(text, owner) == query
    assert results.count(parse(text), viewer=viewer_of(owner)) == results.count(parse(query), viewer=viewer_of(owner))


def test_name_of_a_label_is_never_another_one(library, owner):
    verdicts.add(library.pk, name="dogs", by_id=owner.pk)
    verdicts.add(library.pk, name="2026", by_id=owner.pk)
    verdicts.add(library.pk, name="the", by_id=owner.pk)
    verdicts.add(library.pk, name="Ocean", by_id=owner.pk)
    assert searched("dogs 2026 the ocean", owner) == "dogs 2026 the ocean"


def test_alias_is_found_in_other_forms(library, owner):
    LabelAlias.objects.create(label=Label.objects.get(name="Dog"), name="Chien")
    assert searched("chiens", owner) == '"Dog"'


def test_accents_match_composed_and_decomposed(owner):
    composed, decomposed = create_image(owner), create_image(owner)
    verdicts.add(composed.pk, name=unicodedata.normalize("NFC", "Zürich"), by_id=owner.pk)
    Label.objects.create(name=unicodedata.normalize("NFD", "Orléans"), kind="tag")
    verdicts.add(decomposed.pk, name=unicodedata.normalize("NFD", "Orléans"), by_id=owner.pk)
    for form in ("NFC", "NFD"):
        for name, image in (("zürich", composed), ("orléans", decomposed)):
            query = parse(f'"{unicodedata.normalize(form, name)}"')
            assert results.image_ids(query, viewer=viewer_of(owner), limit=9) == [image.pk]


@pytest.mark.parametrize("text", ["zur*", "ZÜR*", "ku\u0308s*"])
def test_beginnings_of_labels_are_found_without_accents(owner, text):
    image = create_image(owner)
    verdicts.add(image.pk, name="Zürich", by_id=owner.pk)
    LabelAlias.objects.create(label=Label.objects.get(name="Zürich"), name="Küsnacht")
    assert results.image_ids(parse(text), viewer=viewer_of(owner), limit=9) == [image.pk]


def test_tags_of_others_are_not_told(library, owner, stranger):
    """Neither by being found in another form, nor by being in the way of one."""
    verdicts.add(library.pk, name="sunflowers", by_id=owner.pk)
    create_labeled_image(stranger, {"Dog": 90})
    assert searched("sunflower", owner) == '"sunflowers"'
    assert searched("sunflower", stranger) == "sunflower"
    verdicts.add(library.pk, name="dogs", by_id=owner.pk)
    assert searched("dogs", owner) == "dogs"
    assert searched("dogs", stranger) == '"Dog"'
    verdicts.add(library.pk, name="2026", by_id=owner.pk)
    assert searched("2026", stranger) == "taken:2026"
    verdicts.add(library.pk, name="cat food", by_id=owner.pk)
    assert searched("cat food", stranger) == "cat food"


def test_public_pictures_and_staff(library):
    def searched_by(viewer: Viewer) -> str:
        return Search(parse("dogs"), viewer).plan.parts.resolved.query.text

    assert searched_by(Viewer()) == "dogs"
    assert searched_by(Viewer(sees_all=True)) == '"Dog"'
    Image.objects.filter(pk=library.pk).update(visibility=Image.Visibility.PUBLIC)
    reindex([library.pk])
    assert searched_by(Viewer()) == '"Dog"'


def test_two_words_can_be_searched_apart(library, owner):
    query = parse("fire truck dog")
    [meaning] = Search(query, viewer_of(owner)).plan.parts.resolved.meanings
    assert (meaning.text, meaning.labels) == ("fire truck", ["Fire Truck"])
    assert typed_words.with_separate_labels(query, meaning).text == '"fire" truck dog'
    assert typed_words.with_exact_words(query).text == '"fire" "truck" "dog"'


@pytest.mark.parametrize(
    ("text", "separate"),
    [
        ("fire trucks", '"fire" trucks'),
        ("black and white", '"black" and white'),
        ("(fire truck) OR dog", '("fire" truck) OR dog'),
        ("-(dog fire truck)", '-(dog "fire" truck)'),
    ],
)
def test_separate_words_are_found_in_groups_and_in_other_forms(text, separate, library, owner):
    for name in ("Black And White", "Black", "White"):
        verdicts.add(library.pk, name=name, by_id=owner.pk)
    query = parse(text)
    [meaning] = [found for found in Search(query, viewer_of(owner)).resolved.meanings if len(found.typed) > 1]
    separated = typed_words.with_separate_labels(query, meaning)
    assert separated.text == separate
    assert parse(separated.text) == separated
    both = results.count(separated, viewer=viewer_of(owner))
    assert both == (0 if text.startswith("-") else 1)


def test_added_term_is_not_joined(library):
    label_index()
    assert str(typed_words.standalone_term(parse("fire"), LabelTerm("Truck"))) == '"Truck"'
    assert str(typed_words.standalone_term(parse("dog"), LabelTerm("Truck"))) == "Truck"
    assert typed_words.standalone_term(Query(), LabelTerm("Fire Truck")) == LabelTerm("Fire Truck")


def test_long_searches_are_read_up_to_a_limit(library, owner):
    unknown = " ".join(f"x{number}" for number in range(typed_words.MAX_NAMES))
    assert searched(f"dogs {unknown} cats", owner) == f'"Dog" {unknown} cats'


def test_known_single_words_cost_no_query(library, owner, django_assert_num_queries):
    with django_assert_num_queries(2):
        results.page(parse("dog"), viewer=viewer_of(owner))


@pytest.mark.parametrize(
    ("word", "other", "expected"),
    [
        *[(one, more, True) for one, more in (("city", "cities"), ("bus", "buses"), ("hike", "hiking"))],
        *[(one, more, True) for one, more in (("stop", "stopped"), ("run", "running"), ("walk", "walked"))],
        *[
            (one, more, True)
            for one, more in (("half", "halves"), ("snowman", "snowmen"), ("stepchild", "stepchildren"))
        ],
        *[(one, other, False) for one, other in (("cafe", "caves"), ("man", "woman"), ("f", "ves"))],
        *[(one, other, False) for one, other in (("car", "caring"), ("organ", "organization"), ("new", "news"))],
        *[(one, other, False) for one, other in (("universe", "universities"), ("bus", "business"), ("a", "as"))],
    ],
)
def test_inflections(word, other, expected):
    assert is_inflection(word, other) == is_inflection(other, word) == expected


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße", "strasse"),
        ("Łódź", "lodz"),
        ("O’Neil", "o'neil"),
        ("T\u2011Shirt", "t shirt"),
        ("—", "—"),
        ("東京", "東京"),
    ],
)
def test_folding(text, folded):
    assert fold(text) == folded


def test_synonyms_are_readable_and_lead_to_labels():
    with synonyms.FILE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if not row[0].startswith("#")]
    assert len(rows) > 300
    assert all(len(row) > 1 and all(word == word.strip() != "" for word in row) for row in rows)
    assert len({row[0] for row in rows}) == len(rows)
    known = synonyms.synonyms()
    assert known["ocean"] == ("Sea",)
    assert {"puppy", "automobile", "kitty", "sofa"} <= set(known)
    # A label in its own line first means itself, so a word must not lead back to it.
    assert not [word for word, labels in known.items() if word in map(fold, labels)]
