"""Kept inputs that are hard to read have the outcome they had.

Each in bounded time and memory. `python -m tests.fuzz` grows the corpus.
"""

from __future__ import annotations

import resource
import time
from io import BytesIO

from analysis.ingest import decoding_service
from analysis.ingest.validation import InvalidImage
from tests.fuzz.seeds import CORPUS, INDEX, corpus
from tests.fuzz.targets import LIMITS, TARGETS

MAX_CORPUS_BYTES = 300_000
TEXT_BYTES = 100 * 1024**2
"""That all of them together may need beyond what the process had."""
TEXT_SECONDS = 1.0


FILES = corpus()


def test_every_file_is_in_the_index_and_all_are_small() -> None:
    files = {str(path.relative_to(CORPUS)): path for path in CORPUS.rglob("*") if path.is_file() and path != INDEX}
    assert sorted(files) == [name for name, _, _ in FILES]
    assert sum(path.stat().st_size for path in files.values()) <= MAX_CORPUS_BYTES
    assert {name.partition("/")[0] for name in files} == set(TARGETS)


def outcome(content: bytes) -> str:
    try:
        return decoding_service.examine(BytesIO(content), name="picture", limits=LIMITS).format
    except InvalidImage as refusal:  # also for a decoder that crashed, took too long or too much memory
        return refusal.code


def test_pictures_have_the_expected_outcome() -> None:
    pictures = [(name, content, expected) for name, content, expected in FILES if name.startswith("picture/")]
    assert {name: outcome(content) for name, content, _ in pictures} == {name: result for name, _, result in pictures}


def test_texts_have_the_expected_outcome() -> None:
    texts = [file for file in FILES if not file[0].startswith("picture/")]
    TARGETS["query"](b"dog")  # the parser is made once
    results, slow, peak = {}, [], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, content, _ in texts:
        began = time.process_time()
        results[name] = TARGETS[name.partition("/")[0]](content)
        if time.process_time() - began > TEXT_SECONDS:
            slow.append(name)
    assert results == {name: expected for name, _, expected in texts}
    assert slow == []
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024 <= TEXT_BYTES
