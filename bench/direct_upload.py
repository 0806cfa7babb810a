"""500 pictures of 8 MB sent straight to the storage, beside the same through the web server: time, memory, CPU."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg

from bench import sandbox
from bench.photos import photo
from bench.report import Measurement, Report
from bench.subprocesses import KEYS
from imagelib import embedded

NUMBER = int(os.environ.get("BENCH_UPLOADS", "500"))
SIZE = 8 * 2**20
AT_ONCE = 3  # as the page does
CUT = "cut-here"


@dataclass(frozen=True)
class Run:
    """Seconds until the last byte was sent and until all are in the library; the web processes' CPU and memory."""

    sent: float
    stored: float
    cpu: float
    early: float
    maximum: float


def measure() -> Report:
    runs = {}
    for name, send in (("direct", straight), ("through", through)):
        with site() as running:
            runs[name] = run(running, send)
    direct, rival = runs["direct"], runs["through"]
    figures = [
        Measurement(what="until all bytes are sent", ours=direct.sent, rival=rival.sent, unit="s"),
        Measurement(what="until all are in the library", ours=direct.stored, rival=rival.stored, unit="s"),
        Measurement(
            what="web processes' CPU a picture",
            ours=direct.cpu / NUMBER * 1000,
            rival=rival.cpu / NUMBER * 1000,
            unit="ms",
        ),
        Measurement(what="web processes' memory at most", ours=direct.maximum, rival=rival.maximum, unit="MB"),
        Measurement(
            what="direct: memory at most beside after 50",
            ours=direct.maximum,
            rival=direct.early,
            unit="MB",
            at_most_ratio=1.1,
        ),
    ]
    notes = [
        f"{NUMBER} pictures of 12 megapixels and 8 MB each, {AT_ONCE} at once; a storage that writes them to files, "
        "gunicorn with 8 threads and one Celery worker on the same cores.",
        "The rival is the form without JavaScript: the web server takes the bytes, examines and stores them.",
    ]
    return Report("uploads past the web server against through it", figures, notes)


class Site:
    def __init__(self, address: str, var: Path, cookie: str, pid: int) -> None:
        self.host, self.var, self.cookie, self.pid = urlsplit(address).netloc, var, cookie, pid

    @property
    def token(self) -> str:
        return self.cookie.partition("csrftoken=")[2].partition(";")[0]

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        headers = {"Cookie": self.cookie, "X-CSRFToken": self.token, "HX-Request": "true", "Content-Type": content_type}
        return exchange(self.host, path, body, headers)

    def pictures(self) -> int:
        with psycopg.connect(embedded.database_url(self.var)) as connection:
            return connection.execute("SELECT count(*) FROM analysis_image").fetchone()[0]


@contextmanager
def site() -> Iterator[Site]:
    """Web and worker with everything that they need, and somebody signed in."""
    with ExitStack() as stack:
        folder = stack.enter_context(sandbox.temporary_folder())
        made = stack.enter_context(sandbox.library())
        made.manage("collectstatic", "--no-input")
        password = made.add_person("bench")
        command = [sys.executable, "-m", "bench.fake_storage", str(folder)]
        storage = stack.enter_context(sandbox.running_program(command, env=sandbox.environment()))
        endpoint = storage.wait_for("http://", seconds=30).strip()
        env = sandbox.environment(
            made.var, **KEYS, AWS_ENDPOINT_URL_S3=endpoint, AWS_STORAGE_BUCKET_NAME="pictures", RECOGNIZER_APIS="text"
        )
        worker = [sys.executable, "-m", "celery", "-A", "imagelib", "worker", "-l", "INFO"]
        stack.enter_context(sandbox.running_program(worker, env=env)).wait_for("ready", seconds=90)
        address = f"http://127.0.0.1:{sandbox.free_port()}"
        web = [sys.executable, "-m", "gunicorn", "imagelib.wsgi", "-b", urlsplit(address).netloc, "--threads", "8"]
        gunicorn = stack.enter_context(sandbox.running_program(web, env=env))
        gunicorn.wait_for("Booting worker", seconds=60)
        time.sleep(3)
        yield Site(address, made.var, signed_in(urlsplit(address).netloc, password), gunicorn.process.pid)


def signed_in(host: str, password: str) -> str:
    connection = HTTPConnection(host, timeout=60)
    connection.request("GET", "/accounts/login/")
    answer = connection.getresponse()
    answer.read()
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    form = urlencode({"username": "bench", "password": password, "csrfmiddlewaretoken": cookie.partition("=")[2]})
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/accounts/login/", form, headers)
    answer = connection.getresponse()
    answer.read()
    return "; ".join(each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie"))


def run(running: Site, send: Callable[[Site, int, bytes], None]) -> Run:
    stream = io.BytesIO()
    photo(1).save(stream, "JPEG", quality=90)
    drawing = stream.getvalue()
    padding = os.urandom(SIZE - len(drawing) - 8)
    began, spent, watch = time.monotonic(), cpu(running.pid), Watch(running.pid)
    with watch, ThreadPoolExecutor(AT_ONCE) as pool:
        for each in [pool.submit(send, running, n, drawing + padding + n.to_bytes(8)) for n in range(NUMBER)]:
            each.result()
            watch.sent += 1
        sent = time.monotonic() - began
        while running.pictures() < NUMBER:
            time.sleep(0.5)
    return Run(sent, time.monotonic() - began, cpu(running.pid) - spent, watch.early, watch.maximum)


def straight(running: Site, number: int, content: bytes) -> None:
    asked = urlencode({"name": f"{number}.jpg", "size": len(content)}).encode()
    leave = json.loads(running.post("/upload/tickets/", asked, "application/x-www-form-urlencoded"))
    parts = urlsplit(leave["url"])
    body, kind = form(leave["fields"], "file", number, content)
    exchange(parts.netloc, parts.path, body, {"Content-Type": kind})
    running.post(leave["complete"], b"", "application/x-www-form-urlencoded")


def through(running: Site, number: int, content: bytes) -> None:
    running.post("/upload/", *form({}, "files", number, content))


def form(fields: dict[str, str], name: str, number: int, content: bytes) -> tuple[bytes, str]:
    start = f'--{CUT}\r\nContent-Disposition: form-data; name="'
    head = "".join(f'{start}{field}"\r\n\r\n{value}\r\n' for field, value in fields.items())
    head += f'{start}{name}"; filename="{number}.jpg"\r\n\r\n'
    return head.encode() + content + f"\r\n--{CUT}--\r\n".encode(), f"multipart/form-data; boundary={CUT}"


def exchange(host: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    connection = HTTPConnection(host, timeout=300)
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"{path} answered {answer.status}: {content[:200]!r}")
    return content


class Watch(threading.Thread):
    """The memory of a process and its children, looked at four times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.sent, self.early, self.maximum = pid, 0, 0.0, 0.0
        self._over = threading.Event()

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.25):
            self.maximum = max(self.maximum, memory(self.pid))
            if self.sent <= 50:
                self.early = self.maximum


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def memory(pid: int) -> float:
    """Megabytes, what is shared counted once for each that shares it."""
    pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in family(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu(pid: int) -> float:
    """Seconds that a process and its children have worked."""
    ticks = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(measure().to_json())
