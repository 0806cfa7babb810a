"""Health, readiness and metrics: who sees what, by any host and without TLS."""

from __future__ import annotations

import threading
import time

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from analysis.findings import failed, ok
from analysis.health import readiness
from analysis.health.doctor import Check
from analysis.metrics import counters, redis_totals
from analysis.web import probes
from tests.factories import create_analysis, create_image

TOKEN = "a-token-of-metrics"
INSIDE = {"HTTP_HOST": "10.0.3.7:8000", "REMOTE_ADDR": "10.0.3.1"}


@pytest.fixture
def set_findings(monkeypatch):
    """Sets the findings of /readyz; by default those of the real servers."""
    monkeypatch.setattr(readiness, "current_findings", readiness.Readiness().findings)

    def set_to(*findings) -> None:
        monkeypatch.setattr(readiness, "current_findings", lambda: list(findings))

    return set_to


@pytest.fixture
def watched(settings):
    settings.METRICS_TOKEN, settings.METRICS_ENABLED = TOKEN, True
    redis_totals._redis().delete(redis_totals.COUNTS_KEY, redis_totals.POOLS_KEY)
    redis_totals.flush(counters.REGISTRY)
    redis_totals._redis().delete(redis_totals.COUNTS_KEY, redis_totals.POOLS_KEY)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def families(client: Client) -> dict[str, dict[tuple[str, ...], float]]:
    """Samples by name, then by the values of their labels."""
    response = client.get("/metrics", headers=bearer(TOKEN))
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (200, "text/plain")
    samples: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(response.content.decode()):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return samples


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_probes_need_no_host_no_tls_and_no_sign_in(nobody, settings, set_findings, path: str) -> None:
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["pictures.example.org"]
    set_findings(ok("database", "PostgreSQL 18."))
    response = nobody.get(path, **INSIDE)
    assert (response.status_code, response["Cache-Control"].split(",")[0]) == (200, "max-age=0")
    assert nobody.get("/", **INSIDE).status_code == 400  # without a traceback, though nobody is known yet
    assert nobody.post(path, **INSIDE).status_code == 405


@pytest.mark.django_db
def test_health_asks_no_server(nobody, django_assert_num_queries, settings) -> None:
    settings.REDIS = "unix:///nowhere/redis.sock"
    with django_assert_num_queries(0):
        assert nobody.get("/healthz").content == b"ok\n"


@pytest.fixture
def people(nobody, signed_in, owner, staff) -> dict[str, Client]:
    return {"nobody": nobody, "owner": signed_in(owner), "staff": signed_in(staff)}


@pytest.mark.django_db
def test_readiness_tells_causes_only_to_staff_and_watchers(people, settings, set_findings) -> None:
    nobody = people["nobody"]
    set_findings(ok("database", "PostgreSQL 18."), failed("redis", "Redis is not available.", "Check REDIS_URL."))
    settings.METRICS_TOKEN, settings.METRICS_ADDRESSES = TOKEN, ["10.9.0.0/16"]
    explained = {
        "status": "not ready",
        "checks": [
            {"subject": "database", "state": "ok", "sentence": "PostgreSQL 18.", "next_step": ""},
            {
                "subject": "redis",
                "state": "failed",
                "sentence": "Redis is not available.",
                "next_step": "Check REDIS_URL.",
            },
        ],
    }
    answers = {
        **{name: client.get("/readyz") for name, client in people.items()},
        "wrong token": nobody.get("/readyz", headers=bearer("another")),
        "token": nobody.get("/readyz", headers=bearer(TOKEN)),
        "address": nobody.get("/readyz", REMOTE_ADDR="10.9.1.2"),
    }
    assert {response.status_code for response in answers.values()} == {503}
    untold = {"status": "not ready"}
    assert {name: response.json() for name, response in answers.items()} == {
        **dict.fromkeys(("nobody", "owner", "wrong token"), untold),
        **dict.fromkeys(("staff", "token", "address"), explained),
    }


@pytest.mark.django_db
def test_readiness_looks_at_the_real_servers(nobody, settings, set_findings) -> None:
    settings.METRICS_TOKEN = TOKEN
    response = nobody.get("/readyz", headers=bearer(TOKEN))
    states = {row["subject"]: row["state"] for row in response.json()["checks"]}
    assert states == dict.fromkeys(("database", "migrations", "redis", "storage"), "ok")


