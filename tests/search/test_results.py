import random
from datetime import timedelta

import pytest

from analysis.access import audience_of
from analysis.curation import trash, verdicts
from analysis.models import Audience, Label, LabelAlias
from analysis.recognition.index import reindex
from analysis.search.complete import near_names
from analysis.search.counts import refresh_counts
from analysis.search.facets import facets
from analysis.search.grammar import parse
from analysis.search.places import Place
from analysis.search.results import count, every_id, page
from analysis.store.repeated import mark_all
from tests.factories import START, a_label, a_labeled_image, a_person, an_image

pytestmark = pytest.mark.django_db


def found(text, audience, **options):
    return [image.filename for image in page(parse(text), audience=audience, **options).images]


@pytest.fixture
def library(owner):
    a_labeled_image(owner, {"Dog": 95, "Pet": 95, "Grass": 60}, filename="dog.jpg")
    a_labeled_image(owner, {"Cat": 88, "Pet": 90}, filename="cat.jpg")
    a_labeled_image(owner, {"Dog": 70, "Cat": 99.9, "Black And White": 80}, filename="both.jpg")
    an_image(owner, filename="bare.jpg")
    refresh_counts()
    return audience_of(owner)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["bare.jpg", "both.jpg", "cat.jpg", "dog.jpg"]),
        ("dog", ["both.jpg", "dog.jpg"]),
        ("DOG", ["both.jpg", "dog.jpg"]),
        ("dog cat", ["both.jpg"]),
        ("pet -dog", ["cat.jpg"]),
        ("-dog", ["bare.jpg", "cat.jpg"]),
        ("dog>=70", ["both.jpg", "dog.jpg"]),
        ("dog>=70.1", ["dog.jpg"]),
        ("-dog>=90", ["bare.jpg", "both.jpg", "cat.jpg"]),
        ("dog>=90 -grass>=61", ["dog.jpg"]),
        ('"black and white"', ["both.jpg"]),
        ("dog unicorn", []),
        ("-unicorn", ["bare.jpg", "both.jpg", "cat.jpg", "dog.jpg"]),
        ("dog -dog", []),
    ],
)
def test_what_is_found(library, text, names):
    assert found(text, library) == names
    assert count(parse(text), audience=library) == len(names)


def test_an_alias_finds_its_label_and_a_name_of_two_kinds_finds_both(library, owner):
    LabelAlias.objects.create(name="Hound", label=a_label("Dog"))
    assert found("hound", library) == ["both.jpg", "dog.jpg"]
    tagged = an_image(owner, filename="tagged.jpg")
    verdicts.decide(tagged.pk, label_id=a_label("dog", kind="tag").pk, decision="added", by_id=owner.pk)
    assert found("dog", library) == ["tagged.jpg", "both.jpg", "dog.jpg"]
    assert found("dog>=99", library) == ["tagged.jpg"]
    assert found("cat dog", library) == ["both.jpg"]
    assert found("-dog", library) == ["bare.jpg", "cat.jpg"]


