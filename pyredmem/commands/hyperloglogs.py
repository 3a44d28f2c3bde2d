"""Commands of the group *hyperloglog*, which estimate how many different elements were added.

A HyperLogLog is a string, so GET and SET copy it. `structures.hyperloglog` defines its bytes, `objects.hyperloglog` how
it grows.
"""

from __future__ import annotations

import math
from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.commands.c_strings import c_string
from pyredmem.commands.strings import string_value
from pyredmem.engine.command import (
    ACCESS,
    ADMIN,
    DENYOOM,
    FAST,
    INSERT,
    MAY_REPLICATE,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    SYSTEM,
    WRITE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.hyperloglog import add_elements, make_dense, merge_registers
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import BufferString, IntegerString, StringObject
from pyredmem.structures import hyperloglog
from pyredmem.structures.hyperloglog import REGISTERS

hyperloglogs: Final = Group("hyperloglog")

_NOT_A_HYPERLOGLOG: Final = b"WRONGTYPE Key is not a valid HyperLogLog string value."
_CORRUPT: Final = b"INVALIDOBJ Corrupted HLL object detected"
_NO_KEY: Final = b"ERR The specified key does not exist"
_NOT_SPARSE: Final = b"ERR HLL encoding is not sparse"
_SELF_TEST_FAILED: Final = b"TESTFAILED "

#: Elements of the self-test, and the standard error of an estimate from all registers.
_SELF_TEST_ELEMENTS: Final = 10000
_STANDARD_ERROR: Final = 1.04 / math.sqrt(REGISTERS)


def _hyperloglog(value: RedisObject) -> StringObject:
    """The value as a HyperLogLog; an error if it is not one."""
    text = string_value(value)
    if isinstance(text, IntegerString) or not hyperloglog.is_hyperloglog(text.view()):
        raise CommandError(_NOT_A_HYPERLOGLOG)
    return text


def _writable(context: Context, key: bytes, value: RedisObject) -> BufferString:
    """The value of a key as a HyperLogLog that can be modified in place."""
    return context.db.modify_string(key, _hyperloglog(value))


def _created(context: Context, key: bytes) -> BufferString:
    """Create an empty HyperLogLog under a key that does not exist."""
    buffer = context.keyspace.strings.create_buffer(hyperloglog.new_hyperloglog())
    context.db.add(key, buffer)
    return context.db.modify_string(key, buffer)


def _registers(value: StringObject) -> bytes:
    registers = hyperloglog.registers_of(value.view())
    if registers is None:
        raise CommandError(_CORRUPT)
    return registers


@hyperloglogs.command(
    "pfadd",
    arity=-2,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="hyperloglog",
    since="2.8.9",
    complexity="O(1) for each element.",
    summary="Adds elements to a HyperLogLog; creates the key if it does not exist.",
    syntax="key [element [element ...]]",
)
def pfadd(context: Context, argv: list[bytes]) -> None:
    """The reply is 1 if the estimate may have changed."""
    key = argv[1]
    value = context.db.write(key)
    changed: i64 = 0
    if value is None:
        buffer = _created(context, key)
        changed = 1
    else:
        buffer = _writable(context, key, value)
    if len(argv) > 2:
        raised = add_elements(buffer, argv[2:], context.db.allocator, context.keyspace.limits.hll_sparse_bytes)
        if raised < 0:
            raise CommandError(_CORRUPT)
        changed += raised
    if changed > 0:
        hyperloglog.forget_estimate(buffer.buffer)
        context.changed(key, events.STRING, b"pfadd", changed)
    context.reply.integer(1 if changed > 0 else 0)


@hyperloglogs.command(
    "pfcount",
    arity=-2,
    flags=READONLY | MAY_REPLICATE,
    keys=(
        key_at(
            READ_WRITE,
            ACCESS,
            last=-1,
            notes="RW because it may change the internal representation of the key, and propagate to replicas",
        ),
    ),
    acl="hyperloglog",
    since="2.8.9",
    complexity="O(1) for one key, usually from its cached estimate; O(N) with a large constant for N keys.",
    summary="Estimates the number of different elements in one HyperLogLog, or in the union of several.",
    syntax="key [key ...]",
)
def pfcount(context: Context, argv: list[bytes]) -> None:
    """For a single key the estimate is cached in the value, which makes this a write."""
    if len(argv) == 2:
        context.reply.integer(_count_one(context, argv[1]))
        return
    registers = bytes(REGISTERS)
    for key in argv[1:]:
        value = context.db.read(key)
        if value is not None:
            registers = hyperloglog.highest(registers, _registers(_hyperloglog(value)))
    context.reply.integer(hyperloglog.estimate(registers))


def _count_one(context: Context, key: bytes) -> int:
    value = context.db.read(key)
    if value is None:
        return 0
    context.db.modify(key)  # it becomes a buffer even if the estimate is cached
    buffer = _writable(context, key, value)
    known = hyperloglog.known_estimate(buffer.buffer)
    if known is not None:
        return known
    estimate = hyperloglog.estimate(_registers(buffer))
    hyperloglog.remember_estimate(buffer.buffer, estimate)
    keyspace = context.keyspace
    keyspace.changes.count(1)
    keyspace.changes.modified(context.db.index, key)
    return estimate


@hyperloglogs.command(
    "pfmerge",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, ACCESS, INSERT), key_at(READ_ONLY, ACCESS, index=2, last=-1)),
    acl="hyperloglog",
    since="2.8.9",
    complexity="O(N) with N keys, with a large constant.",
    summary="Merges HyperLogLogs into one, which then estimates their union.",
    syntax="destkey [sourcekey [sourcekey ...]]",
)
def pfmerge(context: Context, argv: list[bytes]) -> None:
    """The destination is also a source; it becomes dense if any source is."""
    db = context.db
    registers = bytes(REGISTERS)
    is_dense = False
    for key in argv[1:]:
        source = db.read(key)
        if source is not None:
            text = _hyperloglog(source)
            if not hyperloglog.is_sparse(text.view()):
                is_dense = True
            registers = hyperloglog.highest(registers, _registers(text))
    key = argv[1]
    value = db.write(key)
    buffer = _created(context, key) if value is None else _writable(context, key, value)
    if is_dense and not make_dense(buffer, db.allocator):
        raise CommandError(_CORRUPT)
    if not merge_registers(buffer, registers, db.allocator, context.keyspace.limits.hll_sparse_bytes):
        raise CommandError(_CORRUPT)
    hyperloglog.forget_estimate(buffer.buffer)
    context.changed(key, events.STRING, b"pfadd")
    context.reply.ok()


