"""A library with real processes, the same one for all tests of a pytest process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import migrated_database

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.chaos)


@pytest.fixture(scope="session")
def chaos_var(tmp_path_factory):
    from imagelib import embedded

    var = tmp_path_factory.mktemp("chaos") / "var"
    var.mkdir()
    yield var
    embedded.remove(var)


@pytest.fixture(scope="session")
def schema() -> Path | None:
    """A dump of the migrated database, if other tests have made one.

    Loading it takes a tenth of the time of all migrations.
    """
    dump = migrated_database.path()
    return dump if dump.exists() else None


@pytest.fixture
def chaos(chaos_var, schema):
    from bench.chaos.environment import environment

    with environment(chaos_var, schema=schema) as chaos:
        yield chaos
