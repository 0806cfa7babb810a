"""The labels page: what one can meet, how often, and nothing of what one may not see."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.models import Image, Label, LabelAlias
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
    return {words.removesuffix(" pictures"): url for words, url in page.links.items() if words.endswith(" pictures")}


def categorize(**categories: str) -> None:
    for name, category in categories.items():
        Label.objects.filter(name=name.replace("_", " ")).update(category=category)


def test_labels_come_by_category_most_frequent_first_and_lead_to_their_search(owner, browser):
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


def test_each_label_has_another_cover_where_there_is_one(owner, browser):
    older, newer = (
        create_labeled_image(owner, {"Dog": 99, "Cat": 90}),
        create_labeled_image(owner, {"Dog": 98, "Cat": 90}),
    )
    sources = [image["src"].split("/renditions")[0] for image in look(browser).all("img") if "thumb" in image["src"]]
    assert sources == [f"/images/{newer.pk}", f"/images/{older.pk}"]


def test_other_kinds_are_groups_of_their_own_and_asked_for_by_kind(owner, browser):
    create_labeled_image(owner, {"Dog": 99, "rex": 98})
    Label.objects.filter(name="rex").update(kind="tag")
    page = look(browser)
    assert list(covers(page).items()) == [("rex 1", "/?q=tag%3Arex"), ("Dog 1", "/?q=Dog")]
    assert {"Tags", "Other"} <= set(page.links)


def test_nothing_is_told_of_pictures_one_may_not_see(owner, colleague, stranger, signed_in):
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


def test_the_filter_finds_parts_of_names_and_aliases(owner, browser):
    create_labeled_image(owner, {"Bicycle": 99, "Motorcycle": 98, "Dog": 97})
    LabelAlias.objects.create(label=create_label("Dog"), name="Hound")
    assert list(covers(look(browser, q="CYCLE"))) == ["Bicycle 1", "Motorcycle 1"]
    assert list(covers(look(browser, q="houn"))) == ["Dog 1"]
    assert "No label that you can meet is called anything like “100%”." in look(browser, q="100%").text


def test_the_filter_is_not_the_search(owner, browser):
    create_labeled_image(owner, {"Dog": 99})
    page = look(browser, q="do")
    assert [each.get("value", "") for each in page.all("input") if each.get("name") == "q"] == ["", "do"]


def test_a_group_shows_its_first_and_leads_to_all(owner, browser, monkeypatch):
    monkeypatch.setattr(page_of_labels, "FIRST", 2)
    monkeypatch.setattr(page_of_labels, "MOST", 3)
    create_labeled_image(owner, dict.fromkeys(["Ant", "Bee", "Cow", "Dog", "Elk"], 99))
    categorize(Ant="Animals", Bee="Animals", Cow="Animals", Dog="Animals", Elk="Animals")
    page = look(browser)
    assert list(covers(page)) == ["Ant 1", "Bee 1"]
    url = page.links["All of them in Animals"]
    assert url == "/labels/?kind=label&category=Animals"
    first = Page(browser.get(url))
    assert list(covers(first)) == ["Ant 1", "Bee 1", "Cow 1"]
    assert list(covers(Page(browser.get(first.links["More"])))) == ["Dog 1", "Elk 1"]


@pytest.fixture
def large(monkeypatch):
    """As in a library of which only some pictures are looked at."""
    monkeypatch.setattr(visible_labels, "SAMPLE", 1)


def test_in_a_large_library_what_the_sample_misses_is_looked_up(owner, colleague, signed_in, large):
    create_labeled_image(owner, {"Dog": 99})
    create_labeled_image(owner, {"Cat": 99, "Dog": 99}, visibility=SHARED)
    create_labeled_image(colleague, {"Secret": 99})
    assert covers(look(signed_in(owner))).keys() == {"Dog 2", "Cat 1"}
    assert covers(look(signed_in(owner), kind="label")).keys() == {"Dog 2", "Cat 1"}
    assert covers(look(signed_in(colleague))).keys() == {"Dog 1", "Cat 1", "Secret 1"}


def test_whoever_sees_few_pictures_of_a_large_library_is_told_of_these_few(owner, stranger, signed_in, large):
    create_labeled_image(owner, {"Dog": 99, "Cat": 99}, visibility=SHARED)
    for _ in range(3):
        create_labeled_image(owner, {"Dog": 99, "Secret": 99})
    assert list(covers(look(signed_in(stranger)))) == ["Cat 1", "Dog 1"]


def test_labels_on_others_pictures_alone_are_gone_through_in_bounded_steps(
    owner, colleague, signed_in, large, monkeypatch
):
    monkeypatch.setattr(visible_labels, "MAX_LOOKUPS", 2)
    create_labeled_image(colleague, dict.fromkeys(["Ant", "Bee", "Cow"], 99))
    create_labeled_image(owner, {"Zebra": 99})
    create_labeled_image(owner, {"Yak": 99})
    page, seen = look(signed_in(owner), kind="label"), []
    for _ in range(5):
        seen += covers(page)
        if "More" not in page.links:
            break
        page = Page(signed_in(owner).get(page.links["More"]))
    assert sorted(seen) == ["Yak 1", "Zebra 1"]


def test_in_a_large_library_counting_ends_somewhere(owner, colleague, signed_in, large, monkeypatch):
    monkeypatch.setattr(visible_labels, "COUNT_CAP", 1)
    for _ in range(3):
        create_labeled_image(owner, {"Dog": 99})
    create_labeled_image(colleague, {"Cat": 99})
    assert list(covers(look(signed_in(owner)))) == ["Dog 1+"]


def test_whoever_owns_all_pictures_of_a_large_library_gets_the_counts_that_are_kept(owner, signed_in, large):
    for _ in range(3):
        create_labeled_image(owner, {"Dog": 99})
    Label.objects.filter(name="Dog").update(image_count=12_345)
    assert list(covers(look(signed_in(owner)))) == ["Dog 12,345"]


def test_an_empty_library_says_what_will_be_here(browser):
    assert "Labels will be here as soon as pictures are analyzed." in look(browser).text


def test_what_nobody_meant_is_an_answer_all_the_same(owner, browser):
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
def test_the_page_takes_nine_queries(owner, browser, number, django_assert_num_queries):
    for _ in range(number):
        create_labeled_image(owner, {"Dog": 98, "Cat": 97})
    with django_assert_num_queries(
        9
    ):  # session, person, groups; extent, frequencies, labels, newest of each, the sensitive ones, covers
        look(browser)


@pytest.mark.parametrize("number", [1, 3])
def test_a_group_takes_nine_queries(owner, browser, number, django_assert_num_queries):
    for _ in range(number):
        create_labeled_image(owner, {"Dog": 98, "Cat": 97})
    with django_assert_num_queries(9):
        look(browser, kind="label")
