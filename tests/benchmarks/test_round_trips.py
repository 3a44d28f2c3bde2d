"""The figures that are computed from round trips, and the set that is freed while they are measured."""

from __future__ import annotations

from array import array

import hiredis
from lazyfree_latency import COMMANDS_PER_WRITE, MEMBERS_PER_COMMAND, payload
from round_trips import RoundTrips, quantile


def noted() -> RoundTrips:
    return RoundTrips(array("q", [0, 100, 200, 300]), array("q", [10, 40, 30, 20]))


def test_round_trips_between_two_moments_are_sorted_by_length() -> None:
    assert noted().within(0, 1000) == [10, 20, 30, 40]


def test_a_round_trip_that_ends_between_the_moments_counts() -> None:
    assert noted().within(140, 250) == [30, 40]


def test_a_round_trip_that_ended_before_does_not_count() -> None:
    assert noted().within(141, 299) == [30]


def test_the_quantile_of_all_is_the_longest() -> None:
    assert quantile([1, 2, 3], 1) == 3


def test_the_quantile_of_half_is_the_middle_one() -> None:
    assert quantile(list(range(101)), 0.5) == 50


def test_the_set_has_the_requested_number_of_members() -> None:
    members = MEMBERS_PER_COMMAND * COMMANDS_PER_WRITE * 2 + 7
    reader = hiredis.Reader()
    found: set[object] = set()
    for data in payload(members):
        reader.feed(data)
        while (command := reader.gets()) is not False:
            assert isinstance(command, list)
            found.update(command[2:])
    assert len(found) == members
