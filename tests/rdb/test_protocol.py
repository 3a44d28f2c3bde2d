"""``pyredmem rdb protocol``: a server that runs the commands has the dataset of the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pyredmem.objects import rdb_types
from tests.differential.replicas import dataset
from tests.persistence.worlds import SavingWorld
from tests.rdb.datasets import FAR_MS, OTHER_LIMITS, do, filled, of_bytes, run_on, saved
from tests.support.rdb_files import key, rdb, word
from tests.support.wire import Argument, request

A = key(rdb_types.STRING, b"a", word(b"1"))


def protocol_of(world: SavingWorld, *options: str) -> bytes:
    status, output = run_on(saved(world), "protocol", *options)
    assert status == 0
    return output


def replayed(output: bytes, **settings: Any) -> SavingWorld:
    """A world that was empty and has run the commands, none of which failed."""
    world = SavingWorld(**settings)
    replies = world.first.send(output)
    assert not [line for line in replies.split(b"\r\n") if line.startswith(b"-")]
    do(world, "SELECT", 0)
    return world


def made(*commands: Sequence[Argument]) -> SavingWorld:
    world = SavingWorld()
    for command in commands:
        do(world, *command)
    return world


@pytest.mark.parametrize("limits", OTHER_LIMITS)
def test_the_dataset_is_that_of_the_file(limits: str) -> None:
    world = filled(**OTHER_LIMITS[limits])
    copy = replayed(protocol_of(world), **OTHER_LIMITS[limits])
    assert copy.do("DEBUG", "DIGEST") == world.do("DEBUG", "DIGEST")
    for name in ("word", "big hash", "long list"):
        assert copy.do("PEXPIRETIME", name) == world.do("PEXPIRETIME", name)
    assert copy.do("FCALL", "seven", 0) == 7
    for one in (world, copy):
        one.do("SELECT", 9)
    assert copy.do("DEBUG", "DIGEST-VALUE", "small", "big") == world.do("DEBUG", "DIGEST-VALUE", "small", "big")
    for name, fields in (("small", ["f", "g", "h"]), ("big", ["field 7", "field 8", "field 9"])):
        words: list[Argument] = ["HPEXPIRETIME", name, "FIELDS", 3, *fields]
        assert copy.do(*words) == world.do(*words)


def test_streams_have_their_groups() -> None:
    """All but the times at which consumers were seen."""
    world = made(
        *[["XADD", "s", f"{at}-1", "f", f"{at}"] for at in range(1, 20)],
        ["XGROUP", "CREATE", "s", "g", "0"],
        ["XGROUP", "CREATE", "s", "idle", "$"],
        ["XREADGROUP", "GROUP", "g", "one", "COUNT", 3, "STREAMS", "s", ">"],
        ["XREADGROUP", "GROUP", "g", "two", "COUNT", 4, "STREAMS", "s", ">"],
        ["XREADGROUP", "GROUP", "g", "two", "COUNT", 4, "STREAMS", "s", "0"],
        ["XGROUP", "CREATECONSUMER", "s", "idle", "three"],
        ["XACK", "s", "g", "2-1"],
        ["XDEL", "s", "12-1", "19-1"],
        ["XADD", "empty", "5-1", "f", "v"],
        ["XGROUP", "CREATE", "empty", "g", "5-1"],
        ["XDEL", "empty", "5-1"],
        ["XGROUP", "CREATE", "never filled", "g", "0", "MKSTREAM"],
    )
    copy = replayed(protocol_of(world))
    assert dataset(copy) == dataset(world)
    for name in ("s", "empty", "never filled"):
        assert copy.do("XINFO", "GROUPS", name) == world.do("XINFO", "GROUPS", name)
        for field in ("length", "last-generated-id", "max-deleted-entry-id", "entries-added"):
            assert _stream_field(copy, name, field) == _stream_field(world, name, field), (name, field)
    assert copy.do("XPENDING", "s", "g", "-", "+", 10) == world.do("XPENDING", "s", "g", "-", "+", 10)


def _stream_field(world: SavingWorld, name: str, field: str) -> object:
    found = world.do("XINFO", "STREAM", name)
    assert isinstance(found, list)
    return found[found.index(field.encode()) + 1]


def test_a_pending_entry_that_was_deleted_is_left_out() -> None:
    world = made(
        ["XADD", "s", "1-1", "f", "v"],
        ["XADD", "s", "2-1", "f", "v"],
        ["XGROUP", "CREATE", "s", "g", "0"],
        ["XREADGROUP", "GROUP", "g", "one", "STREAMS", "s", ">"],
        ["XDEL", "s", "1-1"],
    )
    copy = replayed(protocol_of(world))
    pending = copy.do("XPENDING", "s", "g", "-", "+", 10)
    assert isinstance(pending, list)
    assert [entry[:2] for entry in pending if isinstance(entry, list)] == [[b"2-1", b"one"]]


def test_long_values_take_several_commands() -> None:
    world = made(["HSET", "h", *range(3000)], ["RPUSH", "l", *range(1025)])
    output = protocol_of(world)
    assert output.count(b"HSET") == 3
    assert output.count(b"RPUSH") == 3
    assert replayed(output).do("DEBUG", "DIGEST") == world.do("DEBUG", "DIGEST")


def test_the_commands_are_in_resp_with_the_databases_selected() -> None:
    data = rdb(b"\xfe\x00", A, b"\xfc" + FAR_MS.to_bytes(8, "little") + A, b"\xfe\x09", A)
    assert run_on(of_bytes(data), "protocol") == (
        0,
        b"".join(
            [
                request("SELECT", 0),
                request("SET", "a", 1),
                request("SET", "a", 1),
                request("PEXPIREAT", "a", FAR_MS),
                request("SELECT", 9),
                request("SET", "a", 1),
            ]
        ),
    )


def test_a_key_that_has_expired_is_not_there_afterwards() -> None:
    data = rdb(b"\xfe\x00", b"\xfc" + (1000).to_bytes(8, "little") + A, key(rdb_types.STRING, b"b", word(b"2")))
    assert replayed(run_on(of_bytes(data), "protocol")[1]).do("KEYS", "*") == [b"b"]


def test_libraries_are_left_out_if_only_some_keys_are_wanted() -> None:
    world = filled()
    assert b"FUNCTION" in protocol_of(world)
    assert b"FUNCTION" not in protocol_of(world, "--type", "string")