def test_a_look_that_hangs_is_bounded_and_started_once() -> None:
    release, runs = threading.Event(), []

    def hang():
        runs.append(1)
        release.wait(30)
        return ok("storage", "It answers.")

    readiness_checks = readiness.Readiness(
        (Check("storage", hang), Check("quick", lambda: ok("quick", "Yes."))), limit=0.05
    )
    started = time.monotonic()
    assert [row.state for row in readiness_checks.findings()] == ["failed", "ok"]
    readiness_checks._made_at = float("-inf")
    assert [row.sentence for row in readiness_checks.findings()] == ["No response within 0.05 s.", "Yes."]
    assert time.monotonic() - started < 10
    assert len(runs) == 1
    release.set()
    readiness_checks._made_at, readiness_checks._limit = float("-inf"), 30
    assert [row.sentence for row in readiness_checks.findings()] == ["It answers.", "Yes."]


@pytest.mark.parametrize(
    ("allowed", "sent", "sender", "status"),
    [
        (("", []), "", "127.0.0.1", 404),
        (("", []), TOKEN, "127.0.0.1", 404),
        ((TOKEN, []), "", "127.0.0.1", 404),
        ((TOKEN, []), "another", "127.0.0.1", 404),
        ((TOKEN, []), TOKEN, "198.51.100.1", 200),
        (("", ["10.0.0.0/8"]), "", "10.1.2.3", 200),
        (("", ["10.0.0.0/8"]), "", "11.1.2.3", 404),
        (("", ["10.0.0.0/8"]), "", "", 404),
    ],
)
@pytest.mark.django_db
def test_metrics_are_never_public(settings, allowed, sent: str, sender: str, status: int) -> None:
    settings.METRICS_TOKEN, settings.METRICS_ADDRESSES = allowed
    response = Client().get("/metrics", headers=bearer(sent), REMOTE_ADDR=sender)
    assert response.status_code == status


@pytest.mark.django_db
def test_requests_are_counted_by_view_without_a_query(watched, django_assert_num_queries, settings) -> None:
    settings.METRICS_ENABLED = False
    with django_assert_num_queries(0):
        Client().get("/accounts/login/")
    settings.METRICS_ENABLED = True
    with django_assert_num_queries(0):
        Client().get("/accounts/login/")
    for path in ("/nowhere/1/", "/nowhere/2/"):
        Client().get(path)
    Client().generic("BREW", "/accounts/login/")
    metrics = families(Client())
    assert metrics["imagelib_http_requests_total"] == {
        ("GET", "200", "login"): 1,
        ("GET", "404", "none"): 2,
        ("other", "405", "login"): 1,
    }
    assert metrics["imagelib_http_request_seconds_count"] == {("login",): 2, ("none",): 2}
    assert metrics["imagelib_http_request_seconds_bucket"]["+Inf", "login"] == 2


@pytest.mark.django_db
def test_figures_of_the_database_and_of_redis(watched, nobody, owner, settings) -> None:
    create_analysis(create_image(owner))
    metrics = families(nobody)
    assert metrics["imagelib_queue_waiting"] == {("labels", "local"): 1}
    assert metrics["imagelib_queue_oldest_seconds"]["labels", "local"] >= 0
    assert metrics["imagelib_spend_month_dollars"] == {(): 0}
    assert metrics["imagelib_bulk_runs"]["running",] == 0
    assert metrics["imagelib_database_pool_max"][()] >= 1
    assert set(metrics["imagelib_metrics_errors"].values()) == {0}


@pytest.mark.django_db
def test_without_redis_the_database_is_still_told(nobody, settings, monkeypatch, watched) -> None:
    import redis

    from analysis.health import services

    lost = redis.Redis.from_url("unix:///nowhere/redis.sock")
    monkeypatch.setattr(redis_totals, "_redis", lambda: lost)
    monkeypatch.setattr(services, "_redis", lambda: lost)
    metrics = families(nobody)
    assert metrics["imagelib_metrics_errors"] == {
        ("processes",): 1,
        ("database",): 0,
        ("broker",): 1,
        ("rate_limits",): 0,
    }
    assert "imagelib_spend_month_dollars" in metrics


def test_middleware_answers_the_addresses_of_the_url_configuration() -> None:
    from django.urls import reverse

    assert list(probes.PROBES) == [reverse(name) for name in ("healthz", "readyz", "metrics")]
