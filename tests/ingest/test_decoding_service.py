"""Decoder processes: limits of memory and time, and no process left."""

import gzip
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from analysis.ingest import decoding_service, thumbnails
from analysis.ingest import examine as here
from analysis.ingest.validation import InvalidImage, Limits
from tests import pictures
from tests.ingest.test_segment_limits import scans_of


@pytest.fixture
def decoders():
    made = decoding_service.DecoderPool(1)
    yield made
    made.close()


def idle_process(decoders) -> decoding_service.DecoderProcess:
    (child,) = decoders._idle
    return child


def test_every_kind_of_source_is_examined_in_another_process(tmp_path):
    content = pictures.jpeg(seed=1)
    expected = here.examine(BytesIO(content), name="a.jpg")
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    packed = tmp_path / "a.jpg.gz"
    packed.write_bytes(gzip.compress(content))
    with path.open("rb") as file, gzip.open(packed) as unpacked, tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(content)
        file.read(100)
        for source in (path, file, unpacked, spooled, BytesIO(content)):
            assert decoding_service.examine(source, name="a.jpg") == expected
        file.seek(0)
        assert file.read() == content


def test_a_file_in_memory_may_be_of_many_pieces():
    content = pictures.encoded(Image.effect_noise((1200, 1200), 90).convert("RGB"), "bmp")
    assert len(content) > 4 * decoding_service.PIECE_BYTES
    assert decoding_service.examine(BytesIO(content), name="a.bmp") == here.examine(BytesIO(content), name="a.bmp")


def test_a_payload_is_made_in_another_process():
    content = pictures.png(640, 480)
    assert decoding_service.payload(BytesIO(content), long_side=320) == thumbnails.payload(
        BytesIO(content), long_side=320
    )


def test_refusals_and_the_source_s_own_errors_pass(tmp_path):
    class FailingDisk(BytesIO):
        def read(self, *_):
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        decoding_service.examine(FailingDisk(pictures.jpeg()), name="a.jpg")
    with pytest.raises(InvalidImage, match=r"^half\.jpg: this JPEG is incomplete"):
        decoding_service.examine(BytesIO(pictures.truncated_jpeg()), name="half.jpg")
    with pytest.raises(InvalidImage, match=r"^a\.jpg: the file cannot be read \(No such file or directory\)"):
        decoding_service.examine(tmp_path / "a.jpg", name="a.jpg")
    with pytest.raises(InvalidImage, match="this is text"):
        decoding_service.examine(BytesIO(b"text"), name="a.jpg")


def test_a_process_is_kept_for_the_next_file(decoders):
    pids = set()
    for seed in range(3):
        decoding_service.examine(BytesIO(pictures.jpeg(seed=seed)), name="a.jpg", pool=decoders)
        pids.add(idle_process(decoders).process.pid)
    assert len(pids) == 1


def test_what_takes_too_long_is_stopped_and_refused(decoders):
    """A process that stands still, as one does whose decoder waits forever."""
    decoding_service.examine(BytesIO(pictures.jpeg()), name="a.jpg", pool=decoders)
    child = idle_process(decoders).process
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(InvalidImage) as raised:
        decoding_service.examine(BytesIO(pictures.jpeg()), name="a.jpg", limits=Limits(seconds=1), pool=decoders)
    assert str(raised.value) == "a.jpg: decoding took more than 1 seconds; open it and save it again"
    assert (raised.value.code, raised.value.setting) == ("too-slow", "DECODE_SECONDS")
    assert child.returncode == -signal.SIGKILL
    assert decoding_service.examine(BytesIO(pictures.jpeg()), name="a.jpg", pool=decoders).format == "jpeg"


def test_processor_time_is_limited(decoders):
    """By the system itself: a decoder's C code does not check a clock."""
    noise = pictures.encoded(Image.effect_noise((2500, 2500), 90), "jpeg", progressive=True)
    content = scans_of(noise, 90)
    with pytest.raises(InvalidImage) as raised:
        decoding_service.examine(BytesIO(content), name="a.jpg", limits=Limits(seconds=0), pool=decoders)
    assert raised.value.code == "too-slow"


def test_memory_is_limited_by_what_the_header_announces():
    """A picture that needs more than there is alone is refused before it is decoded."""
    with pytest.raises(InvalidImage) as raised:
        decoding_service.examine(
            BytesIO(pictures.webp(2000, 2000)), name="a.webp", limits=Limits(max_memory=100 * 1024**2)
        )
    assert (raised.value.code, raised.value.setting) == ("too-many-pixels", "DECODE_MEMORY_BYTES")
    assert str(raised.value) == (
        "a.webp: a WebP of 2,000 × 2,000 px takes too much memory to decode; make it smaller or save it as a JPEG"
    )


