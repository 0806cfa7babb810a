"""Bench of direct uploads to the storage, against the web server's form."""

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

UPLOADS = int(os.environ.get("BENCH_UPLOADS", "500"))
SIZE = 8 * 2**20
PARALLEL = 3  # as many as the page sends at a time
BOUNDARY = "boundary"


@dataclass(frozen=True)
class Run:
    """Seconds of the uploads; CPU seconds and MB of the web processes."""

    sent: float
    stored: float
    cpu: float
    early_memory: float
    peak_memory: float


def measure() -> Report:
    runs = []
    for send in (send_directly, send_through_web):
        with running_site() as site:
            runs.append(time_uploads(site, send))
    direct, baseline = runs
    measurements = [
        Measurement(name="until all bytes are sent", value=direct.sent, baseline=baseline.sent, unit="s"),
        Measurement(name="until all pictures are stored", value=direct.stored, baseline=baseline.stored, unit="s"),
        Measurement(
            name="CPU of the web processes per picture",
            value=direct.cpu / UPLOADS * 1000,
            baseline=baseline.cpu / UPLOADS * 1000,
            unit="ms",
        ),
        Measurement(
            name="peak memory of the web processes", value=direct.peak_memory, baseline=baseline.peak_memory, unit="MB"
        ),
        Measurement(
            name="direct: peak memory, after 50 pictures",
            value=direct.peak_memory,
            baseline=direct.early_memory,
            unit="MB",
            at_most_ratio=1.1,
        ),
    ]
    notes = [
        f"{UPLOADS} pictures of 12 megapixels and 8 MB each, {PARALLEL} in parallel; a storage that writes to files, "
        "gunicorn with 8 threads and one Celery worker on the same cores.",
        "The baseline is the form without JavaScript: the web server receives, validates and stores the files.",
    ]
    return Report("direct uploads against uploads through the web server", measurements, notes)


class Site:
    """Client of a running web server, signed in."""

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
def running_site() -> Iterator[Site]:
    """Start storage, worker and web server, and sign in."""
    with ExitStack() as stack:
        folder = stack.enter_context(sandbox.temporary_folder())
        library = stack.enter_context(sandbox.empty_library())
        library.manage("collectstatic", "--no-input")
        password = library.add_user("bench")
        command = [sys.executable, "-m", "bench.fake_storage", str(folder)]
        storage = stack.enter_context(sandbox.running_program(command, env=sandbox.environment()))
        endpoint = storage.wait_for("http://", seconds=30).strip()
        env = sandbox.environment(
            library.var,
            **KEYS,
            AWS_ENDPOINT_URL_S3=endpoint,
            AWS_STORAGE_BUCKET_NAME="pictures",
            RECOGNIZER_APIS="text",
        )
        worker = [sys.executable, "-m", "celery", "-A", "imagelib", "worker", "-l", "INFO"]
        stack.enter_context(sandbox.running_program(worker, env=env)).wait_for("ready", seconds=90)
        address = f"http://127.0.0.1:{sandbox.free_port()}"
        web = [sys.executable, "-m", "gunicorn", "imagelib.wsgi", "-b", urlsplit(address).netloc, "--threads", "8"]
        gunicorn = stack.enter_context(sandbox.running_program(web, env=env))
        gunicorn.wait_for("Booting worker", seconds=60)
        time.sleep(3)  # until all gunicorn threads have loaded Django
        yield Site(address, library.var, sign_in(urlsplit(address).netloc, password), gunicorn.process.pid)


def sign_in(host: str, password: str) -> str:
    connection = HTTPConnection(host, timeout=60)
    connection.request("GET", "/accounts/login/")
    response = connection.getresponse()
    response.read()
    cookie = response.headers["Set-Cookie"].partition(";")[0]
    form = urlencode({"username": "bench", "password": password, "csrfmiddlewaretoken": cookie.partition("=")[2]})
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/accounts/login/", form, headers)
    response = connection.getresponse()
    response.read()
    return "; ".join(header.partition(";")[0] for header in response.headers.get_all("Set-Cookie"))


def time_uploads(site: Site, send: Callable[[Site, int, bytes], None]) -> Run:
    stream = io.BytesIO()
    photo(1).save(stream, "JPEG", quality=90)
    content = stream.getvalue()
    # Random bytes after the JPEG's end make every file unique and incompressible.
    padding = os.urandom(SIZE - len(content) - 8)
    began, cpu_before, watch = time.monotonic(), cpu_seconds(site.pid), MemoryWatch(site.pid)
    with watch, ThreadPoolExecutor(PARALLEL) as pool:
        for upload in [pool.submit(send, site, n, content + padding + n.to_bytes(8)) for n in range(UPLOADS)]:
            upload.result()
            watch.sent += 1
        sent = time.monotonic() - began
        while site.pictures() < UPLOADS:
            time.sleep(0.5)
    return Run(sent, time.monotonic() - began, cpu_seconds(site.pid) - cpu_before, watch.early, watch.maximum)


def send_directly(site: Site, number: int, content: bytes) -> None:
    fields = urlencode({"name": f"{number}.jpg", "size": len(content)}).encode()
    created = json.loads(site.post("/upload/files/", fields, "application/x-www-form-urlencoded"))
    parts = urlsplit(created["url"])
    body, content_type = form(created["fields"], "file", number, content)
    exchange(parts.netloc, parts.path, body, {"Content-Type": content_type})
    site.post(created["complete"], b"", "application/x-www-form-urlencoded")


def send_through_web(site: Site, number: int, content: bytes) -> None:
    site.post("/upload/", *form({}, "files", number, content))


def form(fields: dict[str, str], name: str, number: int, content: bytes) -> tuple[bytes, str]:
    start = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="'
    head = "".join(f'{start}{field}"\r\n\r\n{value}\r\n' for field, value in fields.items())
    head += f'{start}{name}"; filename="{number}.jpg"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


def exchange(host: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    connection = HTTPConnection(host, timeout=300)
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    if response.status >= 300:
        raise RuntimeError(f"{path} returned status {response.status}: {content[:200]!r}")
    return content


class MemoryWatch(threading.Thread):
    """Thread that measures the memory of a process tree four times a second, in MB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.sent, self.early, self.maximum = pid, 0, 0.0, 0.0
        self._stopped = threading.Event()

    def __enter__(self) -> MemoryWatch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.wait(0.25):
            self.maximum = max(self.maximum, memory(self.pid))
            if self.sent <= 50:
                self.early = self.maximum


def process_tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(descendant for child in children for descendant in process_tree(int(child)))]


def memory(pid: int) -> float:
    """Resident MB of a process tree; shared pages count for each process."""
    pages = sum(int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in process_tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process and its running descendants."""
    ticks = 0
    for process in process_tree(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(measure().to_json())
