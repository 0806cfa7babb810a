"""Tables are empty after a test that commits, and the planner remembers nothing."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from analysis.models import Image
from imagelib.accounts.models import User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ESTIMATE = "SELECT reltuples FROM pg_class WHERE relname = 'analysis_image'"


def flush() -> None:
    call_command("flush", interactive=False, verbosity=0, reset_sequences=False, inhibit_post_migrate=True)


def value(query: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query)
        (found,) = cursor.fetchone()
    return found


def rows_of_all_tables() -> list[object]:
    return [value(f'SELECT count(*) FROM "{name}"') for name in connection.introspection.django_table_names()]


@pytest.mark.parametrize("analyzed", [False, True])
def test_no_table_keeps_rows(analyzed) -> None:
    factories.create_labeled_image(factories.create_user("owner"), {"Dog": 99})
    if analyzed:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE analysis_image")
        assert value(ESTIMATE) == 1
    flush()
    assert set(rows_of_all_tables()) == {0}
    assert value(ESTIMATE) == -1


def test_foreign_keys_are_checked_again() -> None:
    factories.create_image(factories.create_user("owner"))
    flush()
    assert value("SHOW session_replication_role") == "origin"
    assert (User.objects.count(), Image.objects.count()) == (0, 0)
