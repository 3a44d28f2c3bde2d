"""The encodings of a set: sorted integers, a listpack, and a hash table of keys alone (in `set_table`).

``add`` tells when the encoding cannot hold one more member; then :class:`~pyredmem.objects.set.SetObject` converts.
The limits are checked at every addition and at no other time, so lowering a limit does not convert the sets above it.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.numbers import parse_integer
from pyredmem.base.rng import Random
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import LISTPACK_LIMIT, listpack_integer_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_keys
from pyredmem.objects.collection import Encoded, dismantle_packed
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_types import SET_INTSET, SET_LISTPACK
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.dict import Dict
from pyredmem.structures.intset import IntSet
from pyredmem.structures.listpack import Listpack, entry_size, entry_sizes
from pyredmem.structures.listpack_bytes import ListpackWriter

# What ``add`` returns.
PRESENT: Final = 0
ADDED: Final = 1
#: Added, and now there are too many members for this encoding.
OUTGREW: Final = 2
#: Not added: the set has to be converted to a listpack, or to a hash table, first.
WANTS_LISTPACK: Final = 3
WANTS_TABLE: Final = 4

#: The most members of an intset, however high the setting is (Redis 7.2 t_set.c).
INTSET_MOST: Final = 1073741824


@mypyc_attr(acyclic=True)
class SetEncoding(Encoded):
    """The members of a set."""

    def length(self) -> i64:
        raise NotImplementedError

    def contains(self, member: bytes) -> bool:
        raise NotImplementedError

    def add(self, member: bytes, limits: EncodingLimits) -> i64:
        """Add a member, if it is not there and the encoding can hold it; returns one of the codes above."""
        raise NotImplementedError

    def remove(self, member: bytes) -> bool:
        raise NotImplementedError

    def members(self) -> list[bytes]:
        """All members, in a new list."""
        raise NotImplementedError

    def draw(self, rng: Random) -> bytes:
        """A random member, each with the same probability."""
        raise NotImplementedError

    def draw_many(self, count: i64, rng: Random) -> list[bytes]:
        """``count`` random members, each with the same probability every time; a member may come more than once."""
        drawn: list[bytes] = []
        while count > 0:
            drawn.append(self.draw(rng))
            count -= 1
        return drawn

    def pop(self, rng: Random) -> bytes:
        """Remove a random member and return it."""
        member = self.draw(rng)
        self.remove(member)
        return member

    def duplicate(self) -> SetEncoding:
        """A copy in the same encoding, in blocks of exact size."""
        raise NotImplementedError

    def twin(self) -> SetEncoding:
        raise NotImplementedError

    def table(self) -> Dict | None:
        """The hash table, if this encoding is one."""
        return None

    def check(self) -> None:
        """Assert the invariants."""


@mypyc_attr(acyclic=True)
class IntegerMembers(SetEncoding):
    """``intset``: in ascending order."""

    def __init__(self, content: IntSet) -> None:
        self.content = content

    def encoding(self) -> bytes:
        return b"intset"

    def length(self) -> i64:
        return len(self.content.numbers)

    def contains(self, member: bytes) -> bool:
        """Whether a member is there. Only an integer can be."""
        number = parse_integer(member)
        return number is not None and self.content.contains(number)

    def add(self, member: bytes, limits: EncodingLimits) -> i64:
        """Add an integer. Anything else, or one integer too many, needs another encoding."""
        number = parse_integer(member)
        if number is None:
            return WANTS_LISTPACK if self._fits_listpack(member, limits) else WANTS_TABLE
        if not self.content.add(number):
            return PRESENT
        most = min(limits.set_intset_entries, INTSET_MOST)
        return ADDED if len(self.content.numbers) <= most else OUTGREW

    def _fits_listpack(self, member: bytes, limits: EncodingLimits) -> bool:
        """Whether all members and this one are few enough and short enough for a listpack."""
        numbers = self.content.numbers
        length: i64 = len(member)
        if len(numbers) >= limits.set_entries or length > limits.set_value:
            return False
        if not numbers:
            return True
        longest: i64 = max(len(str(numbers[0])), len(str(numbers[-1])))
        return longest <= limits.set_value and self.listpack_size(len(numbers)) + length <= LISTPACK_LIMIT

    def listpack_size(self, count: i64) -> i64:
        """The most bytes that ``count`` members can take in a listpack, if none is wider than those that are there."""
        numbers = self.content.numbers
        if not numbers:
            return 2 * count
        widest = max(listpack_integer_size(numbers[0]), listpack_integer_size(numbers[-1]))
        return 7 + widest * count

    def remove(self, member: bytes) -> bool:
        number = parse_integer(member)
        return number is not None and self.content.remove(number)

    def members(self) -> list[bytes]:
        """All members, in ascending order."""
        return [b"%d" % number for number in self.content.numbers]

    def draw(self, rng: Random) -> bytes:
        numbers = self.content.numbers
        return b"%d" % numbers[rng.below(len(numbers))]

    def duplicate(self) -> SetEncoding:
        return IntegerMembers(self.content.duplicate())

    def memory(self, samples: i64) -> i64:
        return self.content.allocator.usable(i64(self.content.address))

    def free(self) -> None:
        self.content.free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        return self.content.dismantle(limit, freed)

    def defrag_head(self, mover: Mover) -> None:
        if mover.steers():
            self.content = self.content.relocated(mover)
        self.content.defrag(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Show the numbers, which only a mover that steers looks at."""
        return self.content.defrag_numbers(mover, cursor, limit)

    def twin(self) -> SetEncoding:
        return IntegerMembers(self.content)

    def detach(self) -> None:
        self.content = self.content.image()

    def addresses(self) -> list[int]:
        return [int(self.content.address)]

    def save(self, writer: RdbWriter) -> None:
        writer.kind(SET_INTSET)
        writer.string(self.content.data())

    def check(self) -> None:
        self.content.check()


