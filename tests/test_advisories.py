"""Comparison of versions with advisories, as `make check` does it."""

from __future__ import annotations

import json
import zipfile

import pytest

from tests import advisories
from tests.advisories import findings, is_affected, pinned


def affected(*events, versions=(), kind="ECOSYSTEM"):
    return {
        "package": {"ecosystem": "PyPI", "name": "Some.Package"},
        "ranges": [{"type": kind, "events": list(events)}],
        "versions": list(versions),
    }


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"introduced": "0"}], True),
        ([{"introduced": "0"}, {"fixed": "2.0"}], False),
        ([{"introduced": "0"}, {"fixed": "2.0.1"}], True),
        ([{"introduced": "0"}, {"fixed": "10.0"}], True),
        ([{"introduced": "0"}, {"last_affected": "2.0"}], True),
        ([{"introduced": "0"}, {"last_affected": "1.9"}], False),
        ([{"introduced": "2.1"}], False),
        ([{"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "2.0"}, {"fixed": "2.1"}], True),
        ([{"fixed": "1.5"}, {"introduced": "1.0"}], False),
        ([], False),
    ],
)
def test_ranges(events, expected) -> None:
    assert is_affected(affected(*events), "2.0") == expected
    assert not is_affected(affected(*events, kind="GIT"), "2.0")


def test_affected_versions_are_found() -> None:
    advisory = {"id": "PYSEC-1", "summary": "A flaw.", "affected": [affected(versions=["2.0"])]}
    pins = {"some-package": "2.0", "other": "2.0"}
    assert findings(advisory, pins) == ["some-package 2.0: PYSEC-1 A flaw."]
    assert findings(advisory, {"some-package": "2.1"}) == []
    assert findings(advisory | {"withdrawn": "2024-01-01T00:00:00Z"}, pins) == []
    other = {"id": "GHSA-1", "affected": [{"package": {"ecosystem": "npm", "name": "other"}, "versions": ["2.0"]}]}
    assert findings(other, pins) == []


def test_pins_are_read_with_extras_and_without_comments() -> None:
    text = "Some_Package[a,b]==2.0 \\\n    --hash=sha256:00\n# x==1\nother==1.0.post1\n    # via x==3\n"
    assert dict(pinned(text)) == {"some-package": "2.0", "other": "1.0.post1"}


def test_the_check_fails_for_a_finding_and_for_an_empty_list(tmp_path, monkeypatch, capsys) -> None:
    path = tmp_path / "all.zip"
    django = {"package": {"ecosystem": "PyPI", "name": "Django"}, "ranges": [], "versions": []}
    advisory = {"id": "GHSA-2", "modified": "2024-02-03T04:05:06Z", "affected": [django]}
    write(path, advisory)
    assert advisories.main([str(path)]) == 0
    assert "with 1 advisories until 2024-02-03.\nThis list is older than 30 days.\n" in capsys.readouterr().out
    django["ranges"] = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
    write(path, advisory)
    assert advisories.main([str(path)]) == 1
    assert capsys.readouterr().out.startswith("django ")
    monkeypatch.setitem(advisories.ACCEPTED, "GHSA-2", "a reason")
    assert advisories.main([str(path)]) == 0
    write(path)
    assert advisories.main([str(path)]) == 1


def test_without_a_list_it_says_so(capsys) -> None:
    assert advisories.main([]) == 0
    assert capsys.readouterr().out == f"{advisories.NOTHING}\n"


def write(path, *documents) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for document in documents:
            archive.writestr(f"{document['id']}.json", json.dumps(document))
