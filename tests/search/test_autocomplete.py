"""Autocomplete: suggestions by position, without labels of invisible images."""

import pytest
from django.utils import timezone

from analysis.models import Image, ImageLabel, Label, LabelAlias, Verdict, Viewer
from analysis.recognition.reindex_images import reindex
from analysis.search.autocomplete import Suggestion, complete, similar_names
from analysis.search.label_counts import refresh_label_counts
from analysis.search.syntax.parser import parse
from analysis.search.visible_labels import SMALL_LIBRARY
from tests.factories import create_image, create_label, create_labeled_image

NOBODY = Viewer()


@pytest.fixture
def library(owner):
    """Three images: Dog on 3, Dog House on 2, other labels on 1, Dolphin on none."""
    for others in ({"Dog House": 90, "Black And White": 90}, {"Dog House": 90, "Person": 99}, {"Donkey": 80}):
        create_labeled_image(owner, {"Dog": 98, **others})
    create_label("Dolphin")
    LabelAlias.objects.create(name="Puppy", label=Label.objects.get(name="Dog"))
    Label.objects.filter(name__in=["Dog", "Donkey"]).update(category="Animals and Pets")
    Label.objects.filter(name="Dolphin").update(category="Animals at Sea")
    refresh_label_counts()
    return Viewer(owner.pk)


@pytest.fixture
def crowd(owner, library):
    """More images than SMALL_LIBRARY."""
    template = Image.objects.filter(owner=owner).values().first()
    changes = {"id": None, "added_at": timezone.now()}
    del template["phash_chunks"]
    Image.objects.bulk_create(
        Image(**{**template, **changes, "key": f"crowd/{number}", "sha256": f"c{number:063d}"})
        for number in range(SMALL_LIBRARY)
    )
    return library


def add(owner, name, kind, **fields):
    """Create an image with this label."""
    image = create_image(owner, **fields)
    Verdict.objects.create(image=image, label=create_label(name, kind), decision="added", by=owner)
    reindex([image.pk])
    refresh_label_counts()
    return image


def suggestions(text, viewer, **options):
    results = complete(text, **{"cursor": len(text), "viewer": viewer, **options})
    return [(suggestion.text, suggestion.kind, suggestion.count) for suggestion in results]


def names(text, viewer, **options):
    return [name for name, _, _ in suggestions(text, viewer, **options)]


def complete_first(text, viewer):
    """The text after choosing the first suggestion; | is the cursor."""
    cursor = text.index("|")
    first = complete(text.replace("|", ""), cursor=cursor, viewer=viewer)[0]
    return f"{first.completed[: first.cursor]}|{first.completed[first.cursor :]}"


def test_words_before_the_cursor_are_one_label_with_it(library):
    assert complete_first("dog ho|", library) == '"Dog House" |'
    assert complete_first("-cat (dog ho| OR cat)", library) == '-cat ("Dog House" |OR cat)'
    assert complete_first("cat dog hou|", library) == 'cat "Dog House" |'
    assert names("dog do", library)[0] == "Dog"
    for text in ('"dog" ho', "-dog ho", "tag:dog ho", "dog OR ho", "dog (ho", "dog>=9 ho"):
        assert complete_first(f"{text}|", library) == f'{text.removesuffix("ho")}"Dog House" |'


def test_other_forms_and_synonyms_are_suggested(library, owner):
    add(owner, "Café", "tag")
    add(owner, "Couch", "label")
    assert names("dogs", library) == ["Dog"]
    assert names("cafe", library) == ["Café"]
    assert names("sofa", library) == ["Couch"]


def test_labels_match_any_word_of_name_or_alias_by_frequency(library):
    assert suggestions("do", library) == [("Dog", "label", 3), ("Dog House", "label", 2), ("Donkey", "label", 1)]
    assert suggestions("do", library, maximum=2) == [("Dog", "label", 3), ("Dog House", "label", 2)]
    assert suggestions("hOu", library) == [("Dog House", "label", 2)]
    assert suggestions("pup", library) == [("Dog (Puppy)", "label", 3)]
    assert suggestions("zebra", library) == []