@pytest.mark.parametrize("text", ["", "dog", "pet dog", "-pet"])
def test_pages_follow_one_another_without_gap_or_repetition(owner, text):
    for number in range(23):
        words = {"Dog": 90} | ({"Pet": 90} if number % 2 else {"Cat": 90})
        # Pairs share a moment: the id breaks the tie.
        a_labeled_image(owner, words, filename=f"{number}.jpg", added_at=START + timedelta(seconds=number // 2))
    audience, whole = audience_of(owner), found(text, audience_of(owner), size=60)
    pieces, after = [], None
    while True:
        piece = page(parse(text), audience=audience, after=after, size=4)
        pieces += [image.filename for image in piece.images]
        if piece.next is None:
            break
        after = Place.from_text(str(piece.next))
    assert pieces == whole


@pytest.mark.parametrize("text", ["", "x", "1-", "-1", "1-2-3", "９-9" * 9, "9" * 30 + "-1"])
def test_a_place_that_is_none_means_the_start(text):
    assert Place.from_text(text) is None


def test_a_wanted_label_beyond_the_budget_is_still_found(owner):
    a_labeled_image(owner, {"Dog": 90, "Pet": 90}, filename="old.jpg")
    for number in range(5):
        a_labeled_image(owner, {"Dog": 90}, filename=f"{number}.jpg")
    for number in range(7):
        a_labeled_image(owner, {"Pet": 90}, filename=f"pet-{number}.jpg")
    refresh_counts()
    assert found("dog pet", audience_of(owner), size=2, budget=4) == ["old.jpg"]


def test_who_sees_what(owner, colleague):
    for openness, name in enumerate(["private.jpg", "shared.jpg", "public.jpg"]):
        a_labeled_image(owner, {"Dog": 90}, filename=name, openness=openness)
    a_labeled_image(colleague, {"Dog": 90, "Secret": 90}, filename="own.jpg")
    assert found("dog", audience_of(owner)) == ["public.jpg", "shared.jpg", "private.jpg"]
    assert (
        found("", audience_of(colleague))
        == found("dog", audience_of(colleague))
        == [
            "own.jpg",
            "public.jpg",
            "shared.jpg",
        ]
    )
    assert found("", Audience()) == found("dog", Audience()) == ["public.jpg"]
    assert found("secret", audience_of(owner)) == []
    assert [facet.name for facet in facets(parse(""), audience=audience_of(owner)).by_kind["label"]] == ["Dog"]
    assert near_names("secrets", audience=audience_of(owner)) == []
    assert near_names("secrets", audience=audience_of(colleague)) == ["Secret"]


def test_the_trash_is_left_out_of_everything(owner):
    image = a_labeled_image(owner, {"Dog": 90})
    image.trashed_at = START
    image.save()
    reindex([image.pk])
    assert found("", audience_of(owner)) == found("dog", audience_of(owner)) == []
    assert facets(parse(""), audience=audience_of(owner)).by_kind == {}


def test_facets_count_what_the_result_carries(library):
    labels = facets(parse("cat"), audience=library).by_kind["label"]
    assert [(facet.name, facet.count) for facet in labels] == [
        ("Cat", 2),
        ("Black And White", 1),
        ("Dog", 1),
        ("Pet", 1),
    ]


def test_results_equal_a_naive_evaluation(owner, colleague):
    """Random libraries and queries, answered by SQL and by a loop over what each picture carries."""
    dice = random.Random(7)
    words = ["Dog", "Cat", "Pet", "Grass", "Sky"]
    images = []
    for _ in range(40):
        carried = {word: dice.choice([55, 70, 90, 99.99]) for word in words if dice.random() < 0.5}
        person = dice.choice([owner, colleague])
        image = a_labeled_image(person, carried, openness=dice.choice([0, 0, 1, 2]))
        images.append((image, person, carried))
    refresh_counts()
    for _ in range(60):
        chosen = [(dice.choice(words), dice.choice([0, 0, 70, 90.5]), dice.random() < 0.4) for _ in range(3)]
        text = " ".join(f"{'-' if out else ''}{word}{f'>={least}' if least else ''}" for word, least, out in chosen)
        naive = [
            image.filename
            for image, person, carried in reversed(images)
            if (person == owner or image.openness >= 1)
            and all((carried.get(word, -1) >= least) != out for word, least, out in chosen)
        ]
        assert found(text, audience_of(owner)) == naive, text
        assert count(parse(text), audience=audience_of(owner)) == len(naive), text


def test_pages_go_on_before_1970(owner):
    pictures = [an_image(owner, taken_at=START.replace(year=1900 + number)) for number in (71, 65, 31, 1)]
    shown, after = [], None
    for _ in pictures:
        piece = page(parse("sort:taken"), audience=audience_of(owner), after=after, size=1)
        shown += piece.images
        after = piece.next and Place.from_text(str(piece.next))
    assert shown == pictures


def test_a_common_beginning_leaves_room_for_a_rare_one(owner):
    Label.objects.bulk_create(Label(kind="label", name=f"a{number}", image_count=9) for number in range(1_001))
    a_labeled_image(owner, {"Zebra": 90}, filename="zebra.jpg")
    assert found("zeb* OR a*", audience_of(owner)) == ["zebra.jpg"]


def test_a_hidden_label_is_in_no_category(owner):
    a_labeled_image(owner, {"Zebra": 90}, filename="zebra.jpg")
    Label.objects.update(category="Animals")
    assert found("category:animals", audience_of(owner)) == ["zebra.jpg"]
    Label.objects.update(is_hidden=True)
    assert found("category:animals", audience_of(owner)) == []
    assert found("label:zebra", audience_of(owner)) == ["zebra.jpg"]


def test_all_duplicates_are_gone_through_though_the_last_is_none_any_more(owner):
    pictures = [an_image(owner, phash=5) for _ in range(4)]
    mark_all()
    gone = []
    for ids in every_id(parse("is:duplicate"), audience=audience_of(owner), step=1):
        gone += trash.trash(ids)
    assert sorted(gone) == [picture.pk for picture in pictures]


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("is:trashed", True),
        ("dog OR is:trashed", True),
        ("-(dog is:trashed)", True),
        ("-is:trashed", False),
        ("dog -is:trashed", False),
        ("dog", False),
    ],
)
def test_excluding_the_trash_does_not_ask_for_it(text, asks):
    assert parse(text).asks_for_trash is asks


def test_names_that_differ_in_case_alone_are_told_apart(owner):
    people = [a_person(name) for name in ("Anna", "anna", "Berta")]
    for person in people:
        an_image(person, filename=f"{person.username}.jpg", openness=1)
    audience = audience_of(owner)
    assert [found(f"owner:{name}", audience) for name in ("Anna", "anna", "berta")] == [
        ["Anna.jpg"],
        ["anna.jpg"],
        ["Berta.jpg"],
    ]
    assert found("owner:Anna OR owner:anna", audience) == ["anna.jpg", "Anna.jpg"]
    assert found("owner:ANNA", audience) == ["Anna.jpg"]  # the first that there was
