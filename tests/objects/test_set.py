"""Sets: when their encoding changes, and their blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.digest import Digest
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import decr_ref_count
from pyredmem.objects.set import SetObject, new_integer_set, new_listpack_set, new_set

LIMITS = EncodingLimits()


def made(*members: bytes, expected: int = 1) -> SetObject:
    """A set of members, added one by one."""
    one = new_set(members[0], expected, Allocator(), LIMITS)
    for member in members:
        one.add(member, LIMITS)
    one.check()
    return one


def numbers(start: int, end: int) -> list[bytes]:
    return [b"%d" % number for number in range(start, end)]


def words(count: int) -> list[bytes]:
    return [b"m%06d" % number for number in range(count)]


def test_a_set_of_integers_is_an_intset_in_ascending_order() -> None:
    one = made(b"3", b"-1", b"2", b"3")
    assert one.encoding() == b"intset"
    assert one.members() == [b"-1", b"2", b"3"]


def test_an_intset_beyond_its_limit_becomes_a_hash_table() -> None:
    one = made(*numbers(0, 512))
    assert one.encoding() == b"intset"
    one.add(b"512", LIMITS)
    assert one.encoding() == b"hashtable"
    table = one.hash_table()
    assert table is not None
    assert table.buckets() == 1024


def test_a_word_turns_a_small_intset_into_a_listpack() -> None:
    one = made(b"1", b"100000", b"word")
    assert one.encoding() == b"listpack"
    assert one.members() == [b"1", b"100000", b"word"]


def test_a_word_turns_a_large_intset_into_a_hash_table() -> None:
    assert made(*numbers(0, 127), b"word").encoding() == b"listpack"
    assert made(*numbers(0, 128), b"word").encoding() == b"hashtable"


def test_a_long_word_turns_an_intset_into_a_hash_table() -> None:
    assert made(b"1", b"w" * 64).encoding() == b"listpack"
    assert made(b"1", b"w" * 65).encoding() == b"hashtable"


def test_integers_longer_than_the_limit_of_a_listpack_make_a_hash_table() -> None:
    limits = EncodingLimits()
    limits.set_value = 4
    one = new_set(b"-1000", 1, Allocator(), limits)
    one.add(b"-1000", limits)
    one.add(b"w", limits)
    assert one.encoding() == b"hashtable"


def test_a_listpack_keeps_the_order_in_which_members_were_added() -> None:
    one = made(b"b", b"a", b"7", b"c")
    one.remove(b"a")
    one.add(b"a", LIMITS)
    assert one.members() == [b"b", b"7", b"c", b"a"]


def test_one_member_too_many_turns_a_listpack_into_a_hash_table() -> None:
    one = made(*words(128))
    assert one.encoding() == b"listpack"
    one.add(b"one more", LIMITS)
    table = one.hash_table()
    assert table is not None
    assert table.buckets() == 256


def test_a_set_expecting_many_members_is_a_hash_table_at_once() -> None:
    assert made(b"1", expected=512).encoding() == b"intset"
    assert made(b"1", expected=513).encoding() == b"hashtable"
    assert made(b"w", expected=128).encoding() == b"listpack"
    assert made(b"w", expected=129).encoding() == b"hashtable"


def test_many_additions_make_a_hash_table_before_they_are_added() -> None:
    one = made(b"w")
    one.prepare(128, LIMITS)
    assert one.encoding() == b"listpack"
    one.prepare(129, LIMITS)
    assert one.encoding() == b"hashtable"
    assert one.members() == [b"w"]


def test_removing_members_never_changes_the_encoding() -> None:
    one = made(b"1", b"w")
    one.remove(b"w")
    assert one.encoding() == b"listpack"
    many = made(*words(129))
    for member in words(128):
        many.remove(member)
    assert many.encoding() == b"hashtable"


def test_tightening_makes_an_intset_of_integers() -> None:
    one = new_listpack_set(Allocator())
    for member in (b"5", b"-3", b"4"):
        one.add(member, LIMITS)
    one.tighten(LIMITS)
    assert one.encoding() == b"intset"
    assert one.members() == [b"-3", b"4", b"5"]


def test_a_copy_has_the_same_encoding_and_order() -> None:
    for one in (made(b"3", b"1"), made(b"b", b"a"), made(*words(200))):
        copy = one.duplicate(one.allocator)
        assert isinstance(copy, SetObject)
        copy.check()
        assert copy.encoding() == one.encoding()
        assert sorted(copy.members()) == sorted(one.members())
        assert not set(copy.addresses()) & set(one.addresses())


def test_the_digest_does_not_depend_on_order_or_encoding() -> None:
    digests = []
    for members in ((b"1", b"2"), (b"2", b"1"), (b"2", b"w", b"1")):
        one = made(*members)
        one.remove(b"w")
        digest = Digest()
        one.digest(digest)
        digests.append(digest.text())
    assert len(set(digests)) == 1


def test_freeing_leaves_nothing_in_the_ledger() -> None:
    for members in (numbers(0, 20), words(20), words(500)):
        allocator = Allocator()
        one = new_integer_set(allocator)
        for member in members:
            one.add(member, LIMITS)
        assert allocator.used_memory > 0
        decr_ref_count(one, allocator)
        assert allocator.used_memory == 0


def test_a_hashed_member_has_an_entry_only_if_it_follows_others_in_its_bucket() -> None:
    one = made(*words(1000))
    table = one.hash_table()
    assert table is not None
    chains = table.chain_lengths(False)
    if table.is_rehashing():
        for length, count in table.chain_lengths(True).items():
            chains[length] = chains.get(length, 0) + count
    filled = sum(count for length, count in chains.items() if length > 0)
    entries = sum(1 for address in list(table.entry_addresses)[: table.used] if address != 0)
    assert entries == 1000 - filled


MEMBERS = st.one_of(
    st.integers(-5, 5).map(lambda number: b"%d" % number),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: b"%d" % number),
    st.sampled_from([b"", b"a", b"b", b"x" * 64, b"y" * 65, b"01", b"-0"]),
)


@given(st.lists(st.tuples(st.integers(0, 3), MEMBERS), max_size=80), st.integers(0, 12), st.integers(0, 12))
def test_every_encoding_behaves_as_a_set(
    steps: list[tuple[int, bytes]], intset_entries: int, listpack_entries: int
) -> None:
    limits = EncodingLimits()
    limits.set_intset_entries = intset_entries
    limits.set_entries = listpack_entries
    allocator, rng = Allocator(), Random(1)
    one, model = new_integer_set(allocator), set[bytes]()
    for action, member in steps:
        if action <= 1:
            assert one.add(member, limits) == (member not in model)
            model.add(member)
        elif action == 2:
            assert one.remove(member) == (member in model)
            model.discard(member)
        elif model:
            assert one.draw(rng) in model
            model.remove(one.pop(rng))
        one.check()
        assert one.length() == len(model)
        assert one.contains(member) == (member in model)
        assert set(one.members()) == model
        assert len(one.members()) == len(model)
    decr_ref_count(one, allocator)
    assert allocator.used_memory == 0
