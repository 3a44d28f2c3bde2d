"""The content of a serialized value, read and checked but not built yet: it has no blocks in the ledger.

Reading can fail at any byte, building cannot. So a payload is first read into an :class:`Image`: plain Python data that
is known to be valid (no element twice, nothing empty, all numbers in range). Then the image is built in the encoding
that Redis 7.2 chooses when it loads the same bytes (rdb.c): usually the serialized one, unless a limit forbids it now.

What a value contains can be told without building it, and without knowing in which form it was serialized. There is a
class for each type (:class:`ListImage` ...), with a class below it for each of the forms.
"""

from __future__ import annotations

from itertools import chain
from typing import Final

from mypy_extensions import i64

from pyredmem.base.numbers import integer_text, parse_integer
from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.hash import HashObject, new_hash, packed_hash
from pyredmem.objects.hash_table import FieldTable
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.list import ListObject, build_list
from pyredmem.objects.list_encodings import ListpackList, QuicklistList, fits_listpack
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set import SetObject
from pyredmem.objects.set_encodings import INTSET_MOST, IntegerMembers, ListpackMembers
from pyredmem.objects.set_table import new_hashed_members
from pyredmem.objects.sorted_set import Item, SortedSetObject, build_sorted_set
from pyredmem.objects.sorted_set_encodings import SortedSetListpack
from pyredmem.objects.sorted_set_skiplist import SortedSetSkiplist
from pyredmem.objects.string_factory import StringFactory
from pyredmem.structures.intset import IntSet
from pyredmem.structures.list_node import ListNode
from pyredmem.structures.listpack import Listpack, entry_sizes
from pyredmem.structures.quicklist import Quicklist

_LISTPACK_HEADER: Final = 7


class Builder:
    """The parts of an engine that values are built with."""

    def __init__(self, strings: StringFactory, limits: EncodingLimits, rng: Random) -> None:
        self.strings = strings
        self.allocator: Allocator = strings.allocator
        self.limits = limits
        self.rng = rng


class Image:
    """A value that has been read and can be built."""

    def build(self, builder: Builder) -> RedisObject:
        """The value, with its blocks in the ledger.

        It may have the image's own lists and dicts, so it must not be changed while the image is needed.
        """
        raise NotImplementedError

    def strings(self) -> list[bytes]:
        """The strings in it, in the order of the serialized form; of a hash field, value, field, value ..."""
        raise NotImplementedError

    def has_times(self) -> bool:
        """Whether fields of a hash have expire times."""
        return False


