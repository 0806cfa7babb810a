"""Unit tests of the benches: arithmetic, reports, equality of a baseline."""

import importlib
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from PIL import Image

from analysis.ingest.examine import examine
from bench import ingest_baseline, photos, process_usage, run
from bench.report import Measurement, Report, percentile
from bench.screenshot import MAX_BYTES, SHOTS
from bench.upload_latency import covered_seconds


@pytest.mark.parametrize("name", run.BENCHES)
def test_bench_has_a_measure_function(name):
    module = importlib.import_module(f"bench.{name}")
    if hasattr(module, "__path__"):  # a package is started by its __main__
        module = importlib.import_module(f"bench.{name}.__main__")
    assert callable(module.measure)


def test_unknown_bench_is_named_with_the_choices(capsys):
    assert run.main(["ingest", "nonsense"]) == 2
    assert f"Unknown bench: nonsense. Choose from: {', '.join(run.BENCHES)}." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("targets", "is_met"),
    [
        ({"value": 7.0, "baseline": 10.0, "at_least_ratio": 0.7}, True),
        ({"value": 6.9, "baseline": 10.0, "at_least_ratio": 0.7}, False),
        ({"value": 6.9, "at_least_ratio": 0.7}, False),
        ({"value": 4.0, "baseline": 1.0, "at_most_ratio": 4.0}, True),
        ({"value": 4.1, "baseline": 1.0, "at_most_ratio": 4.0}, False),
        ({"value": 4.1, "at_most_ratio": 4.0}, False),
        ({"value": 48.0, "at_least": 48.0}, True),
        ({"value": 47.9, "at_least": 48.0}, False),
        ({"value": 600.0, "baseline": 50.0, "at_most": 600.0}, True),
        ({"value": 600.1, "at_most": 600.0}, False),
        ({"value": 5.0, "baseline": 10.0}, None),
    ],
)
def test_target_is_met_or_missed(targets, is_met):
    assert Measurement(name="speed", unit="/s", **targets).is_met is is_met


def test_table_shows_missed_targets():
    measurements = [
        Measurement(name="speed", value=1204.4, unit="/s", baseline=2000.0, at_least_ratio=0.7),
        Measurement(name="memory", value=12.34, unit="MB", at_most=600),
    ]
    assert Report("imagelib against the baseline", measurements, ["A note."]).table().splitlines() == [
        "imagelib against the baseline",
        "           imagelib   baseline        ratio        target",
        "  speed       1,204      2,000   /s    0.60   ratio ≥ 0.7   MISSED",
        "  memory       12.3              MB              ≤ 600 MB   met",
        "  A note.",
    ]


def test_report_round_trips_through_json():
    report = Report("title", [Measurement(name="speed", value=1.5, unit="s", at_most=2)], ["A note."])
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 2), (0.75, 3), (0.95, 4), (1.0, 4)])
def test_percentile_is_a_value_of_the_list(share, value):
    assert percentile([4, 2, 1, 3], share) == value


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([(0, 2), (3, 4)], 3),  # one after another
        ([(0, 3), (1, 4)], 4),  # side by side
        ([(0, 5), (1, 2)], 5),  # one within the other
        ([(3, 9), (7, 20)], 7),  # beyond the end
        ([(11, 20)], 0),
        ([], 0),
    ],
)
def test_overlapping_spans_are_counted_once(spans, seconds):
    at = [tuple(datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in span) for span in spans]
    assert covered_seconds(at, until=datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)) == seconds


def test_ingest_baseline_makes_the_same_renditions(tmp_path):
    path = tmp_path / "photo.jpg"
    photos.photo(1, 3600, 2700).save(path, "JPEG", quality=90)
    assert ingest_baseline.renditions(path) == tuple(
        rendition.content for rendition in examine(path, name=path.name).renditions
    )


def test_photos_are_reproducible_and_differ():
    drawings = [photos.photo(number, 400, 300).tobytes() for number in (1, 1, 2)]
    assert drawings[0] == drawings[1]
    assert drawings[0] != drawings[2]


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_peak_memory_of_a_child_is_read():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert child.pid in process_usage.descendants(os.getpid())
        assert process_usage.peak_memory(child.pid) > 0
    finally:
        child.communicate(b"\n")
    assert process_usage.peak_memory(child.pid) == 0


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.path.stem)
def test_screenshot_is_small(shot):
    assert shot.path.stat().st_size <= MAX_BYTES
    with Image.open(shot.path) as picture:
        assert picture.size == shot.size


def test_every_picture_of_the_docs_is_a_screenshot_of_the_script():
    assert {shot.path for shot in SHOTS} == set((SHOTS[0].path.parent).rglob("*.webp"))
