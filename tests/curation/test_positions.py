"""Positions: any two have room between them, and bytes compare in their order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.curation.positions import FIRST, MAX_LENGTH, positions_between


@pytest.mark.parametrize(
    ("low", "high", "number", "expected"),
    [
        (None, None, 2, ["5000000000", "5000000001"]),
        ("5000000001", None, 2, ["5000000002", "5000000003"]),
        ("5000000001zz", None, 1, ["5000000002"]),
        (None, "5000000000", 2, ["4999999998", "4999999999"]),
        (None, "5000000000V", 1, ["4999999999"]),
        ("5000000000", "5000000004", 1, ["5000000002"]),
        ("5000000000", "5000000001", 1, ["5000000000V"]),
        ("5000000000", "5000000001", 3, ["5000000000F", "5000000000V", "5000000000k"]),
        ("5000000000V", "5000000001", 1, ["5000000000k"]),
        ("5000000000", "5000000000V", 1, ["5000000000F"]),
        ("5000000000", "50000000001", 1, ["50000000000V"]),
        ("50000000001", "50000000002", 1, ["50000000001V"]),
        ("5000000000z", "5000000001", 1, ["5000000000zV"]),
        ("5000000000", "5000000001", 0, []),
    ],
)
def test_positions_are_between_their_neighbors(low, high, number, expected):
    assert positions_between(low, high, number) == expected


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 5)), max_size=60))
def test_any_order_of_insertions_stays_in_order(insertions):
    positions = []
    for random_index, number in insertions:
        index = random_index % (len(positions) + 1)
        low = positions[index - 1] if index else None
        high = positions[index] if index < len(positions) else None
        positions[index:index] = positions_between(low, high, number)
    assert positions == sorted(set(positions))
    assert not [position for position in positions if len(position) > 10 and position.endswith("0")]


def test_ten_thousand_appended_or_inserted_positions_stay_short():
    appended = positions_between(None, None, 10_000)
    inserted = positions_between("5000000000", "5000000001", 10_000)
    assert (len(appended[-1]), max(map(len, inserted))) == (10, 13)
    assert (sorted(appended), sorted(inserted)) == (appended, inserted)


def test_insertions_at_one_place_reach_the_longest_position_after_hundreds():
    low, high = str(FIRST), str(FIRST + 1)
    steps = 0
    while len(high) <= MAX_LENGTH:
        [high] = positions_between(low, high, 1)
        steps += 1
    assert steps > 400


def test_random_insertions_stay_short():
    chance, positions = random.Random(1), positions_between(None, None, 2)
    for _ in range(3_000):
        index = chance.randrange(1, len(positions))
        positions[index:index] = positions_between(positions[index - 1], positions[index], 1)
    assert max(map(len, positions)) < 20
