"""Compare the pinned versions with a list of advisories, without a network.

`python -m tests.advisories FILE.zip`: the file has one JSON document in the OSV format for each advisory, as osv.dev
publishes them for PyPI. No package has a list that is kept up to date, so without a file nothing is compared, and
a message says so; `.github/workflows/advisories.yml` fetches one each week.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements-dev.txt")
OLD = timedelta(days=30)
NOTHING = (
    "No list of advisories: nothing was compared. Save one as var/advisories.zip (docs/operations.md, Advisories)."
)

ACCEPTED: dict[str, str] = {}
"""Id of an advisory → why it does not concern imagelib."""


def main(arguments: list[str]) -> int:
    if not arguments:
        print(NOTHING)
        return 0
    pins = {name: version for file in FILES for name, version in pinned((ROOT / file).read_text())}
    newest, compared, messages = "", 0, []
    for advisory in read(Path(arguments[0])):
        newest, compared = max(newest, str(advisory.get("modified", ""))), compared + 1
        messages += findings(advisory, pins)
    print("\n".join(sorted(messages)))
    print(f"{len(pins)} versions compared with {compared:,} advisories until {newest[:10] or 'no date'}.")
    if not newest or datetime.fromisoformat(newest) < datetime.now(UTC) - OLD:
        print("This list is older than 30 days.")
    return 1 if messages or not compared else 0


def read(path: Path) -> Iterator[Mapping[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def pinned(text: str) -> Iterator[tuple[str, str]]:
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!-]+)", text, re.MULTILINE):
        yield normal(name), version


def findings(advisory: Mapping[str, Any], pins: Mapping[str, str]) -> list[str]:
    """A line for each pinned version that the advisory names.

    None once it was withdrawn.
    """
    if advisory.get("withdrawn") or advisory["id"] in ACCEPTED:
        return []
    concerned = {
        normal(affected["package"]["name"])
        for affected in advisory.get("affected", [])
        if affected.get("package", {}).get("ecosystem") == "PyPI"
        and (version := pins.get(normal(affected["package"]["name"])))
        and is_affected(affected, version)
    }
    return [f"{name} {pins[name]}: {advisory['id']} {advisory.get('summary', '')}".rstrip() for name in concerned]


def is_affected(affected: Mapping[str, Any], version: str) -> bool:
    """True if the version is listed or within a range."""
    if version in affected.get("versions", []):
        return True
    ranges = (entry for entry in affected.get("ranges", []) if entry.get("type") == "ECOSYSTEM")
    return any(_is_within(entry.get("events", []), Version(version)) for entry in ranges)


def _is_within(events: list[Mapping[str, str]], version: Version) -> bool:
    inside = False
    for _, kind, limit in sorted((_version(value), kind, value) for event in events for kind, value in event.items()):
        bound = _version(limit)
        if kind == "introduced" and version >= bound:
            inside = True
        elif (kind == "fixed" and version >= bound) or (kind == "last_affected" and version > bound):
            inside = False
    return inside


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
