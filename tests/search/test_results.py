import random
from datetime import timedelta

import pytest

from analysis.curation import trash, verdicts
from analysis.library.duplicate_flags import mark_all_duplicates
from analysis.models import Image, Label, LabelAlias, Viewer
from analysis.permissions import viewer_of
from analysis.recognition.reindex_images import reindex
from analysis.search.autocomplete import similar_names
from analysis.search.label_counts import refresh_label_counts
from analysis.search.label_facets import facets
from analysis.search.pagination import Cursor
from analysis.search.results import ALL_COLUMNS, Search, count, iter_ids, page
from analysis.search.syntax.parser import parse
from tests.factories import START, create_image, create_label, create_labeled_image, create_user

pytestmark = pytest.mark.django_db


def search(text, viewer, **options):
    return [image.filename for image in page(parse(text), viewer=viewer, **options).images]


@pytest.fixture
def library(owner):
    create_labeled_image(owner, {"Dog": 95, "Pet": 95, "Grass": 60}, filename="dog.jpg")
    create_labeled_image(owner, {"Cat": 88, "Pet": 90}, filename="cat.jpg")
    create_labeled_image(owner, {"Dog": 70, "Cat": 99.9, "Black And White": 80}, filename="both.jpg")
    create_image(owner, filename="bare.jpg")
    refresh_label_counts()
    return viewer_of(owner)


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
def test_search_finds_images(library, text, names):
    assert search(text, library) == names
    assert count(parse(text), viewer=library) == len(names)


def test_alias_finds_its_label_and_name_finds_labels_of_all_kinds(library, owner):
    LabelAlias.objects.create(name="Hound", label=create_label("Dog"))
    assert search("hound", library) == ["both.jpg", "dog.jpg"]
    tagged = create_image(owner, filename="tagged.jpg")
    verdicts.decide(tagged.pk, label_id=create_label("dog", kind="tag").pk, decision="added", by_id=owner.pk)
    assert search("dog", library) == ["tagged.jpg", "both.jpg", "dog.jpg"]
    assert search("dog>=99", library) == ["tagged.jpg"]
    assert search("cat dog", library) == ["both.jpg"]
    assert search("-dog", library) == ["bare.jpg", "cat.jpg"]


