"""Libraries of functions: what FUNCTION LOAD has loaded, until FUNCTION DELETE or FLUSH. FLUSHALL keeps them.

A library is loaded as a whole or not at all: its code runs first, in a Lua state of its own that all libraries share,
and registers functions. Only when that has succeeded, and no other library has a function of one of their names, do the
library and its functions become known. Names of functions are compared without regard to case, names of libraries with.
"""

from __future__ import annotations

import re
from typing import Any, Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError, as_c_string
from pyredmem.config.quoting import decode, encode, split_words
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import (
    DICT_ENTRY_SIZE,
    DICT_SIZE,
    FUNCTION_CONTEXT_SIZE,
    FUNCTION_SIZE,
    LIBRARY_SIZE,
    POINTER_SIZE,
    sds_new_size,
)
from pyredmem.scripting.interpreter import CompileError, Interpreter, LibraryError, NoRoomError
from pyredmem.scripting.script import FLAGS, Runnable
from pyredmem.structures.dict import Dict

#: What Lua calls the code of a library.
CHUNK_NAME: Final = b"@user_function"
ENGINE: Final = b"LUA"
_NAME: Final = re.compile(rb"[0-9A-Za-z_]+")
_BAD_NAME: Final = (
    b"ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
)
_NO_ROOM: Final = b"ERR not enough memory for the library"


class Function(Runnable):
    """A function of a library."""

    def __init__(self, name: bytes, body: Any, description: bytes | None, flag_names: list[bytes]) -> None:
        flags: i64 = 0
        for flag_name in flag_names:
            flags |= FLAGS[flag_name]
        super().__init__(name, flags, body, True)
        self.description = description
        self.flag_names = [name for name, flag in FLAGS.items() if flags & flag]


class Library:
    """A library: its name, its code with the first line, and its functions in the order in which they came."""

    def __init__(self, name: bytes, code: bytes, functions: list[Function]) -> None:
        self.name = name
        self.code = code
        self.functions = functions


def read_metadata(code: bytes) -> tuple[bytes, int]:
    """The name of a library, and the length of the first line, which declares it."""
    if not code.startswith(b"#!"):
        raise CommandError(b"ERR Missing library metadata")
    end = code.partition(b"\x00")[0].find(b"\n")
    words = None if end < 0 else split_words(decode(code[:end]))
    if not words:
        raise CommandError(b"ERR Invalid library metadata")
    name: bytes | None = None
    for word in words[1:]:
        text = encode(word)
        if text[:5].lower() != b"name=":
            raise CommandError(b"ERR Invalid metadata value given: " + as_c_string(text))
        if name is not None:
            raise CommandError(b"ERR Invalid metadata value, name argument was given multiple times")
        name = text[5:]
    if name is None:
        raise CommandError(b"ERR Library name was not given")
    if _NAME.fullmatch(name) is None:
        raise CommandError(_BAD_NAME)
    engine = encode(words[0])[2:]
    if engine.lower() != b"lua":
        raise CommandError(b"ERR Engine '" + as_c_string(engine) + b"' not found")
    return name, end


class Libraries:
    """Libraries by name, and their functions by name."""

    def __init__(self) -> None:
        self.by_name: dict[bytes, Library] = {}
        self._functions: dict[bytes, Function] = {}  # by name in lower case

    def function_count(self) -> int:
        return len(self._functions)

    def find(self, name: bytes) -> Function | None:
        """The function with a name, in upper or lower case."""
        function = self._functions.get(name)
        if function is None:
            function = self._functions.get(name.lower())
        return function

    def load(self, interpreter: Interpreter, code: bytes, replaces: bool) -> Library:
        """Load a library. If it may, it replaces the library of the same name, once it is known to be good."""
        name, skipped = read_metadata(code)
        if name in self.by_name and not replaces:
            raise CommandError(b"ERR Library '" + name + b"' already exists")
        library = Library(name, code, _functions_of(interpreter, code[skipped:]))
        self.join([library])
        return library

    def join(self, libraries: list[Library]) -> None:
        """Add libraries, which replace those of the same names; none if a function is in another library already."""
        replaced: set[bytes] = set()
        for library in libraries:
            old = self.by_name.get(library.name)
            if old is not None:
                replaced.update([function.name.lower() for function in old.functions])
        for library in libraries:
            for function in library.functions:
                folded = function.name.lower()
                if folded in self._functions and folded not in replaced:
                    raise CommandError(b"ERR Function " + function.name + b" already exists")
        for library in libraries:
            self.remove(library.name)
        for library in libraries:
            self.by_name[library.name] = library
            for function in library.functions:
                self._functions.setdefault(function.name.lower(), function)

    def remove(self, name: bytes) -> bool:
        """Forget a library; returns whether it was there."""
        library = self.by_name.pop(name, None)
        if library is None:
            return False
        for function in library.functions:
            self._functions.pop(function.name.lower(), None)
        return True


