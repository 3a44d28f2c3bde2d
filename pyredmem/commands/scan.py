"""Commands of the group *generic* that list keys: KEYS and SCAN.

HSCAN, SSCAN and ZSCAN use the cursor and the options of this module too.
"""

from __future__ import annotations

import re
from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.base.glob import Glob
from pyredmem.base.numbers import INT64_MAX, UINT64_MAX, parse_unsigned
from pyredmem.commands.c_strings import SPACES, c_string
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import READONLY, TOUCHES_ARBITRARY_KEYS, Group
from pyredmem.engine.context import Context
from pyredmem.keyspace.database import Database
from pyredmem.protocol.reply import ReplySink
from pyredmem.structures.dict import Dict

scanning: Final = Group("generic")

_TYPES: Final = (b"string", b"list", b"set", b"zset", b"hash", b"stream")
_DEFAULT_COUNT: Final = 10
_CURSOR_BITS: Final = INT64_MAX  # of a cursor, only the bits below the size of the table matter
_CURSOR: Final = re.compile(rb"[+-]?[0-9]+")


@scanning.command(
    "keys",
    arity=2,
    flags=READONLY,
    acl="keyspace dangerous",
    since="1.0.0",
    complexity="O(N) with N being the number of keys in the database.",
    summary="Returns all keys that match a pattern.",
    syntax="pattern",
    tips=("request_policy:all_shards", "nondeterministic_output_order"),
)
def keys_(context: Context, argv: list[bytes]) -> None:
    """Expired keys are left out, but not deleted."""
    db = context.db
    keys = db.all_keys()
    if argv[1] != b"*":
        pattern = Glob(argv[1])
        keys = [key for key in keys if pattern.matches(key)]
    if db.expiring() > 0:
        keys = [key for key in keys if not db.is_expired(key)]
    context.reply.bulks(keys)


@scanning.command(
    "scan",
    arity=-2,
    flags=READONLY | TOUCHES_ARBITRARY_KEYS,
    acl="keyspace",
    since="2.8.0",
    complexity="O(1) for every call, O(N) for all calls until the cursor is 0, with N being the number of keys.",
    summary="Iterates over the keys of the database, some of them per call.",
    syntax="cursor [MATCH pattern] [COUNT count] [TYPE type]",
    history=(("6.0.0", "Added the `TYPE` option."),),
    tips=("nondeterministic_output", "request_policy:special", "response_policy:special"),
)
def scan(context: Context, argv: list[bytes]) -> None:
    cursor = scan_cursor(context, argv[1])
    options = ScanOptions(argv, 2, with_type=True, types=_TYPES if context.engine.profile.has_strict_types else ())
    cursor, keys = _visit(context.db, cursor, options)
    keys = _living(context.db, keys, options.type_name)
    reply_scan(context.reply, cursor, keys)


def reply_scan(reply: ReplySink, cursor: int, elements: list[bytes]) -> None:
    """Reply with the cursor of the next call and the elements of this one."""
    reply.array(2)
    reply.bulk(b"%d" % cursor)
    reply.bulks(elements)


def scan_cursor(context: Context, argument: bytes) -> int:
    """A cursor, by the rules of the server's version."""
    if not context.engine.profile.has_strict_cursors:
        return _loose_cursor(argument)
    cursor = parse_unsigned(argument)
    if cursor is None:
        raise CommandError(errors.INVALID_CURSOR)
    return cursor


def _loose_cursor(argument: bytes) -> int:
    """A cursor, parsed like C's ``strtoul``: a sign and leading zeros are allowed, and an empty argument is 0."""
    text = c_string(argument)
    if text == b"":
        return 0
    if text[:1] in SPACES or _CURSOR.fullmatch(text) is None:
        raise CommandError(errors.INVALID_CURSOR)
    # Python refuses to parse thousands of digits; 64 bits need at most 20.
    digits = text.lstrip(b"+-").lstrip(b"0") or b"0"
    if len(digits) > 20 or int(digits) > UINT64_MAX:
        raise CommandError(errors.INVALID_CURSOR)
    number = int(digits)
    return -number & UINT64_MAX if text[:1] == b"-" else number


class ScanOptions:
    """MATCH, COUNT, and TYPE if the command has it, in any order; a repeated option overrides.

    ``types`` are the names that TYPE may be followed by; without any it may be followed by all.
    ``omitting`` is the option, if there is one, with which the reply has no values or scores.
    """

    def __init__(
        self,
        argv: list[bytes],
        start: int,
        with_type: bool = False,
        types: tuple[bytes, ...] = (),
        omitting: bytes = b"",
    ) -> None:
        self.count = _DEFAULT_COUNT
        self.pattern: Glob | None = None
        self.type_name: bytes | None = None
        self.omits_values = False
        arguments = Arguments(argv, start)
        while arguments.left() > 0:
            option = arguments.word()
            if option == b"COUNT":
                self.count = arguments.integer()
                if self.count < 1:
                    raise CommandError(errors.SYNTAX_ERROR)
            elif option == b"MATCH":
                pattern = arguments.next()
                self.pattern = None if pattern == b"*" else Glob(pattern)
            elif option == b"TYPE" and with_type:
                name = arguments.next()
                self.type_name = name.lower()
                if types and self.type_name not in types:
                    raise CommandError(b"ERR unknown type name '" + name + b"'")
            elif option == omitting:
                self.omits_values = True
            else:
                raise CommandError(errors.SYNTAX_ERROR)


def scan_table(table: Dict, cursor: int, options: ScanOptions) -> tuple[int, list[int]]:
    """Visit buckets until COUNT entries were seen; returns the cursor of the next call and the slots of the entries."""
    found: list[int] = []
    cursor = table.scan_some(cursor & _CURSOR_BITS, options.count, found)
    return cursor, found


def _visit(db: Database, cursor: int, options: ScanOptions) -> tuple[int, list[bytes]]:
    """The cursor of the next call, and the keys that this call visits and that match the pattern."""
    cursor, keys = db.scan(cursor & _CURSOR_BITS, options.count)
    pattern = options.pattern
    if pattern is not None:
        keys = [key for key in keys if pattern.matches(key)]
    return cursor, keys


def _living(db: Database, keys: list[bytes], type_name: bytes | None) -> list[bytes]:
    """Leave out expired keys, which deletes them, and keys of another type, which counts as a lookup."""
    if type_name is not None:
        living: list[bytes] = []
        for key in keys:
            value = db.inspect(key, notifies_miss=False)
            if value is not None and value.type_name() == type_name:
                living.append(key)
        return living
    if db.expiring() > 0:
        return [key for key in keys if db.exists(key)]
    return keys
