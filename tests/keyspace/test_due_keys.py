"""The index of keys in the order in which the next fields of their hashes expire."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyredmem.keyspace.due_keys import DueKeys


def test_keys_are_taken_in_the_order_of_their_times() -> None:
    due = DueKeys()
    due.add(b"late", 30)
    due.add(b"early", 10)
    assert due.take(10) is None
    assert due.take(11) == b"early"
    assert due.take(11) is None
    assert due.take(31) == b"late"
    assert due.count == 0


def test_only_an_earlier_time_replaces_a_time() -> None:
    due = DueKeys()
    due.add(b"k", 20)
    due.add(b"k", 30)
    assert due.take(21) == b"k"
    due.add(b"k", 20)
    due.add(b"k", 10)
    assert due.take(11) == b"k"
    assert due.take(100) is None


def test_a_dropped_key_is_not_taken() -> None:
    due = DueKeys()
    due.add(b"k", 10)
    due.forget(b"k")
    assert due.take(100) is None


def test_the_time_of_a_key_can_be_copied_to_another_index() -> None:
    due, other = DueKeys(), DueKeys()
    due.add(b"k", 10)
    due.move(b"k", other, b"new")
    due.move(b"none", other, b"none")
    assert other.take(11) == b"new"
    assert other.take(11) is None


def test_keys_that_are_added_and_dropped_do_not_make_the_heap_grow() -> None:
    due = DueKeys()
    for time in range(10000):
        due.add(b"k", 1000000 + time)
        due.forget(b"k")
    assert len(due._heap) < 100


@given(st.lists(st.tuples(st.sampled_from(["add", "forget", "take"]), st.sampled_from("abc"), st.integers(1, 50))))
def test_it_agrees_with_a_dictionary_ordered_by_time(steps: list[tuple[str, str, int]]) -> None:
    due = DueKeys()
    model: dict[bytes, int] = {}
    for action, name, time in steps:
        key = name.encode()
        if action == "add":
            due.add(key, time)
            model[key] = min(time, model.get(key, time))
        elif action == "forget":
            due.forget(key)
            model.pop(key, None)
        else:
            taken = due.take(time)
            passed = {name: when for name, when in model.items() if when < time}
            assert (taken is None) == (not passed)
            if taken is not None:
                assert passed[taken] == min(passed.values())
                del model[taken]
        assert due.count == len(model)
        assert due.when == model


def test_there_may_be_expired_fields_when_the_first_time_has_passed() -> None:
    due = DueKeys()
    assert not due.is_due(100)
    due.add(b"k", 10)
    assert not due.is_due(10)
    assert due.is_due(11)
