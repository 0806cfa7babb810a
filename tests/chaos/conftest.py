"""Real processes on a library of their own, the same for all tests of one pytest process."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.chaos)


@pytest.fixture(scope="session")
def place_of_chaos(tmp_path_factory):
    from imagelib import embedded

    var = tmp_path_factory.mktemp("chaos") / "var"
    var.mkdir()
    yield var
    embedded.remove(var)


@pytest.fixture
def world(place_of_chaos):
    from bench.chaos.environment import environment

    with environment(place_of_chaos) as made:
        yield made
