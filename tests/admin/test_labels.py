"""Labels edited in the admin: hidden, merged, with a threshold; edit conflicts."""

import pytest
from django.urls import reverse

from analysis.curation.label_settings import STALE_REVISION
from analysis.models import Label, Verdict
from tests.factories import create_image, create_label, create_labeled_image

pytestmark = pytest.mark.django_db

LABELS = reverse("admin:analysis_label_changelist")
NO_ALIASES = {"aliases-TOTAL_FORMS": 0, "aliases-INITIAL_FORMS": 0}


@pytest.fixture
def browser(staff, signed_in):
    return signed_in(staff)


def page_of(label) -> str:
    return reverse("admin:analysis_label_change", args=[label.pk])


def save(browser, label, **data):
    form = browser.get(page_of(label)).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    form_data = {name: "" if value is None else value for name, value in values.items()} | NO_ALIASES | data
    return browser.post(page_of(label), form_data, follow=True)


def messages_of(page) -> str:
    return " ".join(str(message) for message in page.context["messages"])


def test_label_is_hidden_merged_and_gets_threshold(browser):
    dog, puppy = create_label("Dog"), create_label("Puppy")
    save(browser, puppy, is_hidden="on", threshold="80", merged_into=dog.pk)
    puppy.refresh_from_db()
    assert (puppy.is_hidden, puppy.threshold, puppy.merged_into, puppy.revision) == (True, 80, dog, 1)
    assert "Puppy" in browser.get(page_of(dog)).content.decode()


def test_aliases_are_saved_with_label(browser):
    alias = {"aliases-TOTAL_FORMS": 1, "aliases-0-name": "Hound", "aliases-0-label": create_label("Dog").pk}
    save(browser, create_label("Dog"), **alias)
    assert list(create_label("Dog").aliases.values_list("name", flat=True)) == ["Hound"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"threshold": "101"}, "Ensure this value is less than or equal to 100."),
        ({"threshold": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"merged_into": "999999"}, "Select a valid choice."),
        ({"merged_into": "self"}, "“Dog” cannot be merged into itself."),
        ({"revision": "7"}, str(STALE_REVISION)),
        ({"revision": ""}, str(STALE_REVISION)),
    ],
)
def test_invalid_value_is_explained_and_not_saved(data, sentence, browser):
    dog = create_label("Dog")
    page = save(browser, dog, **{name: dog.pk if value == "self" else value for name, value in data.items()})
    assert sentence in page.content.decode()
    dog.refresh_from_db()
    assert (dog.threshold, dog.merged_into, dog.revision) == (None, None, 0)


def test_second_of_two_concurrent_edits_is_refused(browser):
    dog = create_label("Dog")
    first = {"category": "Animals", "revision": "0", **NO_ALIASES}
    browser.post(page_of(dog), first)
    second = browser.post(page_of(dog), {**first, "category": "Pets"})
    assert str(STALE_REVISION) in second.content.decode()
    assert Label.objects.get(pk=dog.pk).category == "Animals"


def test_labels_are_merged_and_cycles_refused(browser):
    dog, puppy, whelp = create_label("Dog"), create_label("Puppy"), create_label("Whelp")

    def merge(labels, into):
        data = {"action": "merge", "_selected_action": [label.pk for label in labels], "confirmed": "yes", "into": into}
        return messages_of(browser.post(LABELS, data, follow=True))

    assert merge([puppy, whelp], "dog") == "Merged into “Dog”. Their pictures are reindexed in the background."
    assert list(Label.objects.filter(merged_into=dog).order_by("name")) == [puppy, whelp]
    assert merge([dog], "whelp") == "“Whelp” is already merged into “Dog”; that would create a circular merge."
    assert merge([dog], "nothing") == "There is no label “nothing” of this kind."


def test_labels_are_hidden_and_unhidden_by_actions(browser):
    data = {"_selected_action": [create_label("Dog").pk, create_label("Cat").pk]}
    browser.post(LABELS, {**data, "action": "hide"})
    assert Label.objects.filter(is_hidden=True).count() == 2
    browser.post(LABELS, {**data, "action": "show"})
    assert Label.objects.filter(is_hidden=True).count() == 0


def test_precision_is_share_of_confirmations(owner, browser):
    dog = create_label("Dog")
    for decision in ("confirmed", "confirmed", "rejected", "added"):
        Verdict.objects.create(image=create_image(owner), label=dog, decision=decision, by=owner)
    assert "67 % of 3 verdicts" in browser.get(LABELS).content.decode()
    assert "67 % of 3 verdicts" in browser.get(page_of(dog)).content.decode()


def test_tree_shows_all_ancestor_paths_and_ends_in_cycle(owner, browser):
    puppy, dog, animal, pet = (create_label(name) for name in ("Puppy", "Dog", "Animal", "Pet"))
    puppy.parents.add(dog)
    dog.parents.add(animal, pet)
    animal.parents.add(puppy)  # no taxonomy has a cycle, but responses can
    page = browser.get(page_of(puppy)).content.decode()
    tree = page[page.index('<ul class="label-tree">') :]
    assert [name for name in ("Animal", "Pet", "Dog") if f">{name}</a>" in page] == ["Animal", "Pet", "Dog"]
    assert "<strong>Puppy</strong>" in tree


def test_label_cannot_be_deleted(owner, browser):
    create_labeled_image(owner, {"Dog": 90})
    assert browser.get(reverse("admin:analysis_label_delete", args=[create_label("Dog").pk])).status_code == 403


def test_label_with_two_matching_aliases_is_listed_once(browser):
    dog = create_label("Dog")
    for name in ("Hound", "Hounds"):
        dog.aliases.create(name=name)
    assert list(browser.get(LABELS, {"q": "hound"}).context["cl"].result_list) == [dog]
    assert list(browser.get(LABELS, {"q": "og"}).context["cl"].result_list) == [dog]
