"""Home page: its cards, who sees them, and what they cost in a large library."""

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from analysis.admin import home
from analysis.models import AddedStatistics, Spend
from analysis.statistics import aggregation, queries
from analysis.statistics.unanalyzed import Unanalyzed, unanalyzed
from tests.factories import create_analysis, create_image, create_labeled_image, create_user

pytestmark = pytest.mark.django_db

HOME = reverse("admin:index")
NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
ALL_CARDS = ["pictures", "to-analyze", "failed", "spend", "queue", "people"]


def cards_of(user) -> dict[str, home.HomeCard]:
    return {card.slug: card for card in home.cards(user, moment=NOW)}


@pytest.fixture
def rows(owner):
    create_analysis(create_image(owner, size=4_500), state="failed")
    create_analysis(create_labeled_image(owner, {"Dog": 98}), api="faces", state="queued")
    create_image(owner)
    create_image(owner, trashed_at=timezone.now())
    Spend.objects.create(recognizer="simulator", api="labels", day=timezone.now().date(), dollars="1.5")
    list(aggregation.rebuild())


def test_cards_have_figures_and_context(rows, staff, settings):
    settings.RECOGNIZER, settings.MONTHLY_BUDGET = "simulator", None
    cards = cards_of(staff)
    assert {slug: (card.figure, card.note, card.is_alert) for slug, card in cards.items() if slug != "queue"} == {
        "pictures": ("3", cards["pictures"].note, False),
        "to-analyze": ("1", "Labels 1", False),
        "failed": ("1", "Labels: InvalidImageFormatException (1)", True),
        "spend": ("$1.50", "No budget set", False),
        "people": ("2", "No open invitations", False),
    }
    assert cards["queue"].figure == "1"


@pytest.mark.parametrize(
    ("codename", "expected"),
    [
        ("view_image", ["pictures"]),
        ("view_analysis", ["failed"]),
        ("view_endedstatistics", ["spend", "queue"]),
        ("add_batch", []),
        ("view_heartbeat", []),
    ],
)
def test_card_is_shown_to_who_may_see_what_it_shows(codename, expected, db):
    person = create_user(is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename=codename))
    assert list(cards_of(person)) == expected


def test_every_card_opens_its_page(rows, staff, signed_in):
    browser = signed_in(staff)
    page = browser.get(HOME)
    assert [card.slug for card in page.context["cards"]] == ALL_CARDS
    assert {browser.get(card.url.partition("#")[0]).status_code for card in page.context["cards"]} == {200}
    assert [section["title"] for section in page.context["folded_sections"]] == ["Internals"]


def test_home_of_an_empty_library_opens(staff, signed_in):
    figures = {card.slug: card.figure for card in signed_in(staff).get(HOME).context["cards"]}
    assert figures == {"pictures": "0", "to-analyze": "0", "failed": "0", "spend": "$0.00", "queue": "0", "people": "1"}


def test_pictures_are_counted_before_there_are_statistics(owner, staff, monkeypatch):
    for size in (4_500, 500):
        create_image(owner, size=size)
    create_image(owner, trashed_at=timezone.now())
    card = cards_of(staff)["pictures"]
    assert (card.figure, card.note) == ("2", "originals: 5 kB")
    monkeypatch.setattr(queries, "UNCOUNTED_CAP", 1)
    assert cards_of(staff)["pictures"].figure == "1+"


def test_unanalyzed_counts_pictures_and_apis(owner):
    create_analysis(create_image(owner), api="labels", state="failed")
    create_image(owner)
    create_analysis(create_image(owner), api="labels", is_sample=True)
    create_image(owner, trashed_at=timezone.now())
    assert unanalyzed(["labels", "text"], total=3, today=date(2026, 5, 3)) == Unanalyzed(3, {"labels": 2, "text": 3})


def test_unanalyzed_is_estimated_in_a_large_library(owner):
    create_analysis(create_image(owner))
    for _ in range(2):
        create_image(owner)
    estimate = unanalyzed(["labels"], total=3, today=date(2026, 5, 3), sample=2)
    assert estimate == Unanalyzed(2, {"labels": 2}, is_estimate=True)


def test_home_reads_no_table_of_pictures_to_count_them(staff):
    AddedStatistics.objects.create(start=NOW, owner=None, pictures=10_000_000, bytes=4_500_000_000)
    card = cards_of(staff)["pictures"]
    assert (card.figure, card.note) == ("10,000,000", "10,000,000 added in the last 30 days · originals: 4.5 GB")


def test_breadcrumb_keeps_a_name_as_typed(owner, staff, signed_in):
    image = create_image(owner, filename="second_11.jpg")
    page = signed_in(staff).get(reverse("admin:analysis_image_change", args=[image.pk])).content.decode()
    assert ">second_11.jpg</a>" in page
    assert "Second_11.jpg" not in page


def test_styles_and_icons_of_the_theme_are_addresses(staff, signed_in):
    context = signed_in(staff).get(HOME).context
    addresses = [*context["styles"], *context["scripts"], context["site_icon"], context["site_favicons"][0].href]
    assert [address for address in addresses if not address.startswith("/static/analysis/")] == []


@pytest.mark.parametrize(("chosen", "expected"), [("system", None), ("light", "light"), ("dark", "dark")])
def test_theme_is_that_of_the_account(chosen, expected, staff, signed_in):
    staff.theme = chosen
    staff.save()
    assert signed_in(staff).get(HOME).context["theme"] == expected
