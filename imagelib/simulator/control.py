"""The simulator's own paths, beside Rekognition's one: settings, statistics, reset."""

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


def answered(simulator: Simulator, *, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """HTTP status and JSON: 200, 400 with a sentence or 404 with what there is."""
    try:
        said = _said(simulator, f"{method} {path.removeprefix(PATH)}", body)
    except (ValueError, TypeError) as error:
        return 400, _json({"error": str(error)})
    if said is None:
        return 404, _json({"error": f"There is {', '.join(PATHS)}."})
    return 200, _json(said)


def _said(simulator: Simulator, asked: str, body: bytes) -> Any:
    if asked == "GET settings":
        return simulator.settings.as_json()
    if asked == "POST settings":
        simulator.use(simulator.settings.changed(**_object(body)))
        return simulator.settings.as_json()
    if asked == "GET statistics":
        return simulator.statistics.as_json()
    if asked == "GET pictures":
        return simulator.statistics.pictures()
    if asked == "POST reset":
        simulator.reset(settings=bool(_object(body or b"{}").get("settings")))
        return simulator.statistics.as_json()
    return None


def _object(body: bytes) -> dict[str, Any]:
    said = json.loads(body)
    if not isinstance(said, dict):
        raise ValueError("What is posted is a JSON object.")
    return said


def _json(said: Any) -> bytes:
    return json.dumps(said, indent=1).encode() + b"\n"