def test_memory_that_no_header_announces_is_limited_too(decoders):
    """A TIFF of one pixel whose 32 MB of tags take 360 MB as Python numbers."""
    number = 8_000_000
    entries = ((256, 4, 1, 1), (257, 4, 1, 1), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, number, 100), (278, 4, 1, 1))
    content = b"II*\0" + struct.pack("<IH", 8, len(entries))
    content += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4 * number + 100)
    with pytest.raises(InvalidImage) as raised:
        decoding_service.examine(BytesIO(content), name="a.tif", pool=decoders)
    assert (raised.value.code, raised.value.setting) == ("too-complex", "DECODE_MEMORY_BYTES")
    assert decoding_service.examine(BytesIO(pictures.jpeg()), name="a.jpg", pool=decoders).format == "jpeg"


def test_pictures_that_need_much_memory_wait_for_one_another():
    memory, entered, go = decoding_service.ProcessMemory(), threading.Event(), threading.Event()

    def decode():
        with memory.reserved(60, total=100):
            entered.set()
            go.wait(30)

    first = threading.Thread(target=decode)
    first.start()
    entered.wait(30)
    with memory.reserved(40, total=100):
        pass
    order = []

    def decode_too():
        with memory.reserved(60, total=100):
            order.append(go.is_set())

    second = threading.Thread(target=decode_too)
    second.start()
    second.join(0.1)
    go.set()
    second.join(30)
    first.join(30)
    assert order == [True]
    assert memory._used == 0


def test_a_picture_that_needs_more_than_all_is_decoded_alone():
    memory = decoding_service.ProcessMemory()
    with memory.reserved(500, total=100):
        assert memory._used == 500
    assert memory._used == 0


def test_processes_have_none_of_our_secrets(decoders, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")
    decoding_service.examine(BytesIO(pictures.jpeg()), name="a.jpg", pool=decoders)
    environment = Path(f"/proc/{idle_process(decoders).process.pid}/environ")
    if environment.exists():
        assert b"do-not-tell" not in environment.read_bytes()


PARENT = """
import sys
from io import BytesIO
from analysis.ingest import decoding_service
from tests import pictures
from tests.ingest.test_segment_limits import scans_of
decoders = decoding_service.DecoderPool(1)
decoding_service.examine(BytesIO(pictures.jpeg()), name="a.jpg", pool=decoders)
print(decoders._idle[0].process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes by /proc")
def test_processes_end_with_a_parent_that_is_killed():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=decoding_service.ROOT
    )
    with parent:
        pid = int(parent.stdout.readline())
        descriptor = os.pidfd_open(pid)
        parent.kill()
    import select

    assert select.select([descriptor], [], [], 30)[0]  # ready when the process has ended
    os.close(descriptor)


def large_jpeg(width: int, height: int) -> bytes:
    """A gray JPEG of 200 megapixels, from one row of blocks repeated."""
    content = pictures.encoded(Image.new("L", (width, 64), 200), "jpeg", restart_marker_rows=1)
    frame, scan = content.index(b"\xff\xc0"), content.index(b"\xff\xda")
    head = bytearray(content[: scan + 2 + int.from_bytes(content[scan + 2 : scan + 4], "big")])
    head[frame + 5 : frame + 7] = height.to_bytes(2, "big")
    row = content[len(head) : content.index(b"\xff\xd0", len(head))]
    rows = height // 8
    return (
        bytes(head) + b"".join(row + bytes((0xFF, 0xD0 + number % 8)) for number in range(rows - 1)) + row + b"\xff\xd9"
    )


@pytest.mark.parametrize("size", [(12_000, 9_000), (16_320, 12_240)])
def test_large_phone_photos_are_decoded_at_a_fraction_of_their_size(size):
    content = large_jpeg(*size)
    limits = Limits(max_memory=300 * 1024**2)  # they would take 800 MB, and in color 2.4 GB
    made = decoding_service.examine(BytesIO(content), name="a.jpg", limits=limits)
    assert (made.width, made.height) == size
    preview = Image.open(BytesIO(made.renditions[1].content))
    assert (preview.width, preview.getextrema()) == (1600, ((200, 200),) * 3)


def test_a_picture_over_the_limit_names_the_setting():
    with pytest.raises(InvalidImage) as raised:
        decoding_service.examine(BytesIO(large_jpeg(16_320, 16_320)), name="a.jpg")
    assert str(raised.value) == "a.jpg: 16,320 × 16,320 px is over the 250-megapixel limit"
    assert raised.value.setting == "MAX_PIXELS"
