"""The simulator as a program: python -m imagelib.simulator --port 9797 --latency 300 --jitter 50 --tps 50."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from typing import Any

from imagelib.simulator.server import HOST, listening
from imagelib.simulator.settings import NAMES, TYPES, Settings


def main() -> None:
    arguments = vars(_parser().parse_args())
    port = arguments.pop("port")
    try:
        settings = Settings().changed(**{name: _value(name, text) for name, text in arguments.items()})
        asyncio.run(_serve(settings, port=port))
    except (ValueError, OSError) as error:
        sys.exit(f"The simulator does not start: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m imagelib.simulator",
        description="A simulator of Amazon Rekognition's endpoint. Its labels are invented. Every setting can be "
        "changed while it runs: POST /simulator/settings with JSON; GET /simulator/statistics.",
    )
    parser.add_argument("--port", type=int, default=9797, help="on loopback; 0 is a free one (default: 9797)")
    for name, words in NAMES.items():
        default = getattr(Settings(), name)
        shown = f" (default: {default})" if default not in {None, "", ()} else ""
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, default=argparse.SUPPRESS, help=words.replace("%", "%%") + shown)
    return parser


def _value(name: str, text: str) -> Any:
    """As JSON, but a string may stand without quotation marks."""
    if TYPES[name] is str or (name == "model_version" and not text.startswith("{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"--{name.replace('_', '-')} {text} is no JSON.") from error


async def _serve(settings: Settings, *, port: int) -> None:
    async with listening(settings, port=port) as listener:
        ending = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
        address = f"http://{HOST}:{listener.port}"
        print("ATTENTION: this is a simulator of Amazon Rekognition. It looks at no picture; every label, face,")
        print("celebrity and word it answers is INVENTED.")
        print(f"Settings and statistics: {address}/simulator/settings, {address}/simulator/statistics")
        print(f"AWS_ENDPOINT_URL_REKOGNITION={address}", flush=True)
        await ending.wait()
        counted = listener.simulator.statistics.as_json()
        print(f"Ended after {counted['requests']:,} requests, {counted['answered']:,} answered.", flush=True)


if __name__ == "__main__":
    main()
