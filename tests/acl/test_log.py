from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyredmem.acl.log import AclLog
from pyredmem.memory.allocator import Allocator


class Logging:
    """A log, and a clock for it."""

    def __init__(self) -> None:
        self.allocator = Allocator("jemalloc")
        self.allocator.begin()
        self.empty = self.allocator.used_memory
        self.log = AclLog(self.allocator)
        self.now_ms = 1_000_000

    def deny(self, what: bytes, user: bytes = b"u", reason: bytes = b"key", context: bytes = b"toplevel") -> None:
        self.log.add(reason, context, what, user, b"info of " + what, self.now_ms, 128)

    def shown(self) -> list[tuple[int, bytes, int]]:
        return [(entry.entry_id, entry.what, entry.count) for entry in self.log.entries]


@pytest.fixture
def logging() -> Iterator[Logging]:
    made = Logging()
    yield made
    made.log.clear()
    assert made.allocator.used_memory == made.empty


def test_the_newest_entry_comes_first(logging: Logging) -> None:
    logging.deny(b"a")
    logging.deny(b"b")
    assert logging.shown() == [(1, b"b", 1), (0, b"a", 1)]


def test_the_same_denial_is_counted_and_becomes_the_newest(logging: Logging) -> None:
    logging.deny(b"a")
    logging.deny(b"b")
    logging.now_ms += 500
    logging.deny(b"a")
    assert logging.shown() == [(0, b"a", 2), (1, b"b", 1)]
    assert logging.log.entries[0].created_ms == 1_000_000
    assert logging.log.entries[0].updated_ms == 1_000_500


@pytest.mark.parametrize(("waited_ms", "entries"), [(60_000, 1), (60_001, 2)])
def test_a_denial_more_than_a_minute_later_is_a_new_entry(logging: Logging, waited_ms: int, entries: int) -> None:
    logging.deny(b"a")
    logging.now_ms += waited_ms
    logging.deny(b"a")
    assert len(logging.log.entries) == entries


def test_denials_that_differ_in_anything_are_different_entries(logging: Logging) -> None:
    logging.deny(b"a")
    logging.deny(b"a", user=b"v")
    logging.deny(b"a", reason=b"channel")
    logging.deny(b"a", context=b"multi")
    assert [count for _, _, count in logging.shown()] == [1, 1, 1, 1]


@pytest.mark.parametrize(("others", "grouped"), [(9, True), (10, False)])
def test_a_denial_is_compared_with_the_ten_newest_entries(logging: Logging, others: int, grouped: bool) -> None:
    logging.deny(b"a")
    for number in range(others):
        logging.deny(b"k%d" % number)
    logging.deny(b"a")
    assert (logging.shown()[0][2] == 2) is grouped


def test_the_oldest_entries_make_room(logging: Logging) -> None:
    for number in range(5):
        logging.log.add(b"key", b"toplevel", b"k%d" % number, b"u", b"", logging.now_ms, 3)
    assert [what for _, what, _ in logging.shown()] == [b"k4", b"k3", b"k2"]


def test_without_room_nothing_is_logged(logging: Logging) -> None:
    logging.deny(b"a")
    logging.log.add(b"key", b"toplevel", b"b", b"u", b"", logging.now_ms, 0)
    assert logging.shown() == []


def test_ids_are_not_used_again(logging: Logging) -> None:
    logging.deny(b"a")
    logging.log.clear()
    logging.deny(b"b")
    assert logging.shown() == [(1, b"b", 1)]


def test_an_entry_shows_the_client_that_was_denied_last(logging: Logging) -> None:
    logging.deny(b"a")
    logging.log.add(b"key", b"toplevel", b"a", b"u", b"another", logging.now_ms, 128)
    assert logging.log.entries[0].client_info == b"another"


def test_entries_are_in_the_ledger(logging: Logging) -> None:
    logging.deny(b"a")
    assert logging.allocator.used_memory > logging.empty
    assert len(logging.log.addresses()) == 5