def test_suggestion_has_the_complete_search(library):
    assert complete("-do beach", cursor=3, viewer=library, maximum=1) == [
        Suggestion("Dog", "label", 3, "-Dog beach", 5)
    ]


COMPLETIONS = {
    "do|": "Dog |",
    "do|lphin cat": "Dog |cat",
    "cat (do|)": "cat (Dog|)",
    'cat "dog h|': 'cat "Dog House" |',
    '"dog h|ous" cat': '"Dog House" |cat',
    '"a b" dog h|': '"a b" dog "Dog House" |',
    "black|": '"Black And White" |',
    "cat OR -label:do|": "cat OR -label:Dog |",
    "count(do|": "count(Dog)>=|",
    "count(do|)>=2": "count(Dog|)>=2",
    "categ|": "category:|",
    "category:anim|": 'category:"Animals and Pets" |',
    'category:"animals and|': 'category:"Animals and Pets" |',
    "is:fav|": "is:favorite |",
    "is: fav| cat": "is:favorite |cat",
    "face(smi|": "face(Smile |",
    "tag:sum|": 'tag:"Summer 2024" |',
    "summ|": 'tag:"Summer 2024" |',
    "label:\u201cdog h|": 'label:"Dog House" |',
    "cat \u201cdog h|ous\u201d cat": 'cat "Dog House" |cat',
    "cat \u2013do|": "cat -Dog |",
    'tag:"sum| of 69" cat': 'tag:"Summer 2024" |cat',
    '"dog h| "black" cat': '"Dog House" |"black" cat',
    "ratin|:4": "rating:|4",
    "is|:favorite": "is:|favorite",
    "-tak|n:2024 cat": "-taken:|2024 cat",
    "fac|(smile)": "face(|smile)",
}


def test_completed_search_parses(owner, library):
    add(owner, "Smile", "face")
    add(owner, "Summer 2024", "tag")
    assert {text: complete_first(text, library) for text in COMPLETIONS} == COMPLETIONS
    completed = [after.replace("|", "") for after in COMPLETIONS.values() if after.endswith(" |") and "(" not in after]
    assert [parse(text).text for text in completed] == [text.strip() for text in completed]


def test_fields_and_functions_limit_the_kind_of_label(owner, library):
    add(owner, "Dot Miller", "celebrity")
    add(owner, "Doubtful", "emotion")
    assert suggestions("celebrity:do", library) == [("Dot Miller", "celebrity", 1)]
    assert suggestions("celebrity:", library) == [("Dot Miller", "celebrity", 1)]
    assert suggestions("face(do", library) == [("Doubtful", "emotion", 1)]
    assert names("count(do", library) == ["Dog", "Dog House", "Donkey"]
    assert names("do", library) == ["Dog", "Dog House", "Donkey", "Dot Miller", "Doubtful"]


VALUES = {
    "is:pr": ["private"],
    "has:": ["faces", "text", "location", "labels"],
    "BY:P": ["person"],
    "sort:n": ["newest", "name"],
    "orientation:": ["landscape", "portrait", "square"],
    "taken:l": ["last-7-days", "last-30-days", "last-1-year"],
    "format:w": ["webp"],
    "owner:": ["me"],
    "rati": ["rating:"],
    "c": ["celebrity:", "color:", "category:"],
    '"cel': [],
    "rating:": [],
    "nonsense:do": [],
    "dog>=9": [],
    "dog >= ": [],
    '"do"': [],
    "\u201cdo\u201d": [],
    "face(is:": [],
    "": [],
    "dog ": [],
}


def test_fields_and_values_are_suggested(library):
    assert {text: names(text, library) for text in VALUES} == VALUES


