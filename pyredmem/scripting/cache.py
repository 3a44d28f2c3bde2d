"""The scripts that EVAL and SCRIPT LOAD have seen, by the SHA1 of their text.

Redis 7.2 keeps them all. Newer versions keep a limited number of those that EVAL brought, and evict the one that was
used least recently; scripts that SCRIPT LOAD brought stay.
"""

from __future__ import annotations

from hashlib import sha1
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.string_blocks import allocate_string
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import DICT_ENTRY_SIZE, LUA_SCRIPT_SIZE, POINTER_SIZE, ROBJ_SIZE
from pyredmem.scripting.script import Script
from pyredmem.structures.dict import Dict

#: The blocks of a script whose text is embedded in its object.
_BLOCKS_IF_EMBEDDED: Final = 2


class _Table(Dict):
    """From SHA1 to script."""

    def __init__(self, allocator: Allocator) -> None:
        super().__init__(allocator, owns_keys=True)
        self.scripts: list[Script] = []

    def move_value(self, source: i64, target: i64) -> None:
        self.scripts[target] = self.scripts[source]

    def drop_last_value(self) -> None:
        self.scripts.pop()

    def clear_values(self) -> None:
        self.scripts = []


class ScriptCache:
    """The cached scripts. Their Lua functions are kept with them."""

    def __init__(self, allocator: Allocator, most_evaluated: int = 0) -> None:
        """``most_evaluated`` is how many scripts that EVAL brought are kept; 0 means all."""
        self._allocator = allocator
        self._most_evaluated = most_evaluated
        self._evaluated: dict[bytes, Script] = {}  # by SHA1, in the order of their last use
        self.evicted: i64 = 0
        self._table = _Table(allocator)
        self._by_text: dict[bytes, Script] = {}  # spares EVAL the SHA1 of a text that it knows
        self._text_bytes: i64 = 0

    def count(self) -> int:
        return len(self._table)

    def find_text(self, text: bytes) -> Script | None:
        """The script with a text."""
        return self._by_text.get(text)

    def find(self, sha: bytes) -> Script | None:
        """The script with a SHA1 in lower case."""
        slot = self._table.find(sha)
        return None if slot < 0 else self._table.scripts[slot]

    def add(self, script: Script) -> None:
        """Keep a script that is not there yet."""
        allocator = self._allocator
        self._table.find(script.name)  # Redis looks it up first, which takes a step of a rehash
        self._table.step()
        slot = self._table.insert(script.name, 0)
        self._table.scripts.append(script)
        self._by_text[script.text] = script
        script.blocks = [int(allocator.alloc(LUA_SCRIPT_SIZE)), *allocate_string(script.text, allocator)]
        self._text_bytes += self._counted_bytes(slot, script)

    def add_evaluated(self, script: Script) -> None:
        """Keep a script that EVAL brought, if need be in place of another one."""
        if self._most_evaluated > 0:
            while len(self._evaluated) >= self._most_evaluated:
                self._forget(next(iter(self._evaluated.values())))
                self.evicted += 1
            self._evaluated[script.name] = script
        self.add(script)

    def use(self, script: Script) -> None:
        """Note that a script is used now."""
        if self._evaluated.pop(script.name, None) is not None:
            self._evaluated[script.name] = script

    def _forget(self, script: Script) -> None:
        slot = self._table.find(script.name)
        self._text_bytes -= self._counted_bytes(slot, script)
        self._table.remove(slot)
        for block in script.blocks:
            self._allocator.free(block)
        del self._by_text[script.text]
        del self._evaluated[script.name]

    def _counted_bytes(self, slot: i64, script: Script) -> i64:
        """The part of a script in ``_text_bytes``: its SHA1 and its text."""
        allocator = self._allocator
        size = allocator.usable(self._table.key_address(slot)) + allocator.usable(script.blocks[-1])
        return size - ROBJ_SIZE if len(script.blocks) == _BLOCKS_IF_EMBEDDED else size

    def reset_evicted(self) -> None:
        """Set the counter to zero (CONFIG RESETSTAT)."""
        self.evicted = 0

    def clear(self) -> None:
        """Forget all scripts."""
        for script in self._table.scripts:
            for block in script.blocks:
                self._allocator.free(block)
        self._table.clear()
        self._evaluated = {}
        self._by_text = {}
        self._text_bytes = 0

    def memory(self) -> int:
        """What INFO shows as used_memory_scripts_eval."""
        count = len(self._table)
        return int(
            self._text_bytes + count * (DICT_ENTRY_SIZE + LUA_SCRIPT_SIZE) + self._table.buckets() * POINTER_SIZE
        )

    def addresses(self) -> list[int]:
        """Every block in the ledger."""
        blocks = self._table.addresses()
        for script in self._table.scripts:
            blocks += script.blocks
        return blocks


def sha1_of(text: bytes) -> bytes:
    """The SHA1 of a text, in hexadecimal digits of lower case."""
    return sha1(text, usedforsecurity=False).hexdigest().encode()
