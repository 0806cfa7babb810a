"""Limits to the database time of a search."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from analysis.models import ImageText
from analysis.permissions import viewer_of
from analysis.search.database import fetch_all
from analysis.search.plans.execution import QueryPlan
from analysis.search.plans.statements import Scan
from analysis.search.plans.strategies import Strategy, choose_strategy
from analysis.search.resolve import resolve
from analysis.search.results import page
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import SearchTooSlow, time_limit
from tests.factories import create_image, create_labeled_image

TOO_SLOW = "This search takes too long. Use fewer terms, or add a label or a date."


@contextmanager
def slow(table: str):
    """Locks a table in another connection, so that each statement on it waits."""
    with psycopg.connect(**connection.get_connection_params() | {"prepare_threshold": None}) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def any_of(number: int, term: str) -> str:
    return " OR ".join(term.format(n) for n in range(number))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (any_of(199, "text:a{}"), "it has 199 terms such as text:. Use fewer of them."),
        (any_of(51, "name:a{}"), "it has 51 terms such as name:. Use fewer of them."),
        (any_of(51, "camera:a{}"), "it has 51 terms such as camera:. Use fewer of them."),
        (any_of(51, "like:{}"), "it has 51 terms such as like:. Use fewer of them."),
        (" ".join(f"-a{n}*" for n in range(51)), "it has 51 terms such as dog*. Use fewer of them."),
        (any_of(101, "category:a{}"), "it has 101 terms such as category:. Use fewer of them."),
        (any_of(100, "text:a{}") + " dog", "it has 100 terms such as text:. Use fewer of them."),
    ],
)
def test_too_expensive_terms_are_rejected(text, sentence):
    with pytest.raises(InvalidQuery) as error:
        parse(text)
    assert (str(error.value), error.value.column) == (f"This search would take too long: {sentence}", 1)


@pytest.mark.parametrize(
    "text", [any_of(100, "text:a{}"), any_of(50, "name:a{}"), any_of(200, "a{}"), any_of(200, "a{}>=90")]
)
def test_terms_at_the_cost_limit_are_accepted(text):
    assert parse(text).text == text


@pytest.mark.django_db
def test_alternative_texts_are_one_tsquery(owner):
    texts = {"a": "no entry", "b": "one way", "c": "stop", "d": ""}
    images = {name: create_labeled_image(owner, {"Dog": 90}, filename=name) for name in texts}
    for name, text in texts.items():
        if text:
            ImageText.objects.create(image=images[name], content=text)
    viewer = viewer_of(owner)
    for query, names in {
        'text:"no entry" OR text:stop': "ac",
        'text:"entry no" OR text:stop': "c",
        "text:stop OR text:way OR name:d": "bcd",
        "-(text:stop OR text:way)": "ad",
        'text:"!!!" OR text:stop': "c",
        "(text:stop OR text:way) (text:one OR text:entry)": "b",
    }.items():
        filenames = {image.filename for image in page(parse(query), viewer=viewer).images}
        assert filenames == set(names), query
    plan = QueryPlan(resolve(parse(any_of(100, "text:a{}")), viewer=viewer, moment=timezone.now()))
    statistics = plan.statistics(limit=61)
    assert choose_strategy(statistics) is Strategy.CANDIDATES
    statement = plan.statement(Strategy.CANDIDATES, statistics, Scan(61, plan.ordering)).text
    assert (statement.count("@@"), statement.count("phraseto_tsquery")) == (1, 100)


@pytest.mark.django_db(transaction=True)
def test_slow_statement_is_cancelled(settings):
    settings.SEARCH_SECONDS = 0.05
    with pytest.raises(SearchTooSlow, match=TOO_SLOW), time_limit():
        fetch_all("SELECT pg_sleep(600)")
    assert fetch_all("SELECT current_setting('statement_timeout')") == [("0",)]


@pytest.mark.django_db(transaction=True)
def test_no_statement_starts_after_the_deadline(settings):
    settings.SEARCH_SECONDS = 1e-9
    with pytest.raises(SearchTooSlow), time_limit():
        fetch_all("SELECT 1")
    assert fetch_all("SELECT 1") == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_limit_ends_with_the_search_within_a_transaction(settings):
    settings.SEARCH_SECONDS = 5
    with transaction.atomic():
        with time_limit(), time_limit():
            assert fetch_all("SELECT current_setting('statement_timeout')") == [("5s",)]
        assert fetch_all("SELECT current_setting('statement_timeout')") == [("0",)]


@pytest.mark.django_db(transaction=True)
def test_zero_is_no_limit(settings):
    settings.SEARCH_SECONDS = 0
    with time_limit():
        assert fetch_all("SELECT current_setting('statement_timeout')") == [("0",)]
        assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"HTTP_HX_REQUEST": "true"}])
@pytest.mark.parametrize("name", ["library", "months"])
def test_page_shows_the_error(owner, signed_in, settings, name, headers):
    create_image(owner)
    settings.SEARCH_SECONDS = 1e-9
    answer = signed_in(owner).get(reverse(name), {"q": "dog"}, **headers)
    assert (answer.status_code, TOO_SLOW in answer.content.decode()) == (200, True)


@pytest.mark.django_db(transaction=True)
def test_image_page_works_if_its_search_is_too_slow(owner, signed_in, settings):
    image = create_image(owner)
    settings.SEARCH_SECONDS = 1e-9
    browser = signed_in(owner)
    assert browser.get(reverse("image", args=[image.pk]), {"q": "dog"}).status_code == 200
    answer = browser.post(reverse("bulk-menu"), {"all": "1", "q": "dog"})
    assert TOO_SLOW in answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["get", "post"])
def test_estimate_that_takes_too_long_says_so(owner, signed_in, settings, method):
    create_labeled_image(owner, {"Dog": 98})
    settings.SEARCH_SECONDS = 1e-9
    answer = getattr(signed_in(owner), method)(reverse("analyze"), {"all": "1", "q": "dog"})
    assert (answer.status_code, TOO_SLOW in answer.content.decode()) == (422, True)


@pytest.mark.django_db(transaction=True)
def test_dashboard_that_takes_too_long_says_so(owner, signed_in, settings):
    settings.SEARCH_SECONDS, browser = 0.001, signed_in(owner)
    with slow("analysis_addedstatistics"):
        page = browser.get(reverse("dashboard")).content.decode()
        csv = browser.get(reverse("dashboard-csv", args=["added"]))
    sentence = "These statistics take too long to calculate. Choose a shorter period, or try again later."
    assert sentence in page
    assert (csv.status_code, csv.content.decode()) == (503, sentence)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("url", ["/admin/analysis/image/?q=dog", "/admin/analysis/analysis/?q=dog"])
def test_admin_search_that_takes_too_long_shows_all_rows(staff, signed_in, settings, url):
    create_labeled_image(staff, {"Dog": 98}, filename="dog.jpg")
    settings.SEARCH_SECONDS = 1e-9
    page = signed_in(staff).get(url, follow=True)
    assert [target for target, _ in page.redirect_chain] == [url.partition("?")[0]]
    assert f"{TOO_SLOW} Showing all rows." in page.content.decode()
    assert page.context["cl"].result_count == 1
