"""Keys among the arguments of a call, and the old range of first key, last key and step."""

from __future__ import annotations

import pytest

from pyredmem.assembly import REGISTRY
from pyredmem.engine.command import (
    ACCESS,
    INCOMPLETE,
    NOT_KEY,
    OVERWRITE,
    READ_ONLY,
    READ_WRITE,
    UPDATE,
    Group,
    KeySpec,
    counted_keys,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.engine.key_extraction import find_keys, has_keys, keys_of
from pyredmem.engine.key_range import key_range
from pyredmem.engine.spec import CommandSpec


def command(*keys: KeySpec, name: str = "x") -> CommandSpec:
    group = Group("test")

    @group.command(name, arity=-1, flags=0, since="", complexity="", summary="", keys=keys)
    def handler(context: Context, argv: list[bytes]) -> None:
        del context, argv

    spec, _ = group.declared[0]
    return spec


def keys(spec: KeySpec, call: str) -> str:
    return b" ".join(keys_of(command(spec), call.encode().split())).decode()


@pytest.mark.parametrize(
    ("spec", "call", "expected"),
    [
        (key_at(READ_ONLY), "x a b", "a"),
        (key_at(READ_ONLY), "x", ""),
        (key_at(READ_ONLY, index=2), "x a b", "b"),
        (key_at(READ_ONLY, last=-1), "x a b c", "a b c"),
        (key_at(READ_ONLY, last=-2), "x a b c", "a b"),
        (key_at(READ_ONLY, last=-2), "x a", ""),
        (key_at(READ_ONLY, last=-1, step=2), "x a 1 b 2", "a b"),
        (key_at(READ_ONLY, last=1), "x a b c", "a b"),
        (counted_keys(READ_ONLY, index=1), "x 2 a b c", "a b"),
        (counted_keys(READ_ONLY, index=1), "x 0 a", ""),
        (counted_keys(READ_ONLY, index=1), "x 3 a b", ""),
        (counted_keys(READ_ONLY, index=1), "x -1 a b", ""),
        (counted_keys(READ_ONLY, index=1), "x many a b", ""),
        (KeySpec((READ_ONLY,), index=1, keyword="STORE"), "x a Store b", "b"),
        (KeySpec((READ_ONLY,), index=1, keyword="STORE"), "x a", ""),
        (KeySpec((READ_ONLY,), index=1, keyword="STORE"), "x a store", ""),
        (KeySpec((READ_ONLY,), index=-2, keyword="STORE"), "x store a store b", "b"),
        (KeySpec((READ_ONLY,), index=1, keyword="STREAMS", last=-1, limit=2), "x streams a b 1 2", "a b"),
        (KeySpec((READ_ONLY,), unknown=True), "x a", ""),
        (key_at(NOT_KEY), "x a", ""),
    ],
)
def test_key_specifications_find_keys(spec: KeySpec, call: str, expected: str) -> None:
    assert keys(spec, call) == expected


def test_a_keyword_without_a_value_does_not_hide_the_other_keys() -> None:
    stored = KeySpec((OVERWRITE,), index=2, keyword="STORE")
    assert keys_of(command(key_at(READ_ONLY), stored), [b"x", b"a", b"store"]) == [b"a"]


def test_a_number_of_keys_that_is_zero_makes_a_call_malformed() -> None:
    stored = key_at(OVERWRITE)
    assert keys_of(command(stored, counted_keys(READ_ONLY, index=2)), [b"x", b"a", b"0"]) == []


def flags_of(name: str, call: str) -> list[tuple[int, tuple[str, ...]]]:
    spec = REGISTRY.table.commands[name.encode()].spec
    return [(found.place, found.flags) for found in find_keys(spec, call.encode().split())]


def test_set_reads_if_it_has_get() -> None:
    assert flags_of("set", "set get v") == [(1, (OVERWRITE, UPDATE))]
    assert flags_of("set", "set k v nx GET") == [(1, (READ_WRITE, ACCESS, UPDATE))]


@pytest.mark.parametrize(
    ("call", "only_reads"),
    [
        ("bitfield k", True),
        ("bitfield k get u8 0 overflow wrap GET u8 1", True),
        ("bitfield k get u8 0 set u8 0 1", False),
        ("bitfield k get u8", False),
        ("bitfield k nonsense", False),
    ],
)
def test_bitfield_only_reads_if_all_it_does_is_get(call: str, only_reads: bool) -> None:
    ((_, flags),) = flags_of("bitfield", call)
    assert (flags == (READ_ONLY, ACCESS)) is only_reads


@pytest.mark.parametrize(
    ("name", "call", "expected"),
    [
        ("sort", "sort a", [1]),
        ("sort", "sort a by store get store limit 0 1 store c store d", [1, 12]),
        ("sort", "sort a store", [1]),
        ("sort", "sort a store store b", [1, 4]),
    ],
)
def test_sort_has_a_key_after_the_last_store(name: str, call: str, expected: list[int]) -> None:
    assert [place for place, _ in flags_of(name, call)] == expected


def test_channels_are_no_keys() -> None:
    assert has_keys(command(key_at(READ_ONLY)))
    assert not has_keys(command(key_at(NOT_KEY)))
    assert not has_keys(command())


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ((), (0, 0, 0, False)),
        ((key_at(READ_ONLY),), (1, 1, 1, False)),
        ((key_at(READ_ONLY, last=-1, step=2),), (1, -1, 2, False)),
        ((key_at(READ_ONLY), key_at(READ_ONLY, index=2)), (1, 2, 1, False)),
        ((key_at(READ_ONLY), key_at(READ_ONLY, index=2, last=-1)), (1, -1, 1, False)),
        ((key_at(READ_ONLY), key_at(READ_ONLY, index=3)), (1, 1, 1, True)),
        ((counted_keys(READ_ONLY, index=1),), (0, 0, 0, True)),
        ((key_at(READ_ONLY), counted_keys(READ_ONLY, index=2)), (1, 1, 1, True)),
        ((key_at(READ_ONLY, INCOMPLETE),), (1, 1, 1, True)),
    ],
)
def test_the_old_range(specs: tuple[KeySpec, ...], expected: tuple[int, int, int, bool]) -> None:
    found = key_range(command(*specs))
    assert (found.first, found.last, found.step, found.movable) == expected
