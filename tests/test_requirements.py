"""Requirements: every import is declared, pinned, explained and hashed."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"analysis", "bench", "imagelib", "manage", "tests"}
LINE = re.compile(r"(?P<name>[\w.-]+)(\[[\w,-]+\])?==(?P<version>[\w.]+)(; [\w\" =]+)?\s+# \S.*")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(file: str) -> dict[str, str]:
    """Name → version. A line of another form, without a version or a reason, fails."""
    versions = {}
    for line in (ROOT / file).read_text().splitlines():
        if line and not line.startswith(("#", "-r ")):
            match = LINE.fullmatch(line)
            assert match, line
            versions[normal(match["name"])] = match["version"]
    return versions


def compiled(file: str) -> dict[str, str]:
    lines = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {normal(name): version for name, version in lines}


def imported(*folders: str) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    yield from ((path, alias.name.partition(".")[0]) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield path, node.module.partition(".")[0]


def undeclared(*folders: str, names: set[str]) -> set[str]:
    distributions = packages_distributions()
    return {
        f"{path.relative_to(ROOT)} imports {module}"
        for path, module in imported(*folders)
        if module not in sys.stdlib_module_names | OURS
        and names.isdisjoint(normal(name) for name in distributions.get(module, []))
    }


def test_what_the_product_imports_is_declared() -> None:
    # The sample photographs of `make demo`, the only package of requirements-dev.in that the product uses.
    runtime = {*declared("requirements.in"), "scikit-image"}
    assert undeclared("analysis", "imagelib", names=runtime) == set()


def test_what_the_tests_and_the_bench_import_is_declared() -> None:
    names = {*declared("requirements.in"), *declared("requirements-dev.in")}
    assert undeclared("tests", "bench", names=names) == set()


@pytest.mark.parametrize("file", ["requirements", "requirements-dev"])
def test_the_compiled_file_is_of_its_source(file: str) -> None:
    versions = compiled(f"{file}.txt")
    for name, version in declared(f"{file}.in").items():
        assert versions.get(name) == version, "run `make requirements`"


def test_the_development_requirements_hold_the_others_at_the_same_versions() -> None:
    assert compiled("requirements.txt").items() <= compiled("requirements-dev.txt").items()


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_compiled_requirement_has_hashes_and_no_address(file: str) -> None:
    text = (ROOT / file).read_text()
    assert not re.search(r"://|^--|/simple|file:", text, re.MULTILINE)
    requirements = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert [entry.splitlines()[0] for entry in requirements if "--hash=sha256:" not in entry] == []
