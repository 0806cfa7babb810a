"""Labels page: visible labels and their counts."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.models import Image, Label, LabelAlias
from analysis.recognition.reindex_ancestors import refresh_all
from analysis.search import visible_labels
from analysis.web import labels as page_of_labels
from tests.factories import create_label, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
PRIVATE, SHARED, PUBLIC = Image.Visibility.values


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def look(browser, **parameters) -> Page:
    return Page(browser.get(reverse("labels"), parameters))


def covers(page: Page) -> dict[str, str]:
    """Links of the covers by their words: name and count."""
    links = {words: url for words, url in page.links.items() if url != reverse("search-help")}  # in the header
    return {words.removesuffix(" pictures"): url for words, url in links.items() if words.endswith(" pictures")}


def categorize(**categories: str) -> None:
    for name, category in categories.items():
        Label.objects.filter(name=name.replace("_", " ")).update(category=category)


def test_labels_are_grouped_by_category_and_link_to_their_search(owner, browser):
    create_labeled_image(owner, {"Dog": 99, "Grass": 90})
    create_labeled_image(owner, {"Dog": 98, "Cat": 97, "Polar Bear": 60})
    categorize(Dog="Animals", Cat="Animals", Polar_Bear="Animals", Grass="Plants")
    page = look(browser)
    assert covers(page) == {
        "Dog 2": "/?q=Dog",
        "Cat 1": "/?q=Cat",
        "Polar Bear 1": "/?q=%22Polar+Bear%22",
        "Grass 1": "/?q=Grass",
    }
    assert list(covers(page)) == ["Dog 2", "Cat 1", "Polar Bear 1", "Grass 1"]
    assert [page.links[title] for title in ("Animals", "Plants")] == ["#group-0", "#group-1"]


def test_labels_use_different_covers_where_possible(owner, browser):
    older, newer = (
        create_labeled_image(owner, {"Dog": 99, "Cat": 90}),
        create_labeled_image(owner, {"Dog": 98, "Cat": 90}),
    )
    sources = [image["src"].split("/renditions")[0] for image in look(browser).all("img") if "thumb" in image["src"]]
    assert sources == [f"/images/{newer.pk}", f"/images/{older.pk}"]


def test_other_kinds_are_groups_and_search_by_kind(owner, browser):
    create_labeled_image(owner, {"Dog": 99, "rex": 98})
    Label.objects.filter(name="rex").update(kind="tag")
    page = look(browser)
    assert list(covers(page).items()) == [("rex 1", "/?q=tag%3Arex"), ("Dog 1", "/?q=Dog")]
    assert {"Tags", "Other"} <= set(page.links)


def test_labels_of_hidden_pictures_are_not_listed(owner, colleague, stranger, signed_in):
    create_labeled_image(owner, {"Dog": 99, "Secret": 99})
    create_labeled_image(owner, {"Dog": 99}, visibility=SHARED)
    create_labeled_image(colleague, {"Cat": 99})
    assert list(covers(look(signed_in(owner)))) == ["Dog 2", "Secret 1"]
    assert list(covers(look(signed_in(colleague)))) == ["Cat 1", "Dog 1"]
    for parameters in ({}, {"q": "s"}, {"kind": "label"}):
        assert "Secret" not in look(signed_in(stranger), **parameters).text
    assert list(covers(look(signed_in(stranger)))) == ["Dog 1"]


def test_hidden_labels_and_pictures_in_the_trash_are_left_out(owner, browser):
    create_labeled_image(owner, {"Dog": 99, "Noise": 99})
    Label.objects.filter(name="Noise").update(is_hidden=True)
    assert list(covers(look(browser))) == ["Dog 1"]
    assert "Noise" not in look(browser, q="noise").links


def test_filter_matches_parts_of_names_and_aliases(owner, browser):
    create_labeled_image(owner, {"Bicycle": 99, "Motorcycle": 98, "Dog": 97})
    LabelAlias.objects.create(label=create_label("Dog"), name="Hound")
    assert list(covers(look(browser, q="CYCLE"))) == ["Bicycle 1", "Motorcycle 1"]
    assert list(covers(look(browser, q="houn"))) == ["Dog 1"]
    assert "No labels match “100%”." in look(browser, q="100%").text


def test_filter_leaves_the_search_box_empty(owner, browser):
    create_labeled_image(owner, {"Dog": 99})
    page = look(browser, q="do")
    assert [field.get("value", "") for field in page.all("input") if field.get("name") == "q"] == ["", "do"]


def test_group_shows_its_first_labels_and_links_to_all(owner, browser, monkeypatch):
    monkeypatch.setattr(page_of_labels, "PREVIEW_SIZE", 2)
    monkeypatch.setattr(page_of_labels, "PAGE_SIZE", 3)
    create_labeled_image(owner, dict.fromkeys(["Ant", "Bee", "Cow", "Dog", "Elk"], 99))
    categorize(Ant="Animals", Bee="Animals", Cow="Animals", Dog="Animals", Elk="Animals")
    page = look(browser)
    assert list(covers(page)) == ["Ant 1", "Bee 1"]
    url = page.links["Show all (Animals)"]
    assert url == "/labels/?kind=label&category=Animals"
    first = Page(browser.get(url))
    assert list(covers(first)) == ["Ant 1", "Bee 1", "Cow 1"]
    assert list(covers(Page(browser.get(first.links["Show more"])))) == ["Dog 1", "Elk 1"]


@pytest.fixture
def large(monkeypatch):
    """As in a library of which only some pictures are looked at."""
    monkeypatch.setattr(visible_labels, "SAMPLE", 1)
    monkeypatch.setattr(visible_labels, "EXACT", 1)


def test_labels_missing_from_the_sample_are_looked_up(owner, colleague, signed_in, large):
    create_labeled_image(owner, {"Dog": 99})
    create_labeled_image(owner, {"Cat": 99, "Dog": 99}, visibility=SHARED)
    create_labeled_image(colleague, {"Secret": 99})
    assert covers(look(signed_in(owner))).keys() == {"Dog 2", "Cat 1"}
    assert covers(look(signed_in(owner), kind="label")).keys() == {"Dog 2", "Cat 1"}
    assert covers(look(signed_in(colleague))).keys() == {"Dog 1", "Cat 1", "Secret 1"}


def test_reader_of_few_pictures_gets_exact_counts(owner, stranger, signed_in, large):
    create_labeled_image(owner, {"Dog": 99, "Cat": 99}, visibility=SHARED)
    for _ in range(3):
        create_labeled_image(owner, {"Dog": 99, "Secret": 99})
    assert list(covers(look(signed_in(stranger)))) == ["Cat 1", "Dog 1"]


def test_invisible_labels_are_skipped_in_bounded_steps(owner, colleague, signed_in, large, monkeypatch):
    monkeypatch.setattr(visible_labels, "MAX_LOOKUPS", 2)
    create_labeled_image(colleague, dict.fromkeys(["Ant", "Bee", "Cow"], 99))
    create_labeled_image(owner, {"Zebra": 99})
    create_labeled_image(owner, {"Yak": 99})
    page, seen = look(signed_in(owner), kind="label"), []
    for _ in range(5):
        seen += covers(page)
        if "Show more" not in page.links:
            break
        page = Page(signed_in(owner).get(page.links["Show more"]))
    assert sorted(seen) == ["Yak 1", "Zebra 1"]


def test_counts_are_capped_in_a_large_library(owner, colleague, signed_in, large, monkeypatch):
    monkeypatch.setattr(visible_labels, "COUNT_CAP", 1)
    for _ in range(3):
        create_labeled_image(owner, {"Dog": 99})
    create_labeled_image(colleague, {"Cat": 99})
    assert list(covers(look(signed_in(owner)))) == ["Dog 1+"]


def test_owner_of_all_pictures_gets_stored_counts(owner, signed_in, large):
    for _ in range(3):
        create_labeled_image(owner, {"Dog": 99})
    Label.objects.filter(name="Dog").update(image_count=12_345)
    assert list(covers(look(signed_in(owner)))) == ["Dog 12,345"]


def test_empty_library_explains_the_page(browser):
    assert "Labels appear here once pictures have been analyzed." in look(browser).text


def test_invalid_parameters_are_ignored(owner, browser):
    create_labeled_image(owner, {"Dog": 99})
    for parameters in (
        {"kind": "nonsense"},
        {"q": "\x00"},
        {"kind": "tag", "after": "x"},
        {"kind": "label", "after": 7**20},
    ):
        assert browser.get(reverse("labels"), parameters).status_code == 200


def test_nothing_is_inline_and_hostile_names_stay_text(owner, browser):
    create_labeled_image(owner, {'<script>alert("x")</script>': 99})
    for parameters in ({}, {"q": "<script>"}):
        assert look(browser, **parameters).inline() == []


@pytest.mark.parametrize("number", [1, 3])
def test_page_takes_nine_queries(owner, browser, number, django_assert_num_queries):
    for _ in range(number):
        create_labeled_image(owner, {"Dog": 98, "Cat": 97})
    with django_assert_num_queries(
        9
    ):  # session, person, groups; extent, frequencies, labels, newest of each, the sensitive ones, covers
        look(browser)


@pytest.mark.parametrize("number", [1, 3])
def test_group_takes_ten_queries(owner, browser, number, django_assert_num_queries):
    for _ in range(number):
        create_labeled_image(owner, {"Dog": 98, "Cat": 97})
    with django_assert_num_queries(10):  # the same, and the tree
        look(browser, kind="label")


# --- The tree ---


def add_parents(*pairs: tuple[str, str]) -> None:
    for child, parent in pairs:
        create_label(child).parents.add(create_label(parent))
    refresh_all()


VEHICLES = (("Sedan", "Car"), ("Sedan", "Vehicle"), ("Car", "Vehicle"), ("Truck", "Vehicle"), ("Dog", "Animal"))


def test_tree_shows_one_level_with_counts_and_the_path_to_it(owner, browser):
    add_parents(*VEHICLES)
    create_labeled_image(owner, {"Sedan": 99, "Dog": 90})
    create_labeled_image(owner, {"Truck": 99})
    roots = look(browser, under="0")
    assert covers(roots) == {"Vehicle 2": "/?q=Vehicle", "Animal 1": "/?q=Animal"}
    vehicle = f"/labels/?under={create_label('Vehicle').pk}"
    assert roots.links["Labels below Vehicle"] == vehicle
    level = Page(browser.get(vehicle))
    assert covers(level) == {"Car 1": "/?q=Car", "Truck 1": "/?q=Truck"}
    assert "Labels below Truck" not in level.links
    lowest = Page(browser.get(level.links["Labels below Car"]))
    assert covers(lowest) == {"Sedan 1": "/?q=Sedan"}
    assert [lowest.links[name] for name in ("By hierarchy", "Vehicle")] == ["/labels/?under=0", vehicle]


def test_labels_in_a_circle_are_roots_and_children_of_each_other(owner, browser):
    add_parents(("One", "Two"), ("Two", "Three"), ("Three", "Four"), ("Four", "One"))
    create_labeled_image(owner, {"One": 99})
    assert set(covers(look(browser, under="0"))) == {"One 1", "Two 1", "Three 1", "Four 1"}
    assert set(covers(look(browser, under=create_label("One").pk))) == {"Two 1", "Three 1", "Four 1"}


def test_tree_tells_nothing_of_labels_on_pictures_of_others(owner, stranger, signed_in):
    add_parents(*VEHICLES)
    create_labeled_image(owner, {"Sedan": 99})
    create_labeled_image(owner, {"Dog": 99}, visibility=SHARED)
    page = look(signed_in(stranger), under="0")
    assert (covers(page), "Labels below Animal" in page.links) == ({"Animal 1": "/?q=Animal"}, True)
    for under, status in (("Vehicle", 404), ("Truck", 404), ("Animal", 200)):
        response = signed_in(stranger).get(reverse("labels"), {"under": create_label(under).pk})
        assert response.status_code == status
    assert signed_in(stranger).get(reverse("labels"), {"under": 2**31 - 1}).status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_level_of_the_tree_takes_sixteen_queries(owner, browser, number, django_assert_num_queries):
    add_parents(*VEHICLES)
    for _ in range(number):
        create_labeled_image(owner, {"Sedan": 98, "Truck": 97})
    with django_assert_num_queries(16):
        look(browser, under=create_label("Vehicle").pk)