@pytest.mark.parametrize(
    "text",
    ['"\\', '"a\\"do', "-" * 300 + "do", "(" * 3_000 + "do", "a" * 4_000 + '"', "\0\ud800do", 'tag:"" do', "*:do"],
)
def test_any_text_can_be_completed(text, library):
    for suggestion in complete(text, cursor=len(text), viewer=library):
        assert 0 <= suggestion.cursor <= len(suggestion.completed)


def test_only_fields_are_suggested_before_a_colon(library):
    assert names("do:x", library, cursor=2) == []
    assert names("c:x", library, cursor=1) == ["celebrity:", "color:", "category:"]
    assert names("c(x", library, cursor=1) == ["count("]


def test_cursor_is_clamped_to_the_text(library):
    assert names("do", library, cursor=99) == ["Dog", "Dog House", "Donkey"]
    assert names("do", library, cursor=-1) == []


def test_only_labels_of_visible_images_are_suggested(library, colleague, owner):
    add(colleague, "Dossier", "tag")
    assert suggestions("do", Viewer(colleague.pk)) == [("Dossier", "tag", 1)]
    assert names("do", library) == ["Dog", "Dog House", "Donkey"]
    assert names("do", NOBODY) == []
    add(owner, "Doorway", "tag", visibility=1)
    assert suggestions("do", Viewer(colleague.pk)) == [("Doorway", "tag", 1), ("Dossier", "tag", 1)]
    assert names("do", NOBODY) == []
    add(owner, "Dome", "tag", visibility=2)
    assert suggestions("do", NOBODY) == [("Dome", "tag", 1)]
    assert names("category:", NOBODY) == []
    assert names("category:", library) == ["Animals and Pets"]


def test_large_library_has_the_same_suggestions(crowd, colleague, owner):
    assert suggestions("do", crowd) == [("Dog", "label", 3), ("Dog House", "label", 2), ("Donkey", "label", 1)]
    assert names("category:", crowd) == ["Animals and Pets"]
    add(colleague, "Dossier", "tag")
    Label.objects.filter(name="Donkey").update(is_hidden=True)
    assert suggestions("do", crowd) == [("Dog", "label", None), ("Dog House", "label", None)]
    assert suggestions("do", Viewer(colleague.pk)) == [("Dossier", "tag", 1)]


def test_hidden_labels_and_those_in_the_trash_are_not_suggested(library):
    Label.objects.filter(name="Dog House").update(is_hidden=True)
    assert names("do", library) == ["Dog", "Donkey"]
    ImageLabel.objects.filter(label__name="Donkey").delete()
    image = Image.objects.get(index__label_ids__contains=[Label.objects.get(name="Donkey").pk])
    image.trashed_at = timezone.now()
    image.save()
    assert suggestions("do", library) == [("Dog", "label", 2)]


def test_similar_names_differ_by_one_or_two_letters(library, crowd):
    LabelAlias.objects.create(name="Hound", label=Label.objects.get(name="Dog"))
    assert similar_names("dgo", viewer=library) == ["Dog"]
    assert similar_names("dnokey", viewer=library) == ["Donkey"]
    assert similar_names("blak and whit", viewer=library) == ["Black And White"]
    assert similar_names("huond", viewer=library) == ["Hound"]
    assert similar_names("dolphim", viewer=library) == []
    assert similar_names("dog", viewer=NOBODY) == []
    assert similar_names("entirely else", viewer=library) == []


def test_new_labels_are_suggested_at_once(library, owner):
    assert names("new", library) == []
    add(owner, "Newspaper", "label")
    assert names("news", library) == ["Newspaper"]


@pytest.mark.parametrize("pictures", ["library", "crowd"])
def test_suggestions_need_three_queries(pictures, request, django_assert_num_queries):
    viewer = request.getfixturevalue(pictures)
    names("do", viewer)
    with django_assert_num_queries({"library": 3, "crowd": 3}[pictures]):
        assert names("do", viewer) == ["Dog", "Dog House", "Donkey"]
