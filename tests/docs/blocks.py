"""Blocks of code on the pages, and the programs that blocks of shell call."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
BEFORE = re.compile(r"^([A-Z_]+=\S+ )*(\.venv/bin/)?")
PLACEHOLDERS = {
    "<this repository>": "https://example.org/imagelib.git",
    "git clone …": "git clone https://example.org/imagelib.git",
    "/mnt/backups/imagelib": "backups",
    "cd /srv/imagelib/app": "cd .",
    "your-secret.yaml": "kubernetes/secret.example.yaml",
    "::test_name": "",
    "…": "x",
}
"""What a reader replaces, and with what the tests do."""
# It counts the words, so that they may hold anything but NUL.
RECORDER = '#!/bin/bash\nprintf "%s\\0" "$#" "${0##*/}" "$@" >>"$CALLS"\n'
PROGRAMS = (
    *("apt-get", "aws", "docker", "git", "kubectl", "make", "runuser", "systemctl", "useradd"),
    ".venv/bin/python",
)


@dataclass(frozen=True)
class Block:
    """One block of a page; `number` counts those of the page from 1."""

    page: str
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}-{self.number}"


def blocks(*languages: str) -> list[Block]:
    """All, or those of these languages."""
    found = [
        Block(page.name, number, language, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE))
        for page in PAGES
        for number, (indent, language, text) in enumerate(FENCE.findall(page.read_text("utf-8")), 1)
    ]
    return [block for block in found if not languages or block.language in languages]


def is_request(block: Block) -> bool:
    """An example of the API, for curl."""
    return block.text.startswith("curl ")


def inline_commands(program: str) -> list[tuple[str, str]]:
    """Page and text of each command of this program in a sentence."""
    texts = [
        (page.name, BEFORE.sub("", " ".join(code.split())))
        for page in PAGES
        for code in INLINE.findall(FENCE.sub("", page.read_text("utf-8")))
    ]
    return [(page, text) for page, text in texts if text.startswith(f"{program} ")]


def calls(text: str, folder: Path) -> list[list[str]]:
    """The programs that bash runs for this text, with their arguments.

    Bash reads it all, from quotes to functions, but finds a recorder in place of each program.
    """
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    for name in PROGRAMS:
        path = folder / (name if "/" in name else f"bin/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RECORDER)
        path.chmod(0o700)
    (folder / "imagelib").mkdir(exist_ok=True)  # the clone
    record = folder / "calls"
    record.write_bytes(b"")
    environment = {"PATH": str(folder / "bin"), "HOME": str(folder), "CALLS": str(record), "LC_ALL": "C.UTF-8"}
    result = subprocess.run(
        ["/bin/bash", "-eu", "-c", text], cwd=folder, env=environment, capture_output=True, timeout=30, check=False
    )
    assert (result.returncode, result.stderr.decode()) == (0, ""), text
    words = record.read_bytes().decode().split("\0")[:-1]
    made = []
    while words:
        end = int(words[0]) + 2
        made.append(words[1:end])
        del words[:end]
    return made
