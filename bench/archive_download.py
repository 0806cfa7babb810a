"""Bench of ZIP downloads over HTTP, compared with reading the files from disk.

Also downloads of 50,000 pictures that break off: memory, open files and database connections.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg

from bench import sandbox
from bench.direct_upload import Site, cpu_seconds, memory, process_tree, sign_in
from bench.photos import photo
from bench.report import Measurement, Report
from imagelib import embedded

ORIGINALS, ORIGINAL_SIZE = 300, 8 * 2**20
PICTURES = int(os.environ.get("BENCH_ARCHIVE_PICTURES", "50000"))
ROUNDS = 5  # each next to its baseline; the median counts
BROKEN_OFF, BROKEN_AFTER = 20, 50 * 2**20
CHUNK = 2**18
THREADS = 8  # of gunicorn; each keeps a connection to the database
FORM = "application/x-www-form-urlencoded"
COPIED = "id", "key", "sha256", "public_id", "filename", "renditions_id", "size"


def measure() -> Report:
    with running_site() as site:
        files = make_originals(site)
        make_copies(site)
        rounds = [(disk_rate(files), *archive_rates(site, files)) for _ in range(ROUNDS)]
        disk, archive, by_processor = sorted(rounds, key=lambda rates: rates[1] / rates[0])[ROUNDS // 2]
        idle = state(site)
        # The first half comes before memory is measured, so that each thread has served some.
        halves = [break_off_many(site, BROKEN_OFF // 2, idle) for _ in range(2)]
        before, after = halves
        early, peak, entries = whole_archive(site)
    measurements = [
        Measurement(name="ZIP of originals", value=archive, baseline=disk, unit="MB/s", at_least_ratio=0.8),
        Measurement(
            name="by the server's processor time", value=by_processor, baseline=disk, unit="MB/s", at_least_ratio=0.8
        ),
        Measurement(
            name=f"begun again: peak memory, {PICTURES:,} pictures, after 5,000",
            value=peak,
            baseline=early,
            unit="MB",
            at_most_ratio=1.05,
        ),
        Measurement(name="pictures in that archive", value=entries, unit="", at_least=PICTURES),
        Measurement(
            name=f"temporary and picture files open after {BROKEN_OFF} broken off",
            value=after[0] - idle[0],
            unit="",
            at_most=0,
        ),
        Measurement(name="database connections after them", value=after[1], unit="", at_most=THREADS),
        Measurement(name="memory after them", value=after[2], baseline=before[2], unit="MB", at_most_ratio=1.05),
    ]
    ratios = ", ".join(f"{archive / disk:.2f}" for disk, archive, _ in rounds)
    notes = [
        f"{ORIGINALS} originals of {ORIGINAL_SIZE >> 20} MB by gunicorn with {THREADS} threads, none in the page "
        f"cache, as for the baseline: reads of {CHUNK >> 10} kB, one file after another. All rounds: {ratios}.",
        f"Each broken off after {BROKEN_AFTER >> 20} MB.",
    ]
    return Report("ZIP downloads against the disk", measurements, notes)


@contextmanager
def running_site() -> Iterator[Site]:
    """A library with one picture, its web server, and a signed-in client."""
    with ExitStack() as stack:
        folder = stack.enter_context(sandbox.temporary_folder())
        library = stack.enter_context(sandbox.empty_library())
        library.manage("collectstatic", "--no-input")
        password = library.add_user("bench")
        photo(1, 1_200, 900).save(folder / "picture.jpg", "JPEG", quality=80)
        library.manage("import_images", str(folder), "--owner", "bench")
        address = f"http://127.0.0.1:{sandbox.free_port()}"
        web = [
            sys.executable,
            "-m",
            "gunicorn",
            "imagelib.wsgi",
            "-b",
            urlsplit(address).netloc,
            "--threads",
            str(THREADS),
        ]
        gunicorn = stack.enter_context(sandbox.running_program(web, env=sandbox.environment(library.var)))
        gunicorn.wait_for("Booting worker", seconds=60)
        time.sleep(3)  # until all gunicorn threads have loaded Django
        yield Site(address, library.var, sign_in(urlsplit(address).netloc, password), gunicorn.process.pid)


def make_originals(site: Site) -> list[Path]:
    """Pictures whose originals are files of random bytes; their paths."""
    root = next(site.var.rglob("originals")).parent
    keys = [f"originals/bench/{number:04}.jpg" for number in range(ORIGINALS)]
    for key in keys:
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(os.urandom(ORIGINAL_SIZE))
    copy_rows(site, keys, renditions_id=uuid.uuid4())
    os.sync()  # only pages written to disk can be dropped from the page cache
    return [root / key for key in keys]


def make_copies(site: Site) -> None:
    """Pictures without originals that share one small preview, up to PICTURES."""
    root = next(site.var.rglob("renditions")).parent
    shared = uuid.uuid4()
    preview = root / f"renditions/{shared.hex[:2]}/{shared.hex}-preview.jpeg"
    preview.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    photo(2, 600, 450).save(content, "JPEG", quality=70)
    preview.write_bytes(content.getvalue())
    copy_rows(site, [f"copies/{number}" for number in range(PICTURES)], renditions_id=shared)


def copy_rows(site: Site, keys: list[str], *, renditions_id: uuid.UUID) -> None:
    """Rows like the imported picture's, each with its own key."""
    hashes = [hashlib.sha256(key.encode()).hexdigest() for key in keys]
    with psycopg.connect(embedded.database_url(site.var)) as connection:
        names = connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'analysis_image' AND is_generated = 'NEVER'"
        ).fetchall()
        others = ", ".join(f'"{name}"' for (name,) in names if name not in COPIED)
        connection.execute(
            f"""INSERT INTO analysis_image (key, sha256, public_id, filename, renditions_id, size, {others})
                SELECT new_key, new_hash, gen_random_uuid(), replace(new_key, '/', '-') || '.jpg', %s, %s, {others}
                FROM (SELECT * FROM analysis_image ORDER BY id LIMIT 1) image,
                     unnest(%s::text[], %s::text[]) AS copied(new_key, new_hash)""",
            [renditions_id, ORIGINAL_SIZE, keys, hashes],
        )


