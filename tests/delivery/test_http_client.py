"""Requests to addresses that users enter: refusals, limits, responses."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from analysis.delivery import http_client
from analysis.delivery.base import Outcome

PRIVATE = [
    "http://127.0.0.1:1/",
    "http://localhost:1/",
    "http://10.1.2.3/",
    "http://192.168.0.1/",
    "http://172.16.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://0.0.0.0/",
    "http://[::1]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://2130706433/",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_refused(url):
    error = http_client.outcome_of(url, b"{}", headers={}).error
    assert error.endswith("which is not a public address.")


def test_the_checked_address_is_the_one_connected_to(monkeypatch):
    """DNS is queried once: a second result could be another address."""
    requests = []

    def resolve(host, port, *_arguments, **_options):
        requests.append(host)
        address = "93.184.216.34" if len(requests) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 80))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = http_client.outcome_of("http://example.com:1/", b"{}", headers={}).error
    # The name is resolved once; the tests may not connect to anything that is not local.
    assert (error != "", requests) == (True, ["example.com", "93.184.216.34"])


def test_redirects_are_not_followed(receiver):
    receiver.status, receiver.headers = 302, {"Location": "http://169.254.169.254/latest/meta-data/"}
    outcome = http_client.outcome_of(receiver.url, b"{}", headers={})
    assert outcome == Outcome("The receiver returned HTTP 302. Redirects are not followed.")
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome()),
        (204, Outcome()),
        (400, Outcome("The receiver returned HTTP 400. No <b>idea</b>")),
        (
            410,
            Outcome("The receiver returned HTTP 410: it no longer accepts messages.", is_permanent=True, is_gone=True),
        ),
        (500, Outcome("The receiver returned HTTP 500. No <b>idea</b>")),
    ],
)
def test_outcome_follows_from_the_status(receiver, status, outcome):
    receiver.status, receiver.text = status, "No\n <b>idea</b>\x00"
    assert http_client.outcome_of(receiver.url, b"{}", headers={}) == outcome


def test_slow_receiver_is_given_up(receiver, monkeypatch):
    monkeypatch.setattr(http_client, "REQUEST_SECONDS", 0.2)
    done = threading.Event()
    receiver.before_answer = lambda: done.wait(5)
    outcome = http_client.outcome_of(receiver.url, b"{}", headers={})
    done.set()
    assert outcome.error.startswith("No response within")


@pytest.mark.parametrize(
    ("start", "outcome"),
    [
        (b"HTTP/1.1 ", Outcome("No response within 0 seconds.")),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", Outcome()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", Outcome()),
        (b"HTTP/1.1 503 No\r\nContent-Length: 9999\r\n\r\n", Outcome("The receiver returned HTTP 503.")),
    ],
    ids=["status", "headers", "delivered", "refused"],
)
def test_a_response_that_trickles_in_is_cut_off(start, outcome, settings, monkeypatch):
    """Each read is in time, so only a limit of the whole request helps."""
    monkeypatch.setattr(http_client, "REQUEST_SECONDS", 0.3)
    settings.DELIVERY_PRIVATE_ADDRESSES = True
    ended = threading.Event()

    def respond(server: socket.socket) -> None:
        connection, _address = server.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(start)
            while not ended.wait(0.02):
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=respond, args=[server])
        thread.start()
        began = time.monotonic()
        received = http_client.outcome_of(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", headers={})
        seconds = time.monotonic() - began
        ended.set()
        thread.join()
    assert (received, seconds < 5) == (outcome, True)


def test_large_answer_is_not_read_to_its_end(receiver):
    receiver.status, receiver.text = 500, "x" * 10_000_000
    error = http_client.outcome_of(receiver.url, b"{}", headers={}).error
    assert len(error) < 300


def test_error_of_a_dead_receiver_does_not_repeat_its_address(settings):
    settings.DELIVERY_PRIVATE_ADDRESSES = True
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    error = http_client.outcome_of(f"http://127.0.0.1:{port}/?key=secret", b"{}", headers={}).error
    assert (error.startswith("The request failed: "), "secret" in error) == (True, False)


@pytest.mark.parametrize(
    ("url", "is_accepted"),
    [
        ("https://hooks.example.org/a?b=c", True),
        ("http://192.168.0.1:8080/", True),
        ("ftp://example.org/", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("hooks.example.org", False),
        ("https://me:word@example.org/", False),
        ("https://example.org:99999/", False),
        ("https://[::1/", False),
    ],
)
def test_address_is_checked_when_it_is_entered(url, is_accepted):
    assert (http_client.address_error(url) == "") is is_accepted
