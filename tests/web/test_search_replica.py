"""Searches that read a streaming replica, made of the tests' own PostgreSQL."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from analysis.health import doctor
from analysis.health.services import check_replica
from analysis.search import replica
from analysis.search.connection import searching_in
from analysis.search.database import fetch_all
from analysis.search.replica import ReplicaMonitor, ReplicaState
from analysis.search.time_limit import SearchTooSlow, time_limit
from tests import factories, standby
from tests.web.pages import Page

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """Seconds that pass only when a test says so."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(transactional_db, clock, monkeypatch):
    monkeypatch.setattr(replica, "monitor", ReplicaMonitor(clock))
    with standby.started() as server:
        yield server


def match_count(browser: Client) -> int:
    return len(Page(browser.get(reverse("library"), {"q": "name:picture"})).cards())


def test_searches_read_the_replica_until_a_person_changes_something(server, clock):
    owner = factories.create_user("owner")
    image = factories.create_image(owner)
    server.catch_up()
    browser, other = Client(), Client()
    for client in (browser, other):
        client.force_login(owner)
    server.catch_up()
    assert (match_count(browser), match_count(other)) == (1, 1)
    with searching_in(replica.REPLICA):
        assert fetch_all("SELECT pg_is_in_recovery()") == [(True,)]

    # Both see the replica, which stands still for now.
    server.execute("SELECT pg_wal_replay_pause()")
    server.wait("SELECT pg_get_wal_replay_pause_state()", "paused")
    factories.create_image(owner)
    assert (match_count(browser), match_count(other)) == (1, 1)
    changed = browser.post(reverse("image-rating", args=[image.pk]), {"rating": "3"})
    assert (changed.status_code < 400, changed.cookies["primary"]["max-age"]) == (True, replica.PRIMARY_SECONDS)
    assert (match_count(browser), match_count(other)) == (2, 1)
    assert match_count(Client(headers={"Authorization": "Bearer none"})) == 0  # programs ask the primary database

    # Everyone's searches leave a replica that is too far behind, and return when it has caught up.
    for _ in range(7):
        clock.seconds += replica.CHECK_SECONDS
        number = match_count(other)
    assert (number, replica.monitor.status.state) == (2, ReplicaState.BEHIND)
    assert "does not have the latest changes yet" in check_replica().sentence
    server.execute("SELECT pg_wal_replay_resume()")
    server.catch_up()
    clock.seconds += replica.CHECK_SECONDS
    assert (match_count(other), replica.monitor.status.state) == (2, ReplicaState.USABLE)

    # The same limit of time as on the primary database.
    with searching_in(replica.REPLICA), time_limit():
        assert fetch_all("SELECT current_setting('statement_timeout')") == [("5s",)]
    assert check_replica().sentence == "Searches read the replica; it has the latest changes."
    assert "read replica" in {check.subject for check in doctor.all_checks()}

    # If the replica fails, the primary database is used.
    server.stop()
    assert (match_count(other), replica.monitor.status.state) == (2, ReplicaState.UNREACHABLE)
    clock.seconds += replica.CHECK_SECONDS
    assert (match_count(other), replica.monitor.status.state) == (2, ReplicaState.UNREACHABLE)
    assert check_replica().sentence.startswith("The read replica is not available: ")


def test_slow_search_is_cancelled_on_the_replica(server, settings):
    server.catch_up()
    settings.SEARCH_SECONDS = 0.05
    with searching_in(replica.REPLICA):
        with pytest.raises(SearchTooSlow), time_limit():
            fetch_all("SELECT pg_sleep(600)")
        assert fetch_all("SELECT current_setting('statement_timeout'), pg_is_in_recovery()") == [("0", True)]


def test_database_that_is_no_standby_is_not_searched(transactional_db, monkeypatch):
    from django.db import connections

    monkeypatch.setitem(connections.settings, "replica", connections.settings["default"])
    monitor = ReplicaMonitor()
    assert (monitor.is_usable(), monitor.status.state) == (False, ReplicaState.NO_STANDBY)
    assert "is not a standby of the primary database" in check_replica().sentence
    del connections["replica"]
