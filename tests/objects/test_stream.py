"""Streams as values: compared with a model, and their blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.stream import Stream, StreamObject, new_stream
from pyredmem.objects.stream_id import MAX_ID, make_id

BOUND = st.integers(0, 40).map(lambda milliseconds: make_id(milliseconds, 0))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from([b"f", b"g"])),
        st.tuples(st.just("delete"), BOUND),
        st.tuples(st.just("trim"), st.integers(0, 12)),
        st.tuples(st.just("below"), BOUND),
    ),
    max_size=60,
)


def limits(entries: int = 3) -> EncodingLimits:
    found = EncodingLimits()
    found.stream_node_entries = entries
    return found


def stream_of(count: int, entries: int = 3) -> StreamObject:
    made = new_stream(Allocator())
    for number in range(1, count + 1):
        made.stream.add(make_id(number, 0), [b"f", b"%d" % number], limits(entries))
    return made


def live_bytes(stream: Stream) -> int:
    allocator = stream.allocator
    return sum(allocator.usable(address) for address in stream.addresses())


@given(STEPS)
def test_a_stream_has_the_same_entries_as_a_dict(steps: list[tuple[str, object]]) -> None:
    stream = new_stream(Allocator()).stream
    model: dict[int, bytes] = {}
    for number, (what, argument) in enumerate(steps, 1):
        if isinstance(argument, bytes):
            stream.add(make_id(number, 0), [argument, b"v"], limits())
            model[make_id(number, 0)] = argument
        elif what == "delete":
            assert isinstance(argument, int)
            assert stream.delete(argument) == (model.pop(argument, None) is not None)
            stream.update_first_id()
        elif what == "trim":
            assert isinstance(argument, int)
            gone = max(len(model) - argument, 0)
            assert stream.trim_to_length(argument, False, 0) == gone
            for entry_id in list(model)[:gone]:
                del model[entry_id]
        else:
            assert isinstance(argument, int)
            below = [entry_id for entry_id in model if entry_id < argument]
            assert stream.trim_below(argument, False, 0) == len(below)
            for entry_id in below:
                del model[entry_id]
        stream.check()
        assert stream.first_id == min(model, default=0)
    found = stream.range(0, MAX_ID)
    assert dict(zip(found.ids, [entry[0] for entry in found.entries], strict=True)) == model
    assert stream.range_back(0, MAX_ID).ids == found.ids[::-1]


@given(STEPS, BOUND, BOUND, st.integers(-1, 5))
def test_a_range_is_a_slice_of_all_entries(steps: list[tuple[str, object]], low: int, high: int, count: int) -> None:
    stream = stream_of(30).stream
    for what, argument in steps:
        if what == "delete" and isinstance(argument, int):
            stream.delete(argument)
    every = [entry_id for entry_id in stream.range(0, MAX_ID).ids if low <= entry_id <= high]
    most = len(every) if count < 0 else count
    assert stream.range(low, high, count).ids == every[:most]
    assert stream.range_back(low, high, count).ids == every[::-1][:most]


def test_freeing_leaves_nothing_in_the_ledger() -> None:
    made = stream_of(50)
    made.stream.add_group(b"g", 0, -1)
    group = made.stream.group(b"g")
    assert group is not None
    consumer = group.add_consumer(b"c", 0)
    for number in range(20):
        group.deliver(b"%016d" % number, consumer, 0)
    allocator = made.stream.allocator
    assert allocator.used_memory == live_bytes(made.stream) + allocator.usable(int(made.address))
    made.free(allocator)
    assert allocator.used_memory == 0


def test_a_copy_is_equal_and_trimmed_to_fit() -> None:
    made = stream_of(5)
    made.stream.add_group(b"g", make_id(2, 0), 2)
    group = made.stream.group(b"g")
    assert group is not None
    group.deliver(bytes(16), group.add_consumer(b"c", 5), 7)
    copy = made.duplicate(made.stream.allocator)
    assert isinstance(copy, StreamObject)
    copy.stream.check()
    twin = copy.stream.group(b"g")
    assert twin is not None
    assert (twin.last_id, twin.entries_read, twin.pending.used) == (make_id(2, 0), 2, 1)
    assert copy.stream.range(0, MAX_ID).ids == made.stream.range(0, MAX_ID).ids
    for node in copy.stream.tree.values():
        assert node.listpack.usable() == made.stream.allocator.good_size(node.listpack.size)


def test_the_effort_of_freeing_is_nodes_and_pending_entries() -> None:
    made = stream_of(10, entries=1)
    nodes = made.stream.tree.nodes
    assert made.free_effort() == nodes
    made.stream.add_group(b"g", 0, -1)
    made.stream.add_group(b"h", 0, -1)
    group = made.stream.group(b"g")
    assert group is not None
    group.deliver(bytes(16), group.add_consumer(b"c", 0), 0)
    assert made.free_effort() == nodes + 2 * (1 + 1)


def test_a_node_is_closed_and_trimmed_when_the_next_one_begins() -> None:
    stream = stream_of(4).stream
    first, second = stream.tree.values()
    assert first.listpack.usable() == stream.allocator.good_size(first.listpack.size)
    assert second.listpack.usable() == 4096


def test_field_names_are_in_memory_once_per_node() -> None:
    stream = new_stream(Allocator()).stream
    for number in range(1, 4):
        stream.add(make_id(number, 0), [bytes(bytearray(b"field")), b"%d" % number], limits())
    names = [entry[0] for entry in stream.range(0, MAX_ID).entries]
    assert names[0] is names[1] is names[2]
