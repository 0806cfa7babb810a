"""The Python that `make setup` chooses, with stand-ins for interpreters."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# As the script of a version manager whose Python of that name is not switched on.
SHIM = "#!/bin/sh\necho 'command not found' >&2\nexit 127\n"
# Tells its version, refuses to be 3.11 or later, or 3.15 or later, as told, and makes a virtual environment.
PYTHON = """#!/bin/sh
case "$1" in
  --version) echo "Python {version}" ;;
  -c) case "$2" in *"{limit}"*) exit {status} ;; *) exit 1 ;; esac ;;
  -m) mkdir .venv && echo "{version}" > .venv/python ;;
esac
"""


def a_python(version: str) -> str:
    minor = int(version.split(".")[1])
    return PYTHON.format(version=version, limit="(3, 15)" if minor < 15 else "(4,)", status=int(minor < 11))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs make where nothing but these programs is on the path."""
    path = tmp_path / "bin"
    path.mkdir()
    for tool in ("sh", "touch", "mkdir"):
        (path / tool).symlink_to(shutil.which(tool))
    shutil.copy(ROOT / "Makefile", tmp_path)

    def run(*arguments: str, **programs: str) -> subprocess.CompletedProcess[str]:
        for name, text in programs.items():
            (path / name).write_text(text)
            (path / name).chmod(0o755)
        return subprocess.run(
            [shutil.which("make"), "--silent", *arguments, ".venv/made"],
            check=False,
            cwd=tmp_path,
            env={"PATH": str(path), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=30,
        )

    return run


@pytest.mark.parametrize(
    ("programs", "taken"),
    [
        ({"python3": a_python("3.12.1")}, "3.12.1"),
        ({"python3": a_python("3.10.13"), "python3.12": SHIM, "python3.11": a_python("3.11.7")}, "3.11.7"),
        ({"python3": SHIM, "python3.14": SHIM, "python3.13": a_python("3.13.0")}, "3.13.0"),
        ({"python3": a_python("3.15.0"), "python3.13": a_python("3.13.0")}, "3.13.0"),
        ({"python3": a_python("3.15.0")}, "3.15.0"),
    ],
)
def test_takes_a_python_that_runs_and_is_recent_enough(make, programs: dict[str, str], taken: str) -> None:
    made = make(**programs)
    assert (made.returncode, made.stdout, made.stderr) == (0, f"Making .venv with Python {taken}.\n", "")


@pytest.mark.parametrize(
    ("programs", "version"), [({"python3": a_python("3.10.13")}, "Python 3.10.13"), ({"python3": SHIM}, "not there")]
)
def test_without_a_recent_python_it_says_so_in_one_sentence(make, programs: dict[str, str], version: str) -> None:
    made = make(**programs)
    sentence, *rest = made.stderr.splitlines()
    assert (made.returncode, made.stdout) == (2, "")
    assert sentence == (
        f"imagelib needs Python 3.11 or later with its venv module, but python3 is {version}:"
        " install one, or name one with make setup PYTHON=/path/to/python."
    )
    assert [line.split(":")[0] for line in rest] == ["make"]


def test_a_python_that_was_named_is_not_replaced(make) -> None:
    made = make("PYTHON=python3.10", **{"python3.10": a_python("3.10.13"), "python3": a_python("3.12.1")})
    assert made.returncode == 2
    assert made.stderr.startswith("imagelib needs Python 3.11 or later with its venv module, but python3.10 is Python")
