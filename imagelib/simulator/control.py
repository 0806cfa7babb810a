"""HTTP interface to control the simulator: settings, statistics and reset."""

from __future__ import annotations

import json
from typing import Any, Final

from imagelib.simulator.service import Simulator

PATH: Final = "/simulator/"
PATHS: Final = (
    "GET or POST /simulator/settings",
    "GET /simulator/statistics",
    "GET /simulator/pictures",
    "POST /simulator/reset",
)


def handle(simulator: Simulator, *, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Handle a request: 200, 400 with a message, or 404 with the available paths."""
    try:
        result = _run(simulator, f"{method} {path.removeprefix(PATH)}", body)
    except (ValueError, TypeError) as error:
        return 400, _json({"error": str(error)})
    if result is None:
        return 404, _json({"error": f"Unknown path. Available: {', '.join(PATHS)}."})
    return 200, _json(result)


def _run(simulator: Simulator, command: str, body: bytes) -> Any:
    if command == "GET settings":
        return simulator.settings.as_json()
    if command == "POST settings":
        simulator.apply(simulator.settings.with_changes(**_parse_object(body)))
        return simulator.settings.as_json()
    if command == "GET statistics":
        return simulator.statistics.as_json()
    if command == "GET pictures":
        return simulator.statistics.pictures()
    if command == "POST reset":
        simulator.reset(settings=bool(_parse_object(body or b"{}").get("settings")))
        return simulator.statistics.as_json()
    return None


def _parse_object(body: bytes) -> dict[str, Any]:
    result = json.loads(body)
    if not isinstance(result, dict):
        raise ValueError("The body must be a JSON object.")
    return result


def _json(result: Any) -> bytes:
    return json.dumps(result, indent=1).encode() + b"\n"