class StringImage(Image):
    """A string."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def strings(self) -> list[bytes]:
        return [self.data]

    def build(self, builder: Builder) -> RedisObject:
        return builder.strings.create_restored(self.data)


class IntegerImage(Image):
    """A string that the serialized form has as an integer."""

    def __init__(self, number: i64) -> None:
        self.number: i64 = number

    def strings(self) -> list[bytes]:
        return [integer_text(self.number)]

    def build(self, builder: Builder) -> RedisObject:
        return builder.strings.create_integer(self.number)


# Lists.


class ListImage(Image):
    """A list."""


class ElementsImage(ListImage):
    """A list as its elements."""

    def __init__(self, elements: list[bytes]) -> None:
        self.elements = elements

    def strings(self) -> list[bytes]:
        return self.elements

    def build(self, builder: Builder) -> RedisObject:
        """The list that pushing the elements makes."""
        return build_list(self.elements, builder.allocator, builder.limits)


class NodeImage:
    """A node of a list."""

    def is_empty(self) -> bool:
        """Whether it has no elements."""
        return False

    def strings(self) -> list[bytes]:
        """Its elements."""
        raise NotImplementedError

    def build(self, allocator: Allocator) -> ListNode:
        """The node, which is not linked yet."""
        raise NotImplementedError


class PackedNodeImage(NodeImage):
    """A node that is a listpack: its elements, and the bytes of their entries."""

    def __init__(self, elements: list[bytes], size: i64) -> None:
        self.elements = elements
        self.size: i64 = size

    def is_empty(self) -> bool:
        return not self.elements

    def strings(self) -> list[bytes]:
        return self.elements

    def build(self, allocator: Allocator) -> ListNode:
        size: i64 = _LISTPACK_HEADER + self.size
        node = ListNode(allocator, size)
        node.items = self.elements
        node.size = size
        return node


class PlainNodeImage(NodeImage):
    """A node that is one element, without a listpack."""

    def __init__(self, element: bytes) -> None:
        self.element = element

    def strings(self) -> list[bytes]:
        return [self.element]

    def build(self, allocator: Allocator) -> ListNode:
        node = ListNode(allocator, len(self.element))
        node.become_plain(self.element)
        return node


class NodesImage(ListImage):
    """A list as its nodes."""

    def __init__(self, nodes: list[NodeImage]) -> None:
        self.nodes = nodes

    def strings(self) -> list[bytes]:
        if len(self.nodes) == 1:
            return self.nodes[0].strings()
        return list(chain.from_iterable([node.strings() for node in self.nodes]))

    def build(self, builder: Builder) -> RedisObject:
        """The same nodes, whatever the limits are. A single node becomes a listpack if it is small enough."""
        allocator, limits = builder.allocator, builder.limits
        nodes = [image.build(allocator) for image in self.nodes]
        if len(nodes) == 1 and fits_listpack(nodes[0], limits, False):
            return ListObject(allocator, ListpackList(nodes[0]))
        quicklist = Quicklist(allocator, limits.list_size, limits.list_compress_depth)
        for node in nodes:
            quicklist.append_node(node)
        return ListObject(allocator, QuicklistList(quicklist))


# Sets.


class SetImage(Image):
    """A set."""


class MembersImage(SetImage):
    """A set as its members."""

    def __init__(self, members: list[bytes]) -> None:
        self.members = members

    def strings(self) -> list[bytes]:
        return self.members

    def build(self, builder: Builder) -> RedisObject:
        """The encoding of an intset to which these members were added, or a hash table if there are too many."""
        members, allocator, limits = self.members, builder.allocator, builder.limits
        if len(members) > min(limits.set_intset_entries, INTSET_MOST):
            return _hashed_set(members, allocator)
        numbers: list[int] = []
        for member in members:
            number = parse_integer(member)
            if number is None:
                break
            numbers.append(number)
        if len(numbers) == len(members):
            return SetObject(allocator, IntegerMembers(_intset(numbers, allocator)))
        if len(members) > limits.set_entries or _longest(members) > limits.set_value:
            return _hashed_set(members, allocator)
        return _listpack_set(members, _estimate(numbers), allocator)


class IntsetImage(SetImage):
    """A set as the block of an intset: ascending numbers of ``width`` bytes each."""

    def __init__(self, numbers: list[int], width: int) -> None:
        self.numbers = numbers
        self.width = width

    def strings(self) -> list[bytes]:
        return [integer_text(number) for number in self.numbers]

    def build(self, builder: Builder) -> RedisObject:
        """An intset with the same width, or a hash table if there are too many numbers."""
        if len(self.numbers) > builder.limits.set_intset_entries:
            return _hashed_set(self.strings(), builder.allocator)
        content = IntSet(builder.allocator)
        content.fill(self.numbers, self.width)
        return SetObject(builder.allocator, IntegerMembers(content))


class ListpackSetImage(SetImage):
    """A set as the elements of a listpack, whose entries have ``size`` bytes."""

    def __init__(self, members: dict[bytes, None], size: i64) -> None:
        self.members = members
        self.size: i64 = size

    def strings(self) -> list[bytes]:
        return list(self.members)

    def build(self, builder: Builder) -> RedisObject:
        """A listpack, or a hash table if there are too many members."""
        if len(self.members) > builder.limits.set_entries:
            return _hashed_set(self.strings(), builder.allocator)
        block = Listpack(builder.allocator, _LISTPACK_HEADER + self.size)
        block.size = _LISTPACK_HEADER + self.size
        content = ListpackMembers(block)
        content.items = self.members
        return SetObject(builder.allocator, content)


def _longest(members: list[bytes]) -> i64:
    """The bytes of the longest member."""
    longest: i64 = 0
    for member in members:
        length: i64 = len(member)
        if length > longest:
            longest = length
    return longest


def _hashed_set(members: list[bytes], allocator: Allocator) -> SetObject:
    content = new_hashed_members(allocator, len(members))
    for member in members:
        content.keys.insert(member, 0)
    return SetObject(allocator, content)


def _listpack_set(members: list[bytes], capacity: i64, allocator: Allocator) -> SetObject:
    content = ListpackMembers(Listpack(allocator, capacity))
    for member in members:
        content.append(member)
    return SetObject(allocator, content)


def _intset(numbers: list[int], allocator: Allocator) -> IntSet:
    content = IntSet(allocator)
    for number in numbers:
        content.add(number)
    return content


def _estimate(numbers: list[int]) -> i64:
    """The bytes allocated for a listpack that an intset of these numbers is converted to."""
    if not numbers:
        return 0
    widest = max(entry_sizes([b"%d" % min(numbers)]), entry_sizes([b"%d" % max(numbers)]))
    return _LISTPACK_HEADER + widest * len(numbers)


# Sorted sets.


class SortedSetImage(Image):
    """A sorted set."""

    def scores_of_strings(self) -> list[float]:
        """The score of each of the strings."""
        raise NotImplementedError


class ScoresImage(SortedSetImage):
    """A sorted set as members and scores, in any order."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items

    def strings(self) -> list[bytes]:
        return [member for member, _ in self.items]

    def scores_of_strings(self) -> list[float]:
        return [score for _, score in self.items]

    def build(self, builder: Builder) -> RedisObject:
        """A listpack if the items are within all limits."""
        return build_sorted_set(self.items, builder.allocator, builder.limits, builder.rng, presized=True)