@mypyc_attr(acyclic=True)
class ListpackMembers(SetEncoding):
    """``listpack``: in the order in which the members were added."""

    def __init__(self, block: Listpack) -> None:
        self.block = block
        self.items: dict[bytes, None] = {}

    def encoding(self) -> bytes:
        return b"listpack"

    def length(self) -> i64:
        return len(self.items)

    def contains(self, member: bytes) -> bool:
        return member in self.items

    def add(self, member: bytes, limits: EncodingLimits) -> i64:
        """Add a member if it is short enough and there are few enough members."""
        items = self.items
        if member in items:
            return PRESENT
        length: i64 = len(member)
        if len(items) >= limits.set_entries or length > limits.set_value:
            return WANTS_TABLE
        if self.block.size + length > LISTPACK_LIMIT:
            return WANTS_TABLE
        self.append(member)
        return ADDED

    def append(self, member: bytes) -> None:
        """Add a member that is not there."""
        self.items[member] = None
        self.block.grow(entry_size(member))

    def remove(self, member: bytes) -> bool:
        if member not in self.items:
            return False
        del self.items[member]
        self.block.shrink(entry_size(member))
        return True

    def remove_all(self, members: list[bytes]) -> None:
        """Remove members that are there, with one change of the block."""
        for member in members:
            del self.items[member]
        self.block.shrink(entry_sizes(members))

    def members(self) -> list[bytes]:
        """All members, the oldest first."""
        return list(self.items)

    def draw(self, rng: Random) -> bytes:
        """A random member. A listpack is short, so walking it is quicker than keeping an index."""
        items = list(self.items)
        return items[rng.below(len(items))]

    def draw_many(self, count: i64, rng: Random) -> list[bytes]:
        items = list(self.items)
        drawn: list[bytes] = []
        while count > 0:
            drawn.append(items[rng.below(len(items))])
            count -= 1
        return drawn

    def draw_in_order(self, count: i64, rng: Random) -> list[bytes]:
        """``count`` different random members in their order, each set of them with the same probability."""
        drawn: list[bytes] = []
        ahead: i64 = len(self.items)
        for member in self.items:
            if count > 0 and rng.below(ahead) < count:
                drawn.append(member)
                count -= 1
            ahead -= 1
        return drawn

    def duplicate(self) -> SetEncoding:
        copy = ListpackMembers(self.block.duplicate())
        copy.items = self.items.copy()
        return copy

    def memory(self, samples: i64) -> i64:
        return self.block.usable()

    def free(self) -> None:
        self.block.free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        return dismantle_packed(self.items, self.block, limit, freed)

    def defrag_head(self, mover: Mover) -> None:
        """The block, and the members, which are few."""
        if mover.steers():
            self.block = self.block.relocated(mover)
            self.items = relocated_keys(self.items, mover)
        self.block.defrag(mover)

    def twin(self) -> SetEncoding:
        twin = ListpackMembers(self.block)
        twin.items = self.items
        return twin

    def detach(self) -> None:
        self.block = self.block.image()
        self.items = self.items.copy()

    def addresses(self) -> list[int]:
        return [int(self.block.address)]

    def save(self, writer: RdbWriter) -> None:
        writer.kind(SET_LISTPACK)
        block = ListpackWriter()
        for member in self.items:
            block.add(member)
        writer.string(block.finish())

    def check(self) -> None:
        assert self.block.size == 7 + entry_sizes(self.members())
        assert self.block.usable() >= self.block.size
