"""Receivers for the tests of deliveries."""

from __future__ import annotations

import pytest

from tests.delivery.receiver import Receiver


@pytest.fixture
def receiver(settings):
    """An HTTP server that records requests; private addresses are allowed for it."""
    settings.DELIVERY_PRIVATE_ADDRESSES = True
    with Receiver() as server:
        yield server