@pytest.mark.parametrize("text", ["", "dog", "pet dog", "-pet"])
def test_pages_have_no_gap_or_repetition(owner, text):
    for number in range(23):
        words = {"Dog": 90} | ({"Pet": 90} if number % 2 else {"Cat": 90})
        # Pairs share a moment: the id breaks the tie.
        create_labeled_image(owner, words, filename=f"{number}.jpg", added_at=START + timedelta(seconds=number // 2))
    viewer, expected = viewer_of(owner), search(text, viewer_of(owner), size=60)
    pieces, after = [], None
    while True:
        piece = page(parse(text), viewer=viewer, after=after, size=4)
        pieces += [image.filename for image in piece.images]
        if piece.next is None:
            break
        after = Cursor.from_text(str(piece.next))
    assert pieces == expected


@pytest.mark.parametrize("text", ["", "x", "1-", "-1", "1-2-3", "９-9" * 9, "9" * 30 + "-1"])
def test_invalid_cursor_means_first_page(text):
    assert Cursor.from_text(text) is None


def test_match_beyond_the_budget_is_found(owner):
    create_labeled_image(owner, {"Dog": 90, "Pet": 90}, filename="old.jpg")
    for number in range(5):
        create_labeled_image(owner, {"Dog": 90}, filename=f"{number}.jpg")
    for number in range(7):
        create_labeled_image(owner, {"Pet": 90}, filename=f"pet-{number}.jpg")
    refresh_label_counts()
    assert search("dog pet", viewer_of(owner), size=2, budget=4) == ["old.jpg"]


def test_results_facets_and_suggestions_respect_visibility(owner, colleague):
    for visibility, name in enumerate(["private.jpg", "shared.jpg", "public.jpg"]):
        create_labeled_image(owner, {"Dog": 90}, filename=name, visibility=visibility)
    create_labeled_image(colleague, {"Dog": 90, "Secret": 90}, filename="own.jpg")
    assert search("dog", viewer_of(owner)) == ["public.jpg", "shared.jpg", "private.jpg"]
    assert (
        search("", viewer_of(colleague))
        == search("dog", viewer_of(colleague))
        == [
            "own.jpg",
            "public.jpg",
            "shared.jpg",
        ]
    )
    assert search("", Viewer()) == search("dog", Viewer()) == ["public.jpg"]
    assert search("secret", viewer_of(owner)) == []
    assert [facet.name for facet in facets(parse(""), viewer=viewer_of(owner)).by_kind["label"]] == ["Dog"]
    assert similar_names("secrets", viewer=viewer_of(owner)) == []
    assert similar_names("secrets", viewer=viewer_of(colleague)) == ["Secret"]


def test_trash_is_left_out_of_results_and_facets(owner):
    image = create_labeled_image(owner, {"Dog": 90})
    image.trashed_at = START
    image.save()
    reindex([image.pk])
    assert search("", viewer_of(owner)) == search("dog", viewer_of(owner)) == []
    assert facets(parse(""), viewer=viewer_of(owner)).by_kind == {}


def test_facets_count_labels_of_the_result(library):
    labels = facets(parse("cat"), viewer=library).by_kind["label"]
    assert [(facet.name, facet.count) for facet in labels] == [
        ("Cat", 2),
        ("Black And White", 1),
        ("Dog", 1),
        ("Pet", 1),
    ]


def test_results_equal_plain_python(owner, colleague):
    """Random libraries and queries, in SQL and by a loop over each image's labels."""
    dice = random.Random(7)
    words = ["Dog", "Cat", "Pet", "Grass", "Sky"]
    images = []
    for _ in range(40):
        labels = {word: dice.choice([55, 70, 90, 99.99]) for word in words if dice.random() < 0.5}
        person = dice.choice([owner, colleague])
        image = create_labeled_image(person, labels, visibility=dice.choice([0, 0, 1, 2]))
        images.append((image, person, labels))
    refresh_label_counts()
    for _ in range(60):
        chosen = [(dice.choice(words), dice.choice([0, 0, 70, 90.5]), dice.random() < 0.4) for _ in range(3)]
        text = " ".join(
            f"{'-' if out else ''}{word}{f'>={minimum}' if minimum else ''}" for word, minimum, out in chosen
        )
        naive = [
            image.filename
            for image, person, labels in reversed(images)
            if (person == owner or image.visibility >= 1)
            and all((labels.get(word, -1) >= minimum) != out for word, minimum, out in chosen)
        ]
        assert search(text, viewer_of(owner)) == naive, text
        assert count(parse(text), viewer=viewer_of(owner)) == len(naive), text


def test_cursor_works_for_dates_before_1970(owner):
    pictures = [create_image(owner, taken_at=START.replace(year=1900 + number)) for number in (71, 65, 31, 1)]
    pictures += [create_image(owner, taken_at=None) for _ in range(2)][::-1]
    images, after = [], None
    for _ in pictures:
        piece = page(parse("sort:taken"), viewer=viewer_of(owner), after=after, size=1)
        images += piece.images
        after = piece.next and Cursor.from_text(str(piece.next))
    assert images == pictures


def test_changed_date_moves_an_image_once_it_is_indexed(owner):
    first, second = (create_labeled_image(owner, {"Dog": 90}, taken_at=START) for _ in range(2))
    Image.objects.filter(pk=first.pk).update(taken_at=START.replace(year=2030))
    reindex([first.pk])
    for text in ("dog", "", "dog taken:2026..2030"):
        assert page(parse(text), viewer=viewer_of(owner)).images == [first, second], text
    assert page(parse("dog sort:newest"), viewer=viewer_of(owner)).images == [second, first]
    assert page(parse("dog taken:2030"), viewer=viewer_of(owner)).images == [first]
    Image.objects.filter(pk=first.pk).update(taken_at=None)
    reindex([first.pk])
    assert page(parse("dog"), viewer=viewer_of(owner)).images == [second, first]


def test_common_prefix_does_not_displace_a_rare_one(owner):
    Label.objects.bulk_create(Label(kind="label", name=f"a{number}", image_count=9) for number in range(1_001))
    create_labeled_image(owner, {"Zebra": 90}, filename="zebra.jpg")
    assert search("zeb* OR a*", viewer_of(owner)) == ["zebra.jpg"]


def test_hidden_label_is_not_in_its_category(owner):
    create_labeled_image(owner, {"Zebra": 90}, filename="zebra.jpg")
    Label.objects.update(category="Animals")
    assert search("category:animals", viewer_of(owner)) == ["zebra.jpg"]
    Label.objects.update(is_hidden=True)
    assert search("category:animals", viewer_of(owner)) == []
    assert search("label:zebra", viewer_of(owner)) == ["zebra.jpg"]


def test_iter_ids_includes_the_last_duplicate_of_a_group(owner):
    pictures = [create_image(owner, phash=5) for _ in range(4)]
    mark_all_duplicates()
    gone = []
    for ids in iter_ids(parse("is:duplicate"), viewer=viewer_of(owner), step=1):
        gone += trash.trash(ids)
    assert sorted(gone) == [picture.pk for picture in pictures]


@pytest.mark.parametrize(
    ("text", "includes"),
    [
        ("is:trashed", True),
        ("dog OR is:trashed", True),
        ("-(dog is:trashed)", True),
        ("-is:trashed", False),
        ("dog -is:trashed", False),
        ("dog", False),
    ],
)
def test_excluding_the_trash_does_not_include_it(text, includes):
    assert parse(text).includes_trash is includes


def test_owners_whose_names_differ_only_in_case_are_distinct(owner):
    people = [create_user(name) for name in ("Anna", "anna", "Berta")]
    for person in people:
        create_image(person, filename=f"{person.username}.jpg", visibility=1)
    viewer = viewer_of(owner)
    assert [search(f"owner:{name}", viewer) for name in ("Anna", "anna", "berta")] == [
        ["Anna.jpg"],
        ["anna.jpg"],
        ["Berta.jpg"],
    ]
    assert search("owner:Anna OR owner:anna", viewer) == ["anna.jpg", "Anna.jpg"]
    assert search("owner:ANNA", viewer) == ["Anna.jpg"]  # the oldest account


def test_a_page_reads_what_cards_show_or_all_columns(owner):
    image = create_image(owner, title="Beach", description="Long text", camera_make="Canon")
    search = Search(parse(""), viewer_of(owner))
    [listed], [complete] = search.page().images, search.page(columns=ALL_COLUMNS).images
    assert "title" in listed.__dict__
    assert listed.get_deferred_fields() >= {"description", "camera_make", "file_values"}
    assert complete.get_deferred_fields() == set()
    assert (listed.description, complete.description) == (image.description, image.description)
