"""The web server's worker against clients that send nothing, slowly, or too much."""

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from imagelib.gunicorn_worker import HEAD_BYTES, REQUEST_SECONDS, SMALL_BODY_BYTES, is_complete

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = REQUEST_SECONDS / 3  # a thread that waits for a silent client would take longer
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """One worker with two threads, as few as show that none is held."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        command = [sys.executable, "-m", "gunicorn", "tests.small_site", "--workers", "1", "--threads", "2"]
        command += ["--bind", f"fd://{door.fileno()}", "--no-control-socket", "--log-level", "warning"]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[door.fileno()])
        yield door.getsockname()
        process.terminate()
        assert process.wait(timeout=30) == 0


def connected(address: tuple[str, int]) -> closing[socket.socket]:
    return closing(socket.create_connection(address, timeout=30))


def answer(address: tuple[str, int], path: str = "/", body: bytes | None = None, timeout: float = PATIENCE) -> bytes:
    with closing(http.client.HTTPConnection(*address, timeout=timeout)) as client:
        client.request("POST" if body is not None else "GET", path, body)
        return client.getresponse().read()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: loc",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nsome of it",
        GET + b"GET /next HTT",
    ],
    ids=["silent", "half a head", "half a small body", "half of a second request"],
)
def test_clients_that_wait_hold_no_thread(address, sent: bytes) -> None:
    assert answer(address, timeout=30) == b"0"  # it has started
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(connected(address)).sendall(sent)
        assert answer(address) == b"0"


def test_clients_that_never_close_hold_nothing(address) -> None:
    """Gunicorn itself waits two seconds in its main loop for each of them."""
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(connected(address)).sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert answer(address) == b"0"


def test_a_refused_upload_gets_its_answer_and_holds_no_thread(address) -> None:
    head = b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000000\r\n\r\n"
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(address)) for _ in range(20)]
        for client in clients:
            client.sendall(head + bytes(100_000))
        assert answer(address) == b"0"
        for client in clients:
            assert client.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize("size", [0, 1, SMALL_BODY_BYTES, SMALL_BODY_BYTES + 1, 3_000_000])
def test_bodies_arrive_whole(address, size: int) -> None:
    assert answer(address, body=bytes(size)) == str(size).encode()


def test_requests_on_one_connection_are_answered_in_order(address) -> None:
    bodies = [b"", b"abc", bytes(SMALL_BODY_BYTES * 2), b"d"]
    requests = [
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies
    ]
    with connected(address) as client:
        client.sendall(b"".join(requests))
        client.shutdown(socket.SHUT_WR)
        received = b""
        while data := client.recv(65536):
            received += data
    assert [part[:1] for part in received.split(b"\r\n\r\n")[1:]] == [str(len(body)).encode()[:1] for body in bodies]


def test_an_address_of_48_000_bytes_is_read(address) -> None:
    assert answer(address, f"/?q={'%F0%9F%90%95' * 4_000}") == b"0"


def test_a_head_that_is_too_long_is_refused_with_a_sentence(address) -> None:
    with connected(address) as client:
        client.sendall(b"GET /?q=" + b"a" * (HEAD_BYTES + 1))
        received = b""
        while data := client.recv(65536):
            received += data
    head, _, sentence = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert sentence == b"The URL or the request headers are too long. Go back and shorten the search.\n"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"", False),
        (GET[:-1], False),
        (GET, True),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na", False),
        (b"POST / HTTP/1.1\r\ncontent-length:2 \r\n\r\nab", True),
        (b"POST / HTTP/1.1\r\nX: 1\r\nCONTENT-LENGTH: \t2\r\nY: 2\r\n\r\na", False),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (SMALL_BODY_BYTES + 1), True),
        (b"POST / HTTP/1.1\r\nX: y\r\n\r\nContent-Length: 20\r\n", True),  # that is in the body
    ],
)
def test_is_complete(received: bytes, expected: bool) -> None:
    assert is_complete(received) is expected