@hyperloglogs.command(
    "pfdebug",
    arity=3,
    flags=WRITE | DENYOOM | ADMIN | SYSTEM,
    keys=(key_at(READ_WRITE, ACCESS, index=2),),
    acl="hyperloglog",
    since="2.8.9",
    complexity="N/A",
    summary="Shows the registers of a HyperLogLog, or changes their encoding.",
    syntax="subcommand:string key",
)
def pfdebug(context: Context, argv: list[bytes]) -> None:
    """Every subcommand first turns the value into a buffer that can be modified."""
    key = argv[2]
    value = context.db.write(key)
    if value is None:
        raise CommandError(_NO_KEY)
    buffer = _writable(context, key, value)
    word = c_string(argv[1])
    subcommand = word.upper()
    reply = context.reply
    if subcommand == b"GETREG":
        _to_dense(context, buffer)
        reply.array(REGISTERS)
        for rank in _registers(buffer):
            reply.integer(rank)
    elif subcommand == b"DECODE":
        if not hyperloglog.is_sparse(buffer.buffer):
            raise CommandError(_NOT_SPARSE)
        reply.bulk(hyperloglog.described(buffer.buffer))
    elif subcommand == b"ENCODING":
        reply.simple(b"sparse" if hyperloglog.is_sparse(buffer.buffer) else b"dense")
    elif subcommand == b"TODENSE":
        reply.integer(1 if _to_dense(context, buffer) else 0)
    else:
        raise CommandError(b"ERR Unknown PFDEBUG subcommand '" + word + b"'")


def _to_dense(context: Context, buffer: BufferString) -> bool:
    """Convert a value to the dense encoding; False if it already has it."""
    if not hyperloglog.is_sparse(buffer.buffer):
        return False
    if not make_dense(buffer, context.db.allocator):
        raise CommandError(_CORRUPT)
    context.keyspace.changes.count(1)
    return True


@hyperloglogs.command(
    "pfselftest",
    arity=1,
    flags=ADMIN | SYSTEM,
    keys=(),
    acl="hyperloglog",
    since="2.8.9",
    complexity="N/A",
    summary="Estimates sets of known size and checks that the estimates are close enough.",
    syntax="",
)
def pfselftest(context: Context, argv: list[bytes]) -> None:
    """Check that estimates of sets of known size are off by at most six standard errors."""
    buffer = hyperloglog.dense_with(hyperloglog.new_hyperloglog(), bytes(REGISTERS))
    registers = bytearray(REGISTERS)
    for number in range(1, _SELF_TEST_ELEMENTS + 1):
        place = hyperloglog.register_of(b"%d" % number)
        index = place & (REGISTERS - 1)
        rank = place >> 14
        hyperloglog.raise_dense(buffer, index, rank)
        if registers[index] < rank:
            registers[index] = rank
        if number in {10, 100, 1000, _SELF_TEST_ELEMENTS}:
            _check_estimate(buffer, bytes(registers), number)
    context.reply.ok()


def _check_estimate(buffer: bytearray, registers: bytes, expected: int) -> None:
    found = hyperloglog.registers_of(buffer)
    if found != registers:
        raise CommandError(_SELF_TEST_FAILED + b"the registers differ from those that were set")
    error = abs(hyperloglog.estimate(registers) - expected)
    if error > math.ceil(6 * _STANDARD_ERROR * expected):
        raise CommandError(_SELF_TEST_FAILED + b"an estimate of %d elements is off by %d" % (expected, error))
