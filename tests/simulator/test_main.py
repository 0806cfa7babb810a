from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imagelib.simulator import OPERATIONS, running
from imagelib.simulator.__main__ import main
from tests.simulator.requests import call_simulator, picture, raw, send_request

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "imagelib.simulator"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_says_that_it_invents_serves_and_ends(number):
    options = ["--port", "0", "--latency", "1.5", "--tps", '{"DetectText": 2}', "--model-version", "3.1"]
    program = subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        lines = [program.stdout.readline() for _ in range(4)]
        address = lines[3].strip().removeprefix("AWS_ENDPOINT_URL_REKOGNITION=")
        answer = raw(address, OPERATIONS[0], {"Image": send_request(picture())})
        settings = call_simulator(address, "GET", "/simulator/settings")[2]
    finally:
        program.send_signal(number)
        rest = program.communicate(timeout=20)[0]

    assert "".join(lines[:2]).count("INVENTED") == 1
    assert answer[2]["LabelModelVersion"] == "3.1-simulated"
    assert (settings["latency"], settings["tps"], settings["model_version"]) == (1.5, {"DetectText": 2}, "3.1")
    assert (program.returncode, rest) == (0, "Ended after 1 requests, 1 answered.\n")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--latency", "x"], "--latency x is no JSON"),
        (["--latency", "-5"], "latency is a number of at least 0"),
        (["--s3", "maybe"], "s3 is one of"),
    ],
)
def test_options_that_cannot_be_are_refused_with_a_sentence(monkeypatch, options, sentence):
    monkeypatch.setattr(sys, "argv", ["simulator", *options])
    with pytest.raises(SystemExit, match=sentence):
        main()


def test_a_taken_port_is_told(monkeypatch, simulator):
    port = simulator.address.rpartition(":")[2]
    monkeypatch.setattr(sys, "argv", ["simulator", "--port", port])
    with pytest.raises(SystemExit, match=r"The simulator does not start: .*address already in use"):
        main()
    with pytest.raises(OSError, match="address already in use"), running(port=int(port)):
        pass


def test_help_names_every_setting(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["simulator", "--help"])
    with pytest.raises(SystemExit):
        main()
    words = capsys.readouterr().out
    assert [name for name in ("--latency", "--jitter", "--tps", "--drops", "--next-errors") if name not in words] == []
