"""Dashboard: figures by person and period, tables, links and CSV."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analysis.models import Image, Label, Spend, StatisticsRun
from analysis.statistics import aggregation
from tests.factories import create_analysis, create_image, create_labeled_image, create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
URL = "/dashboard/"
PICTURES = "/admin/analysis/image/"
OWN = ["added", "analyses", "spend", "storage", "labels", "growing", "confidence", "failures"]


def count():
    list(aggregation.rebuild())


def tables(browser, **parameters):
    return {table.slug: table for table in browser.get(URL, parameters).context["tables"]}


def figures(table):
    """Rows in which there is something, by name."""
    return {
        row.name: [cell.text for cell in row.cells] for row in table.rows if row.cells[0].value not in {"0", "0.000000"}
    }


@pytest.fixture
def today():
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


def named(day):
    return f"{day.day} {day:%b}"


def test_people_see_their_own_figures_and_staff_see_all(owner, colleague, staff, signed_in, today):
    for person in (owner, owner, colleague):
        create_labeled_image(person, {"Dog": 97}, added_at=today, size=1_000_000)
    count()
    Label.objects.update(image_count=3)
    own, library = tables(signed_in(owner)), tables(signed_in(staff))
    assert list(own) == OWN
    assert list(library) == [*OWN, "queue", "latency"]
    for tables_by_slug, number, size in ((own, "2", "2 MB"), (library, "3", "3 MB")):
        assert figures(tables_by_slug["added"]) == {named(today): [number]}
        assert figures(tables_by_slug["analyses"]) == {named(today): [number, "0", "0"]}
        assert figures(tables_by_slug["labels"]) == {"Dog": [number]}
        assert figures(tables_by_slug["growing"]) == {"Dog": [number, "0"]}
        assert figures(tables_by_slug["confidence"]) == {"95–100 %": [number]}
        assert figures(tables_by_slug["storage"]) == {named(today): [size, number]}
    assert figures(tables(signed_in(staff), of="own")["added"]) == {}
    assert figures(tables(signed_in(owner), of="all")["added"]) == {named(today): ["2"]}


def test_rows_link_to_their_search(owner, staff, signed_in, today):
    image = create_labeled_image(owner, {"Palm Tree": 97}, added_at=today)
    create_analysis(image, api="faces", state="failed")
    count()
    Label.objects.update(image_count=1)
    own, library = tables(signed_in(owner)), tables(signed_in(staff))
    day, first = f"{today:%Y-%m-%d}", f"{today - timedelta(days=29):%Y-%m-%d}"
    assert own["added"].rows[-1].url == f"/?q=added%3A{day}+owner%3Ame"
    assert library["added"].rows[-1].url == f"{PICTURES}?q=added%3A{day}"
    assert own["labels"].rows[0].url == "/?q=%22Palm+Tree%22+owner%3Ame"
    assert library["growing"].rows[0].url == f"{PICTURES}?q=%22Palm+Tree%22+added%3A{first}..{day}"
    assert [(row.name, row.url) for row in own["failures"].rows] == [
        ("Faces: InvalidImageFormatException", "/?q=is%3Afailed+owner%3Ame")
    ]
    page = signed_in(owner).get(URL)
    assert Page(page).links[named(today)] == own["storage"].rows[-1].url
    assert {row.url for slug in ("analyses", "spend", "confidence") for row in own[slug].rows} == {""}
    assert signed_in(owner).get(own["growing"].rows[0].url).context["library"].pictures.startswith("1 picture")


@pytest.mark.parametrize("name", ["day", "week", "month", "year"])
def test_linked_admin_lists_have_as_many_rows_as_counted(name, owner, colleague, staff, signed_in):
    for person in (owner, colleague):
        image = create_labeled_image(person, {"Dog": 97}, added_at=timezone.now())
        image.analyses.update(latency_ms=300, finished_at=timezone.now())
        create_analysis(image, api="faces")
        create_analysis(image, api="text", state="failed", finished_at=timezone.now())
    Spend.objects.create(day=timezone.now(), recognizer="local", api="labels", calls=9, answered=8, dollars="2.5")
    count()
    Label.objects.update(image_count=2)
    browser = signed_in(staff)
    last_rows = {slug: table.rows[-1] for slug, table in tables(browser, range=name).items() if slug != "confidence"}
    listed = {slug: browser.get(row.url).context["cl"].result_count for slug, row in last_rows.items()}
    ledger = 1 if name != "day" else 4
    assert listed == {
        "added": 2,
        "analyses": 4,
        "spend": ledger,
        "storage": 2,
        "labels": 2,
        "growing": 2,
        "failures": 2,
        "queue": 2,
        "latency": 2,
    }


def test_days_are_those_of_the_account(owner, signed_in, today):
    owner.time_zone = "Pacific/Kiritimati"  # 14 hours ahead
    owner.save()
    create_image(owner, added_at=today - timedelta(hours=12))
    count()
    browser = signed_in(owner)
    added = tables(browser)["added"]
    assert figures(added) == {named(today): ["1"]}
    [url] = [row.url for row in added.rows if row.name == named(today)]
    assert url == f"/?q=added%3A{today - timedelta(days=1):%Y-%m-%d}..{today:%Y-%m-%d}+owner%3Ame"
    assert "Searches by date added and the ledger use days in UTC." in Page(browser.get(URL)).text


def test_staff_without_view_permission_read_a_note(owner, signed_in, today):
    create_image(owner, added_at=today)
    count()
    clerk = create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_endedstatistics"))
    browser = signed_in(clerk)
    assert tables(browser)["added"].rows[-1].url == f"/?q=added%3A{today:%Y-%m-%d}"
    assert "Counts include everyone's pictures; links show only" in browser.get(URL).context["updated"]


@pytest.mark.parametrize(
    ("name", "number", "last"), [("day", 24, "%b %H:00"), ("week", 7, "%b"), ("month", 30, "%b"), ("year", 12, "%b %Y")]
)
def test_periods_have_hours_days_or_months(name, number, last, owner, signed_in):
    now = timezone.now()
    image = create_image(owner, added_at=now)
    create_analysis(image, state="done", price=Decimal("0.002"))
    count()
    tables_by_slug = tables(signed_in(owner), range=name)
    day = "" if name == "year" else f"{now.day} "
    for slug in ("added", "analyses", "spend", "storage"):
        assert len(tables_by_slug[slug].rows) == number
        assert list(figures(tables_by_slug[slug])) == [f"{day}{now.strftime(last)}"]
    assert figures(tables_by_slug["spend"]).popitem()[1] == ["$0.002", "1"]


def test_earlier_and_later_periods_are_linked(owner, signed_in):
    create_image(owner, added_at=timezone.now() - timedelta(days=40))
    count()
    browser = signed_in(owner)
    page = browser.get(URL)
    assert (figures(tables(browser)["added"]), page.context["later_url"]) == ({}, "")
    earlier = browser.get(page.context["earlier_url"])
    assert len(figures(earlier.context["tables"][0])) == 1
    assert earlier.context["later_url"] == f"{URL}?range=month"
    assert browser.get(URL, {"range": "day"}).context["earlier_url"] == ""


@pytest.mark.parametrize(
    "parameters",
    [{"range": "century"}, {"until": "tomorrow"}, {"until": "0001-01-01"}, {"until": "9999-12-31"}, {"of": "\x00"}],
)
def test_invalid_parameters_are_ignored(parameters, owner, signed_in):
    assert signed_in(owner).get(URL, parameters).status_code == 200


def test_spend_comes_from_the_ledger_or_from_own_results(owner, staff, signed_in, settings, today):
    settings.MONTHLY_BUDGET = Decimal(10)
    image = create_image(owner)
    create_analysis(image, state="done", price=Decimal("0.25"))
    Spend.objects.create(day=today, recognizer="local", api="labels", calls=9, answered=8, dollars="2.5", saved="0.5")
    count()
    library = signed_in(staff).get(URL)
    assert figures(tables(signed_in(staff))["spend"]) == {named(today): ["$2.50", "$0.50", "9", "8"]}
    tile = library.context["tiles"][2]
    assert (tile.title, tile.figure, tile.note, tile.share) == (
        "Spend this month",
        "$2.50",
        "of $10.00 for bulk runs",
        "25.0",
    )
    own = signed_in(owner).get(URL)
    assert figures(tables(signed_in(owner))["spend"]) == {named(today): ["$0.25", "1"]}
    assert (own.context["tiles"][2].title, own.context["tiles"][2].figure) == ("Spend", "$0.25")
    assert "10.00" not in Page(own).text


def test_queue_tile_shows_own_or_all_waiting_analyses(owner, colleague, staff, signed_in):
    for person in (owner, owner, colleague):
        create_analysis(create_image(person))
    create_analysis(create_image(owner), state="running")
    create_analysis(create_image(owner, trashed_at=timezone.now()))
    own, library = (signed_in(person).get(URL).context["tiles"][3] for person in (owner, staff))
    assert (own.figure, own.note) == ("3", "oldest: a second")
    assert (library.figure, library.note) == ("4", "oldest: a second")
    assert figures(tables(signed_in(staff))["queue"]) == {"Labels (local)": ["4", "1"]}


def test_staff_see_response_times(owner, staff, signed_in):
    create_analysis(create_image(owner), state="done", latency_ms=256)
    count()
    (row,) = figures(tables(signed_in(staff))["latency"]).items()
    assert row == ("Labels", ["279 ms", "302 ms", "1"])


def test_table_as_csv(owner, signed_in, today):
    create_image(owner, added_at=today)
    count()
    answer = signed_in(owner).get("/dashboard/storage.csv", {"range": "week"})
    assert answer.streaming
    assert answer["Content-Disposition"] == 'attachment; filename="imagelib-storage-week.csv"'
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows[0] == ["Day", "Size (bytes)", "Pictures"]
    assert rows[-1] == [named(today), "1000", "1"]
    assert len(rows) == 8


def test_csv_escapes_labels_that_look_like_formulas(owner, signed_in):
    create_labeled_image(owner, {"=HYPERLINK(1)": 97})
    answer = signed_in(owner).get("/dashboard/labels.csv")
    assert b"".join(answer.streaming_content).decode().splitlines()[1] == "'=HYPERLINK(1),1"


def test_tables_of_the_whole_library_are_for_staff(owner, staff, signed_in):
    for name, status in (("queue", 404), ("latency", 404), ("nonsense", 404), ("added", 200)):
        assert signed_in(owner).get(f"/dashboard/{name}.csv").status_code == status
    assert signed_in(staff).get("/dashboard/queue.csv").status_code == 200


def test_tables_are_open_without_javascript(owner, signed_in):
    create_image(owner, added_at=timezone.now())
    count()
    page = Page(signed_in(owner).get(URL))
    details = page.all("details")
    assert details
    assert all("open" in element for element in details)
    assert not page.inline()


def test_dashboard_without_figures_is_one_sentence(stranger, signed_in):
    page = Page(signed_in(stranger).get(URL))
    assert "No pictures yet. Charts appear here a minute after the first upload. Upload pictures" in page.text
    assert (page.all("canvas"), page.all("ul", "tiles"), page.by_id("spend")) == ([], [], None)
    assert "Statistics appear within a minute after the scheduler starts." in page.text
    create_image(stranger)
    assert "No statistics for this period yet." in Page(signed_in(stranger).get(URL)).text


def test_pictures_are_counted_before_there_are_statistics(owner, colleague, staff, signed_in):
    for person in (owner, colleague):
        create_analysis(create_image(person, size=2_000_000), state="queued")
    for person, number, size in ((owner, "1", "2 MB"), (staff, "2", "4 MB")):
        tiles = signed_in(person).get(URL).context["tiles"]
        assert (tiles[0].figure, tiles[-1].figure) == (number, size)


def test_charts_without_figures_are_sentences_below_the_others(owner, signed_in, today):
    create_image(owner, added_at=today)
    count()
    page = Page(signed_in(owner).get(URL))
    assert [section["id"] for section in page.all("section", "chart")] == ["added", "storage"]
    assert len(page.all("canvas")) == 2
    assert "Failures by cause No failures." in page.text
    assert page.by_id("failures") is not None


def test_page_shows_the_age_of_its_figures(owner, signed_in):
    count()
    StatisticsRun.objects.filter(name="confidence").update(at=timezone.now() - timedelta(minutes=5))
    assert "Updated 5 minutes ago." in Page(signed_in(owner).get(URL)).text


@pytest.mark.parametrize(("is_staff", "statements"), [(False, 15), (True, 18)])
@pytest.mark.parametrize("number", [1, 3])
def test_number_of_queries_is_constant(is_staff, statements, number, owner, signed_in):
    owner.is_staff = owner.is_superuser = is_staff
    owner.save()
    for index in range(number):
        image = create_labeled_image(owner, {f"Label {index}": 97})
        create_analysis(image, api="faces", state="failed", error_code=f"code-{index}")
    Image.objects.update(added_at=timezone.now())
    count()
    browser = signed_in(owner)
    with CaptureQueriesContext(connection) as queries:
        browser.get(URL)
    assert len(queries) == statements


@pytest.mark.parametrize(("zone", "shift"), [("", 0), ("Asia/Tokyo", 9)])
def test_hours_are_in_the_time_zone_of_the_account(owner, signed_in, zone, shift):
    owner.time_zone = zone
    owner.save()
    last = tables(signed_in(owner), range="day")["added"].rows[-1].name
    now = timezone.now() + timedelta(hours=shift)
    assert last in {f"{hour.day} {hour:%b %H}:00" for hour in (now, now - timedelta(minutes=5))}
