"""The benches' arithmetic, and that the rival does the same work as we do. What they measure is not judged here."""

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
from bench.screenshot import MOST_BYTES, TARGET
from bench.upload_latency import at_work


@pytest.mark.parametrize("name", run.BENCHES)
def test_every_bench_can_be_started(name):
    module = importlib.import_module(f"bench.{name}")
    if hasattr(module, "__path__"):  # a package is started by its __main__
        module = importlib.import_module(f"bench.{name}.__main__")
    assert callable(module.measure)


def test_an_unknown_bench_is_named(capsys):
    assert run.main(["ingest", "nonsense"]) == 2
    assert f"no bench nonsense; there are {', '.join(run.BENCHES)}." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("targets", "is_met"),
    [
        ({"ours": 7.0, "rival": 10.0, "at_least_ratio": 0.7}, True),
        ({"ours": 6.9, "rival": 10.0, "at_least_ratio": 0.7}, False),
        ({"ours": 6.9, "at_least_ratio": 0.7}, False),
        ({"ours": 4.0, "rival": 1.0, "at_most_ratio": 4.0}, True),
        ({"ours": 4.1, "rival": 1.0, "at_most_ratio": 4.0}, False),
        ({"ours": 4.1, "at_most_ratio": 4.0}, False),
        ({"ours": 48.0, "at_least": 48.0}, True),
        ({"ours": 47.9, "at_least": 48.0}, False),
        ({"ours": 600.0, "rival": 50.0, "at_most": 600.0}, True),
        ({"ours": 600.1, "at_most": 600.0}, False),
        ({"ours": 5.0, "rival": 10.0}, None),
    ],
)
def test_a_target_is_met_or_missed(targets, is_met):
    assert Measurement(what="speed", unit="/s", **targets).is_met is is_met


def test_a_missed_target_is_printed_as_missed():
    figures = [
        Measurement(what="speed", ours=1204.4, unit="/s", rival=2000.0, at_least_ratio=0.7),
        Measurement(what="memory", ours=12.34, unit="MB", at_most=600),
    ]
    assert Report("ours against theirs", figures, ["A note."]).table().splitlines() == [
        "ours against theirs",
        "            ours   rival        ratio        target",
        "  speed    1,204   2,000   /s    0.60   ratio ≥ 0.7   MISSED",
        "  memory    12.3           MB              ≤ 600 MB   met",
        "  A note.",
    ]


def test_a_report_survives_the_way_between_processes():
    report = Report("title", [Measurement(what="speed", ours=1.5, unit="s", at_most=2)], ["A note."])
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 2), (0.75, 3), (0.95, 4), (1.0, 4)])
def test_percentile(share, value):
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
def test_time_at_work_is_counted_once(spans, seconds):
    at = [tuple(datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in span) for span in spans]
    assert at_work(at, until=datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)) == seconds


def test_the_bare_loop_makes_the_same_renditions(tmp_path):
    path = tmp_path / "photo.jpg"
    photos.photo(1, 3600, 2700).save(path, "JPEG", quality=90)
    assert ingest_baseline.renditions(path) == tuple(each.content for each in examine(path, name=path.name).renditions)


def test_photographs_are_reproducible_and_differ():
    drawn = [photos.photo(number, 400, 300).tobytes() for number in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_memory_of_a_child_is_seen():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert child.pid in process_usage.descendants(os.getpid())
        assert process_usage.high_water(child.pid) > 0
    finally:
        child.communicate(b"\n")
    assert process_usage.high_water(child.pid) == 0


def test_the_readmes_picture_is_kept_small():
    assert TARGET.stat().st_size < MOST_BYTES
    with Image.open(TARGET) as picture:
        assert picture.size == (1280, 800)
