"""Makes ordinary calls of the tail calls of library functions in a compiled script.

The usual script ends with `return cjson.decode(...)` or `return redis.call(...)`. Lua drops the frame of the caller
before such a tail call, and an error could name neither the line of the script nor the function. Not so in Redis: the
tail call of a function of C is an ordinary call. But our functions are written in Lua. So a script is compiled, dumped,
changed here and loaded again. A tail call of a function that comes out of a field or a global with one of the given
names becomes a call; so does that of a function which another call has made, as `coroutine.wrap` does. The compiler has
put a RETURN of all its results behind it anyway. All other tail calls stay what they are, so that endless recursion
works.

The function is looked for where its register was loaded last: from a field or a global, or from a local variable or an
upvalue that was loaded from one.

    local decode = cjson.decode
    return decode(text)             GETTABLE 0 cjson "decode"; MOVE 1 0; ...; TAILCALL 1 -> CALL 1

The format is that of string.dump in Lua 5.1 on this machine. Only what it has just written may be given to this module.
"""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final

HEADER: Final = b"\x1bLuaQ\x00\x01\x04\x08\x04\x08\x00"

MOVE: Final = 0
GETUPVAL: Final = 4
GETGLOBAL: Final = 5
GETTABLE: Final = 6
SELF: Final = 11
CALL: Final = 28
TAILCALL: Final = 29
SETLIST: Final = 34
CLOSURE: Final = 36
#: Instructions whose first operand is no register that they load: SETGLOBAL, SETUPVAL, SETTABLE, JMP, EQ, LT, LE, TEST,
#: RETURN, SETLIST, CLOSE.
LOADS_NOTHING: Final = frozenset({7, 8, 9, 22, 23, 24, 25, 26, 30, SETLIST, 35})
#: From here on, an operand is the index of a constant.
CONSTANTS: Final = 256

NIL: Final = 0
BOOLEAN: Final = 1
NUMBER: Final = 3


@dataclass
class Prototype:
    """A function of the chunk."""

    upvalues: int
    place: int = 0  # of its first instruction in the chunk
    words: tuple[int, ...] = ()  # its instructions
    constants: list[bytes | None] = field(default_factory=list)  # the strings among them
    children: list[Prototype] = field(default_factory=list)

    def data(self) -> set[int]:
        """The positions of the words that are not executed.

        Those behind a CLOSURE say which variables it captures; one behind a SETLIST is a number that has no room in it.
        """
        found: set[int] = set()
        for position, word in enumerate(self.words):
            if position not in found:
                if word & 63 == CLOSURE:
                    found.update(range(position + 1, position + 1 + self.children[word >> 14].upvalues))
                elif word & 63 == SETLIST and word >> 14 & 511 == 0:
                    found.add(position + 1)
        return found

    def field(self, word: int) -> bytes | None:
        """The name of the field or the global that an instruction reads; None if it is no constant."""
        if word & 63 == GETGLOBAL:
            return self.constants[word >> 14]
        index = (word >> 14 & 511) - CONSTANTS
        return self.constants[index] if index >= 0 else None


class Reader:
    """Reads the parts of a chunk one after another."""

    def __init__(self, chunk: bytes) -> None:
        assert chunk.startswith(HEADER), "not a chunk of Lua 5.1 with 64 bits"
        self._chunk = chunk
        self._place = len(HEADER)

    def function(self) -> Prototype:
        self._string()  # the name of the source
        self._skip(8)  # first and last line
        prototype = Prototype(upvalues=self._chunk[self._place])
        self._skip(4)
        size = self._int()
        prototype.place = self._place
        prototype.words = struct.unpack_from(f"<{size}I", self._chunk, self._place)
        self._skip(4 * size)
        prototype.constants = [self._constant() for _ in range(self._int())]
        prototype.children = [self.function() for _ in range(self._int())]
        self._skip(4 * self._int())  # the lines of the instructions
        for _ in range(self._int()):
            self._string()  # a local variable
            self._skip(8)
        for _ in range(self._int()):
            self._string()  # an upvalue
        return prototype

    def _skip(self, size: int) -> None:
        self._place += size

    def _int(self) -> int:
        (number,) = struct.unpack_from("<i", self._chunk, self._place)
        self._skip(4)
        assert isinstance(number, int)
        return number

    def _string(self) -> bytes:
        (size,) = struct.unpack_from("<Q", self._chunk, self._place)
        self._skip(8 + size)
        return self._chunk[self._place - size : self._place - 1] if size else b""

    def _constant(self) -> bytes | None:
        kind = self._chunk[self._place]
        self._skip(1)
        if kind in {NIL, BOOLEAN, NUMBER}:
            self._skip({NIL: 0, BOOLEAN: 1, NUMBER: 8}[kind])
            return None
        return self._string()


def call_libraries(chunk: bytes, names: Container[bytes]) -> bytes:
    """The chunk with calls in place of the tail calls of functions that come out of fields with these names."""
    changed = bytearray(chunk)
    for place in _tail_calls(Reader(chunk).function(), names, frozenset()):
        # The code of an instruction is in the low six bits.
        changed[place] = changed[place] & ~63 | CALL
    return bytes(changed)


def _tail_calls(prototype: Prototype, names: Container[bytes], upvalues: frozenset[int]) -> list[int]:
    """The places of the tail calls of library functions; `upvalues` are those of the function that hold one."""
    words = prototype.words
    data = prototype.data()
    registers = {
        word >> 6 & 255 for word in words if word & 63 in {GETTABLE, GETGLOBAL} and prototype.field(word) in names
    }
    found: list[int] = []
    for position, word in enumerate(words):
        if word & 63 == TAILCALL and position not in data:
            load = _load_of(words, data, position)
            operation, operand = load & 63, load >> 23
            if (
                (operation in {GETTABLE, GETGLOBAL, SELF} and prototype.field(load) in names)
                or operation == CALL
                or (operation == MOVE and operand in registers)
                or (operation == GETUPVAL and operand in upvalues)
            ):
                found.append(prototype.place + 4 * position)
        elif word & 63 == CLOSURE and position not in data:
            child = prototype.children[word >> 14]
            captured = enumerate(words[position + 1 : position + 1 + child.upvalues])
            held = {index for index, one in captured if one >> 23 in (registers if one & 63 == MOVE else upvalues)}
            found += _tail_calls(child, names, frozenset(held))
    return found


def _load_of(words: tuple[int, ...], data: Container[int], position: int) -> int:
    """The instruction that loads the function of a call."""
    register = words[position] >> 6 & 255
    for index in range(position - 1, -1, -1):
        word = words[index]
        if word >> 6 & 255 == register and word & 63 not in LOADS_NOTHING and index not in data:
            return word
    # The register of a parameter: no compiler calls it without a MOVE.
    raise AssertionError("the function of a call is never loaded")