def drop_from_page_cache(files: list[Path]) -> None:
    """Drop files from the page cache."""
    for path in files:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def disk_rate(files: list[Path]) -> float:
    """MB/s of reading all files."""
    drop_from_page_cache(files)
    began, size = time.monotonic(), 0
    for path in files:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                size += len(chunk)
    return size / 1e6 / (time.monotonic() - began)


def archive_rates(site: Site, files: list[Path]) -> tuple[float, float]:
    """MB/s of a ZIP of the same files, by wall-clock and by processor time."""
    drop_from_page_cache(files)
    with psycopg.connect(embedded.database_url(site.var)) as connection:
        rows = connection.execute("SELECT id FROM analysis_image WHERE key LIKE 'originals/bench/%'").fetchall()
    began, used = time.monotonic(), cpu_seconds(site.pid)
    response = post(site, "/export/archive/originals/", ids=",".join(str(image_id) for (image_id,) in rows))
    size = size_of(response)
    if size < len(files) * ORIGINAL_SIZE:
        raise RuntimeError(f"the archive has only {size:,} bytes")
    return size / 1e6 / (time.monotonic() - began), size / 1e6 / (cpu_seconds(site.pid) - used)


def whole_archive(site: Site) -> tuple[float, float, int]:
    """Memory after 5,000 pictures and at its peak, and the number of archived files."""
    early = peak = size = entries = 0
    tail = b""
    for number, chunk in enumerate(chunks_of(all_previews(site))):
        size += len(chunk)
        entries += (tail[-3:] + chunk).count(b"PK\3\4")
        tail = (tail + chunk)[-22:]
        if number % 50 == 0:
            peak = max(peak, memory(site.pid))
            early = peak if entries <= 5_000 else early
    return early, max(peak, memory(site.pid)), entries


def break_off(site: Site) -> None:
    response = all_previews(site)
    size = 0
    for chunk in chunks_of(response):
        size += len(chunk)
        if size > BROKEN_AFTER:
            return


def all_previews(site: Site) -> HTTPResponse:
    return post(site, "/export/download/", all="1", q="", format="previews", labels="effective")


def post(site: Site, path: str, **fields: str) -> HTTPResponse:
    connection = HTTPConnection(site.host, timeout=300)
    headers = {"Cookie": site.cookie, "X-CSRFToken": site.token, "Content-Type": FORM}
    connection.request("POST", path, urlencode(fields), headers)
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(f"{path} returned status {response.status}: {response.read(200)!r}")
    return response


def chunks_of(response: HTTPResponse) -> Iterator[bytes]:
    with response:
        while chunk := response.read(2**20):
            yield chunk


def size_of(response: HTTPResponse) -> int:
    """Read a response to its end. Returns its bytes.

    Without copying them, so that this client is not the limit.
    """
    buffer, size = bytearray(2**20), 0
    with response:
        while number := response.readinto(buffer):
            size += number
    return size


def state(site: Site) -> tuple[int, int, float]:
    """Open files, database connections, and memory in MB of the web processes."""
    files = [link for pid in process_tree(site.pid) for link in Path(f"/proc/{pid}/fd").iterdir()]
    is_open = [str(link.readlink()) for link in files if link.is_symlink()]
    number = sum("(deleted)" in target or target.endswith(".jpeg") for target in is_open)
    with psycopg.connect(embedded.database_url(site.var)) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connections = connection.execute(query).fetchone()[0]
    return number, connections, memory(site.pid)


def break_off_many(site: Site, number: int, idle: tuple[int, int, float]) -> tuple[int, int, float]:
    """The state once the server has noticed the broken connections, within 30 seconds."""
    for _ in range(number):
        break_off(site)
    end = time.monotonic() + 30
    while (now := state(site))[0] > idle[0] and time.monotonic() < end:
        time.sleep(0.5)
    return now


if __name__ == "__main__":
    print(measure().to_json())