def _functions_of(interpreter: Interpreter, code: bytes) -> list[Function]:
    try:
        found = interpreter.load_library(code, CHUNK_NAME)
    except CompileError as refused:
        raise CommandError(b"ERR Error compiling function: " + refused.message) from None
    except LibraryError as failed:
        raise CommandError(b"ERR Error registering functions: " + failed.message) from None
    except NoRoomError:
        raise CommandError(_NO_ROOM) from None
    if not found:
        raise CommandError(b"ERR No functions registered")
    return [Function(name, body, description, flags.split()) for name, body, description, flags in found]


class FunctionMemory:
    """The blocks of the libraries in the ledger, as Redis allocates them (Redis 7.2 functions.c)."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._libraries = Dict(allocator, owns_keys=True)
        self._functions = Dict(allocator, owns_keys=True)
        self._tables: dict[bytes, Dict] = {}  # the functions of each library
        self._blocks: dict[bytes, list[int]] = {}
        self._counted: dict[bytes, int] = {}

    def update(self, libraries: Libraries) -> None:
        """Allocate what new libraries take, and free what others took."""
        for name in [name for name in self._blocks if name not in libraries.by_name]:
            self._remove(name)
        for name, library in libraries.by_name.items():
            if name not in self._blocks:
                self._add(library)
        if not libraries.by_name:
            self._libraries.clear()
            self._functions.clear()

    def forget(self, name: bytes) -> None:
        """Free what a library takes, which is going to be replaced."""
        if name in self._blocks:
            self._remove(name)

    def _add(self, library: Library) -> None:
        allocator = self._allocator
        sizes = [LIBRARY_SIZE, sds_new_size(len(library.name)), sds_new_size(len(library.code))]
        for function in library.functions:
            sizes += [FUNCTION_SIZE, FUNCTION_CONTEXT_SIZE, sds_new_size(len(function.name))]
            if function.description is not None:
                sizes.append(sds_new_size(len(function.description)))
        blocks = [int(allocator.alloc(size)) for size in sizes]
        self._counted[library.name] = sum([int(allocator.usable(block)) for block in blocks])
        blocks.append(int(allocator.alloc(DICT_SIZE)))
        self._blocks[library.name] = blocks
        table = Dict(allocator, owns_keys=True)
        self._tables[library.name] = table
        for function in library.functions:
            _insert(table, function.name)
            _insert(self._functions, function.name)
        _insert(self._libraries, library.name)

    def _remove(self, name: bytes) -> None:
        table = self._tables.pop(name)
        for function_name in table.keys:
            _delete(self._functions, function_name)
        table.clear()
        _delete(self._libraries, name)
        for block in self._blocks.pop(name):
            self._allocator.free(block)
        del self._counted[name]

    def total(self) -> int:
        """What INFO adds to used_memory_functions."""
        functions = self._functions
        tables = len(functions) * DICT_ENTRY_SIZE + functions.buckets() * POINTER_SIZE
        return int(tables + sum(self._counted.values()))

    def addresses(self) -> list[int]:
        """Every block in the ledger."""
        blocks = self._libraries.addresses() + self._functions.addresses()
        for table in self._tables.values():
            blocks += table.addresses()
        for owned in self._blocks.values():
            blocks += owned
        return blocks


def _insert(table: Dict, name: bytes) -> None:
    table.step()
    table.insert(name, 0)


def _delete(table: Dict, name: bytes) -> None:
    slot = table.find(name)
    assert slot >= 0
    table.remove(slot)
    table.shrink_if_sparse()
