"""Module names and first docstring lines follow the rules of CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("analysis", "imagelib", "bench", "tests")
FILES = sorted(
    path.relative_to(ROOT)
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
# Participles and metaphors that once named modules. A module is named by a noun an engineer would search for.
REFUSED_STEMS = frozenset(
    re.findall(
        r"\w+",
        """
        said wish met looks later veil shelf stretch sight meaning places written spoken reading amounts
        complaints carried curating offers chips walk marks facts names panel_words analyzing asked
        choosing counting shown sections people money found figures kept series span pulse finding keeping
        work candidate sniff pixels fingerprint folder pool metadata_of adoption arrivals consuming syncing
        connection_of repeated signing comparison_of sample sources references refusals asking waiting
        renewing engines payloads record reuse quotas received values rebuild reread recognizers aws_check
        local_answers place stock bare arrival inside outside laid_out laying_out unlimited breaking world
        verdict secret supervise broker theme schedule watch again pace forget dropped utils helpers misc
        common may turns exchange importer
        """,
    )
)
FIRST_WORDS = re.compile(r"^(What|Whether|Whose|Whoever|Who|How)\b")
LONGEST_LINE = 80
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def test_modules_are_named_by_searchable_nouns() -> None:
    # Commands are named by what people type.
    others = [path for path in FILES if path.parent.name != "commands"]
    assert [str(path) for path in others if path.stem.removeprefix("test_") in REFUSED_STEMS] == []


def test_no_package_has_a_singular_and_a_plural_of_one_name() -> None:
    pairs = [
        path
        for path in FILES
        if path.with_name(f"{path.stem}s.py") in FILES and not path.stem.startswith("_") and path.parts[0] != "tests"
    ]
    assert pairs == []


def test_first_docstring_lines_name_subject_and_job() -> None:
    assert [line for path in FILES for line in clauses(path)] == []


def clauses(path: Path) -> Iterator[str]:
    """First docstring lines that are too long or a clause, with their place."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        text = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
        line = text.splitlines()[0] if text else ""
        if FIRST_WORDS.match(line) or len(line) > LONGEST_LINE:
            yield f"{path}:{getattr(node, 'lineno', 1)}: {line}"
