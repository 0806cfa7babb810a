"""Parser of a Dockerfile's instructions, and of .dockerignore."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True)
class Instruction:
    name: str
    arguments: str

    @property
    def words(self) -> list[str]:
        """The arguments of a shell-like instruction, or of its JSON form."""
        return json.loads(self.arguments) if self.arguments.startswith("[") else shlex.split(self.arguments)


@dataclass
class Stage:
    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)


def parse(text: str) -> list[Stage]:
    """The stages; arguments before the first FROM have their defaults."""
    stages: list[Stage] = []
    defaults: dict[str, str] = {}
    for instruction in _instructions(text):
        if instruction.name == "FROM":
            base, _as, name = instruction.arguments.partition(" AS ")
            stages.append(Stage(name, expand(base, defaults)))
        elif not stages:
            defaults |= assignments(instruction)
        else:
            stages[-1].instructions.append(instruction)
    return stages


def assignments(instruction: Instruction) -> dict[str, str]:
    """Names and values of ENV, ARG and LABEL."""
    pairs = (word.partition("=") for word in instruction.words)
    return {name: value for name, _equals, value in pairs}


def expand(text: str, values: dict[str, str]) -> str:
    """Replace $NAME and ${NAME}, as Docker does outside of RUN."""
    return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], ""), text)


def context_files(folder: Path) -> list[str]:
    """Paths of the build context.

    The last pattern of .dockerignore that matches decides.
    """
    lines = (folder / ".dockerignore").read_text().splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    paths = (path.relative_to(folder).as_posix() for path in _walk(folder, patterns) if path.is_file())
    return sorted(path for path in paths if not is_ignored(path, patterns))


def is_ignored(path: str, patterns: list[str]) -> bool:
    ignored = False
    for pattern in patterns:
        if _matches(path, pattern.removeprefix("!")):
            ignored = not pattern.startswith("!")
    return ignored


def _walk(folder: Path, patterns: list[str]) -> Iterator[Path]:
    for path in folder.iterdir():
        # Not entered: our patterns with ! name whole folders, so none includes a file below an ignored one.
        if not is_ignored(path.relative_to(folder).as_posix(), patterns):
            yield from path.rglob("*") if path.is_dir() else [path]


def _matches(path: str, pattern: str) -> bool:
    """True if the pattern is the path, or one of the folders it is in."""
    parts = PurePosixPath(path).parts
    if pattern.startswith("**/"):
        return any(fnmatchcase(part, pattern[3:]) for part in parts)
    return fnmatchcase(parts[0], pattern)


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        name, _space, arguments = line.strip().partition(" ")
        if name:
            yield Instruction(name.upper(), arguments.strip())
