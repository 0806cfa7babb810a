"""Command line of the simulator: python -m imagelib.simulator --port 9797."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from typing import Any

from imagelib.simulator.server import HOST, listening
from imagelib.simulator.settings import DESCRIPTIONS, TYPES, Settings


def main() -> None:
    options = vars(_parser().parse_args())
    host, port = options.pop("host"), options.pop("port")
    try:
        settings = Settings().with_changes(**{name: _value(name, text) for name, text in options.items()})
        asyncio.run(_serve(settings, host=host, port=port))
    except (ValueError, OSError) as error:
        sys.exit(f"The simulator could not start: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m imagelib.simulator",
        description="Simulates Amazon Rekognition's endpoint. All results are made up. Settings can be changed while it"
        " runs: POST JSON to /simulator/settings. Statistics: GET /simulator/statistics.",
    )
    parser.add_argument("--host", default=HOST, help=f"address to listen on (default: {HOST})")
    parser.add_argument("--port", type=int, default=9797, help="port, 0 for a free one (default: 9797)")
    for name, description in DESCRIPTIONS.items():
        default = getattr(Settings(), name)
        default_text = f" (default: {default})" if default not in {None, "", ()} else ""
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, default=argparse.SUPPRESS, help=description.replace("%", "%%") + default_text)
    return parser


def _value(name: str, text: str) -> Any:
    """Value of an option: JSON, or a string without quotation marks."""
    if TYPES[name] is str or (name == "model_version" and not text.startswith("{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"--{name.replace('_', '-')} {text} is not valid JSON.") from error


async def _serve(settings: Settings, *, host: str, port: int) -> None:
    async with listening(settings, port=port, host=host) as listener:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        address = f"http://{host}:{listener.port}"
        print("Note: this is a simulator of Amazon Rekognition. It does not look at pictures: all labels, faces,")
        print("celebrities and words in its responses are INVENTED.")
        print(f"Settings and statistics: {address}/simulator/settings, {address}/simulator/statistics")
        print(f"AWS_ENDPOINT_URL_REKOGNITION={address}", flush=True)
        await stopped.wait()
        statistics = listener.simulator.statistics.as_json()
        print(
            f"Stopped after {statistics['requests']:,} requests, {statistics['answered']:,} of them answered.",
            flush=True,
        )


if __name__ == "__main__":
    main()
