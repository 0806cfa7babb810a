from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imagelib.simulator import OPERATIONS, run_simulator
from imagelib.simulator.__main__ import main
from tests.simulator.requests import call_simulator, picture, raw, send_request

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "imagelib.simulator"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_program_warns_serves_and_stops(number):
    options = ["--port", "0", "--latency", "1.5", "--tps", '{"DetectText": 2}', "--model-version", "3.1"]
    program = subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        lines = [program.stdout.readline() for _ in range(4)]
        address = lines[3].strip().removeprefix("AWS_ENDPOINT_URL_REKOGNITION=")
        response = raw(address, OPERATIONS[0], {"Image": send_request(picture())})
        settings = call_simulator(address, "GET", "/simulator/settings")[2]
    finally:
        program.send_signal(number)
        last_output = program.communicate(timeout=20)[0]

    assert "".join(lines[:2]).count("INVENTED") == 1
    assert response[2]["LabelModelVersion"] == "3.1-simulated"
    assert (settings["latency"], settings["tps"], settings["model_version"]) == (1.5, {"DetectText": 2}, "3.1")
    assert (program.returncode, last_output) == (0, "Stopped after 1 requests, 1 of them answered.\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--latency", "x"], "--latency x is not valid JSON"),
        (["--latency", "-5"], "latency must be a number of at least 0"),
        (["--s3", "maybe"], "s3 must be one of"),
    ],
)
def test_invalid_option_is_rejected_with_a_message(monkeypatch, options, message):
    monkeypatch.setattr(sys, "argv", ["simulator", *options])
    with pytest.raises(SystemExit, match=message):
        main()


def test_port_in_use_is_reported(monkeypatch, simulator):
    port = simulator.address.rpartition(":")[2]
    monkeypatch.setattr(sys, "argv", ["simulator", "--port", port])
    with pytest.raises(SystemExit, match=r"The simulator could not start: .*address already in use"):
        main()
    with pytest.raises(OSError, match="address already in use"), run_simulator(port=int(port)):
        pass


def test_help_lists_settings(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["simulator", "--help"])
    with pytest.raises(SystemExit):
        main()
    output = capsys.readouterr().out
    assert [name for name in ("--latency", "--jitter", "--tps", "--drops", "--next-errors") if name not in output] == []