class ListpackScoresImage(SortedSetImage):
    """A sorted set as the members and scores of a listpack, whose entries have ``size`` bytes."""

    def __init__(self, scores: dict[bytes, float], size: i64) -> None:
        self.scores = scores
        self.size: i64 = size

    def strings(self) -> list[bytes]:
        return list(self.scores)

    def scores_of_strings(self) -> list[float]:
        return list(self.scores.values())

    def build(self, builder: Builder) -> RedisObject:
        """A listpack, or a skiplist if there are too many members."""
        allocator = builder.allocator
        if len(self.scores) <= builder.limits.zset_entries:
            listpack = SortedSetListpack(allocator, None, _LISTPACK_HEADER + self.size)
            listpack.fill(self.scores)
            return SortedSetObject(allocator, listpack)
        skiplist = SortedSetSkiplist(allocator, len(self.scores))
        for member, score in self.scores.items():
            skiplist.insert(member, score, builder.rng)
        return SortedSetObject(allocator, skiplist)


# Hashes.


class HashImage(Image):
    """A hash."""

    def field_times(self) -> dict[bytes, int]:
        """The expire times of the fields that have one (unix milliseconds)."""
        return {}


class FieldsImage(HashImage):
    """A hash as field, value, field, value ..., with the expire times of some fields (unix milliseconds)."""

    def __init__(self, pairs: list[bytes], times: dict[bytes, int]) -> None:
        self.pairs = pairs
        self.times = times

    def strings(self) -> list[bytes]:
        return self.pairs

    def field_times(self) -> dict[bytes, int]:
        return self.times

    def has_times(self) -> bool:
        return bool(self.times)

    def build(self, builder: Builder) -> RedisObject:
        """A hash table if there are too many, else a listpack, which is converted at the first one that is too long."""
        value = new_hash(builder.allocator)
        if len(self.pairs) >> 1 > builder.limits.hash_entries:
            self._fill_table(value)
        else:
            self._fill(value, builder.limits)
        for field, when_ms in self.times.items():
            value.expire_at(field, when_ms)
        return value

    def _fill_table(self, value: HashObject) -> None:
        pairs = self.pairs
        value.convert(len(pairs) >> 1)
        table = value.hash_table()
        assert isinstance(table, FieldTable)
        at: i64 = 0
        while at < len(pairs):
            table.add(pairs[at], pairs[at + 1])
            at += 2

    def _fill(self, value: HashObject, limits: EncodingLimits) -> None:
        pairs = self.pairs
        at: i64 = 0
        while at < len(pairs):
            was_packed = value.packed
            value.put(pairs[at], pairs[at + 1], limits)
            at += 2
            if value.packed != was_packed:
                table = value.hash_table()
                assert table is not None
                table.expand(len(pairs) - at >> 1)


class ListpackFieldsImage(HashImage):
    """A hash as the fields and values of a listpack, whose entries have ``size`` bytes."""

    def __init__(self, values: dict[bytes, bytes], size: i64) -> None:
        self.values = values
        self.size: i64 = size

    def strings(self) -> list[bytes]:
        return _by_turns(self.values)

    def build(self, builder: Builder) -> RedisObject:
        """A listpack, however long the fields and values are, or a hash table if there are too many."""
        return _packed(builder, self.values, self.size)


class ListpackTimedFieldsImage(HashImage):
    """A hash as the fields and values of a listpack that has expire times too (unix milliseconds)."""

    def __init__(self, values: dict[bytes, bytes], times: dict[bytes, int]) -> None:
        self.values = values
        self.times = times

    def strings(self) -> list[bytes]:
        return _by_turns(self.values)

    def field_times(self) -> dict[bytes, int]:
        return self.times

    def has_times(self) -> bool:
        return bool(self.times)

    def build(self, builder: Builder) -> RedisObject:
        """As without times, but the encoding has room for times even if no field has one."""
        value = _packed(builder, self.values, entry_sizes(self.strings()))
        value.prepare_times()
        # Of equal times the last one set comes first, so the fields are taken from the end to keep their order.
        for field in reversed(self.times):
            value.expire_at(field, self.times[field])
        return value


def _by_turns(values: dict[bytes, bytes]) -> list[bytes]:
    """Field, value, field, value ..."""
    return list(chain.from_iterable(values.items()))


def _packed(builder: Builder, values: dict[bytes, bytes], size: i64) -> HashObject:
    value = packed_hash(builder.allocator, values, _LISTPACK_HEADER + size)
    if value.length() > builder.limits.hash_entries:
        value.convert(0)
    return value
