"""Sets: the object that stays while its encoding changes, and the making of new sets.

A set begins in the tightest encoding that its first members allow and is only ever converted to a looser one: nothing
but integers is an intset, a few short members are a listpack, everything else is a hash table (Redis 7.2 t_set.c).
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.numbers import parse_integer
from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated
from pyredmem.objects.collection import Collection, Encoded
from pyredmem.objects.digest import SET_TYPE, Digest
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set_encodings import (
    ADDED,
    OUTGREW,
    WANTS_LISTPACK,
    IntegerMembers,
    ListpackMembers,
    SetEncoding,
)
from pyredmem.objects.set_table import HashedMembers, new_hashed_members
from pyredmem.structures.dict import Dict
from pyredmem.structures.intset import IntSet
from pyredmem.structures.listpack import Listpack


@mypyc_attr(acyclic=True)
class SetObject(Collection):
    """A set of any encoding."""

    def __init__(self, allocator: Allocator, content: SetEncoding, is_twin: bool = False) -> None:
        super().__init__(None if is_twin else allocator)
        self.allocator = allocator
        self.content: SetEncoding = content

    def type_name(self) -> bytes:
        return b"set"

    def payload(self) -> Encoded:
        return self.content

    def length(self) -> i64:
        return self.content.length()

    def contains(self, member: bytes) -> bool:
        return self.content.contains(member)

    def members(self) -> list[bytes]:
        """All members, in the order of the encoding, in a new list."""
        return self.content.members()

    def add(self, member: bytes, limits: EncodingLimits) -> bool:
        """Add a member; False if it was there already."""
        outcome = self.content.add(member, limits)
        if outcome > ADDED:
            self._convert(outcome, member)
        return outcome > 0

    def remove(self, member: bytes) -> bool:
        """Remove a member; False if it is not there. The encoding stays the same."""
        return self.content.remove(member)

    def draw(self, rng: Random) -> bytes:
        return self.content.draw(rng)

    def pop(self, rng: Random) -> bytes:
        """Remove a random member and return it."""
        return self.content.pop(rng)

    def prepare(self, additions: i64, limits: EncodingLimits) -> None:
        """Convert to a hash table if a command adds more members than the encoding may have, present or not."""
        content = self.content
        if isinstance(content, ListpackMembers):
            if additions <= limits.set_entries:
                return
        elif isinstance(content, IntegerMembers):
            if additions <= limits.set_intset_entries:
                return
        else:
            return
        self._become_table(additions)

    def tighten(self, limits: EncodingLimits) -> None:
        """Convert to an intset if there are few enough members, all of them integers (as Redis does in SINTERSTORE)."""
        old = self.content
        if isinstance(old, IntegerMembers) or old.length() > limits.set_intset_entries:
            return
        numbers = IntSet(self.allocator)
        for member in old.members():
            number = parse_integer(member)
            assert number is not None, "only integers become an intset"
            numbers.add(number)
        self.content = IntegerMembers(numbers)
        old.free()

    def _convert(self, outcome: i64, member: bytes) -> None:
        """Convert as the result of an addition demands, and add the member if it has not been added."""
        if outcome == WANTS_LISTPACK:
            self._become_listpack(member)
            return
        if outcome == OUTGREW:
            self._become_table(self.content.length())
            return
        table = self._become_table(self.content.length() + 1)
        table.keys.insert(member, 0)

    def _become_listpack(self, member: bytes) -> None:
        old = self.content
        assert isinstance(old, IntegerMembers)
        # The block is allocated for the widest of the numbers, and cut after the new member was added.
        content = ListpackMembers(Listpack(self.allocator, old.listpack_size(old.length() + 1)))
        for number in old.members():
            content.append(number)
        self.content = content
        old.free()
        content.append(member)
        content.block.shrink_to_fit()

    def _become_table(self, expected: i64) -> HashedMembers:
        old = self.content
        content = new_hashed_members(self.allocator, expected)
        for member in old.members():
            content.keys.insert(member, 0)
        self.content = content
        old.free()
        return content

    def duplicate(self, allocator: Allocator) -> RedisObject:
        return SetObject(allocator, self.content.duplicate())

    def defrag_head(self, mover: Mover) -> None:
        if mover.steers():
            self.content = relocated(self.content, mover)
        super().defrag_head(mover)

    def twin(self) -> RedisObject:
        return SetObject(self.allocator, self.content, is_twin=True).succeed(self)

    def detach(self) -> None:
        self.content = self.content.twin()
        self.content.detach()

    def digest(self, digest: Digest) -> None:
        """Add type and members, whose order does not matter."""
        digest.mix_number(SET_TYPE)
        for member in self.content.members():
            digest.xor(member)

    def hash_table(self) -> Dict | None:
        return self.content.table()

    def check(self) -> None:
        self.content.check()


def new_set(first: bytes, expected: i64, allocator: Allocator, limits: EncodingLimits) -> SetObject:
    """An empty set, in the encoding for ``expected`` members of which ``first`` is one."""
    if expected <= limits.set_intset_entries and parse_integer(first) is not None:
        return new_integer_set(allocator)
    if expected <= limits.set_entries:
        return new_listpack_set(allocator)
    return SetObject(allocator, new_hashed_members(allocator, expected))


def new_integer_set(allocator: Allocator) -> SetObject:
    """An empty set that begins as an intset."""
    return SetObject(allocator, IntegerMembers(IntSet(allocator)))


def new_listpack_set(allocator: Allocator, capacity: i64 = 0) -> SetObject:
    """An empty set that begins as a listpack, in a block of ``capacity`` bytes if that is more than it needs."""
    return SetObject(allocator, ListpackMembers(Listpack(allocator, capacity)))
