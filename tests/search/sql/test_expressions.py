"""Statements of a search go their own way to the server, and are still seen by whoever counts queries."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from analysis.search.sql.expressions import FALSE, TRUE, Sql, all_of, fetch_all, negated

pytestmark = pytest.mark.django_db


def test_a_statement_is_counted_and_sees_its_transaction(owner, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1) as counted:
        assert fetch_all("SELECT username FROM accounts_user WHERE id = %s", [owner.pk]) == [("owner",)]
    assert counted[0]["sql"] == "SELECT username FROM accounts_user WHERE id = $1"


def test_it_is_prepared_once_it_was_asked_a_few_times(db):
    for number in range(5):
        assert fetch_all("SELECT %s + 1 AS asked_often", [number]) == [(number + 1,)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%asked_often'", [])
        assert cursor.fetchone() == (1,)


def test_moments_keep_their_microseconds_and_zone(db):
    moment = timezone.now()
    [(same,)] = fetch_all("SELECT %s::timestamptz", [moment])
    assert (same, same.utcoffset()) == (moment, moment.utcoffset())


def test_both_ways_to_say_a_condition_are_combined_alike():
    part = Sql("asked elsewhere", (1,), own="at hand")
    both = all_of([negated(part), TRUE])
    assert both == Sql("(NOT (asked elsewhere)) AND (true)", (1,), "(NOT (at hand)) AND (true)")
    assert both.at_hand.text == "(NOT (at hand)) AND (true)"
    assert (all_of([]), FALSE.at_hand.text) == (TRUE, "false")
