"""Execution of a search's SQL on a cursor that Django's query counting still sees."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from analysis.search.database import fetch_all

pytestmark = pytest.mark.django_db


def test_statement_is_counted_and_runs_in_the_transaction(owner, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1) as queries:
        assert fetch_all("SELECT username FROM accounts_user WHERE id = %s", [owner.pk]) == [("owner",)]
    assert queries[0]["sql"] == "SELECT username FROM accounts_user WHERE id = $1"


def test_statement_is_prepared_after_five_executions(db):
    for number in range(5):
        assert fetch_all("SELECT %s + 1 AS repeated", [number]) == [(number + 1,)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%repeated'", [])
        assert cursor.fetchone() == (1,)


def test_timestamps_keep_microseconds_and_time_zone(db):
    moment = timezone.now()
    [(stored,)] = fetch_all("SELECT %s::timestamptz", [moment])
    assert (stored, stored.utcoffset()) == (moment, moment.utcoffset())
