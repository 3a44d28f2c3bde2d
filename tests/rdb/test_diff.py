"""``pyredmem rdb diff``: what it finds, how it tells it, damaged files, and what it remembers."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest

from pyredmem.host.memory_files import MemoryFiles
from pyredmem.objects import rdb_types
from pyredmem.rdb.content import content_digest
from pyredmem.rdb.dataset import Dataset, Entry, Selection
from pyredmem.rdb.known_keys import KnownKey, KnownKeys
from pyredmem.rdb.options import parse
from pyredmem.rdb.output import FAILED, OK
from pyredmem.rdb.tool import compare, run
from tests.persistence.worlds import SavingWorld
from tests.rdb.datasets import FAR_MS, NAME, OTHER_LIMITS, do, filled, output_of, saved
from tests.support.rdb_files import key, rdb, word

A = key(rdb_types.STRING, b"a", word(b"1"))
B = key(rdb_types.STRING, b"b", word(b"2"))
MODULE = key(rdb_types.MODULE_VALUE, b"m", b"\x81" + bytes([0b0001_0000] * 8) + b"\x02\x01\x00")


def compared(old: bytes, new: bytes, *options: str) -> tuple[int, str]:
    """The exit status, and what is written about two files."""
    files = MemoryFiles()
    files.content["old"], files.content["new"] = bytearray(old), bytearray(new)
    output = io.BytesIO()
    status = compare(parse(["diff", "old", "new", *options], "p"), files, output.write)
    return status, output.getvalue().decode()


def content(world: SavingWorld) -> bytes:
    return bytes(saved(world).content[NAME])


def changed_world() -> tuple[bytes, bytes]:
    """A dataset before and after some changes."""
    world = SavingWorld()
    for name in ("same", "gone", "other", "timed", "both", "forever"):
        do(world, "SET", name, "value")
    do(world, "PEXPIREAT", "forever", FAR_MS)
    do(world, "RPUSH", "kind", "a")
    do(world, "HSET", "hash", "f", "v")
    do(world, "SELECT", 9)
    do(world, "SET", "gone", "there")
    before = content(world)
    do(world, "SET", "new\n", "x")
    do(world, "SELECT", 0)
    do(world, "DEL", "gone", "kind")
    do(world, "SADD", "kind", "a")
    do(world, "SET", "other", "x" * 1000)
    do(world, "PEXPIREAT", "timed", FAR_MS)
    do(world, "SET", "both", "changed", "PXAT", FAR_MS)
    do(world, "PERSIST", "forever")
    return before, content(world)


def test_each_difference_has_a_line() -> None:
    status, text = compared(*changed_world())
    lines = text.split("\n\n")[0].splitlines()
    assert status == OK
    assert sorted(lines) == [
        "+ db9 new\\n",
        "- db0 gone",
        "~ db0 both: value, expires never -> 2100-01-01T00:00:00",
        "~ db0 forever: expires 2100-01-01T00:00:00 -> never",
        "~ db0 kind: type list -> set",
        "~ db0 other: value",
        "~ db0 timed: expires never -> 2100-01-01T00:00:00",
    ]
    assert "3 keys are the same, 1 were added (+), 1 were removed (-), 5 have changed (~)" in text
    assert "2 in value, 1 in type, 3 in expire time" in text


def test_the_table_tells_the_memory_of_each_type() -> None:
    _, text = compared(*changed_world())
    rows = {line.split()[0]: line.split()[1:3] for line in text.split("\n\n")[2].splitlines()[1:]}
    assert rows == {
        "hash": ["1", "1"],
        "list": ["1", "0"],
        "set": ["0", "1"],
        "string": ["7", "7"],
        "all": ["9", "9"],
    }


def test_json_has_the_same() -> None:
    _, text = compared(*changed_world(), "--format", "json")
    found = json.loads(text)
    found_keys = {(one["what"], one["database"], one["key"]): one["changed"] for one in found["differences"]}
    assert found_keys == {
        ("added", 9, "new\\n"): [],
        ("removed", 0, "gone"): [],
        ("changed", 0, "both"): ["value", "expire time"],
        ("changed", 0, "forever"): ["expire time"],
        ("changed", 0, "kind"): ["type"],
        ("changed", 0, "other"): ["value"],
        ("changed", 0, "timed"): ["expire time"],
    }
    summary = found["summary"]
    assert [summary[name] for name in ("same", "added", "removed", "changed")] == [3, 1, 1, 5]
    assert summary["changed_in"] == {"value": 2, "type": 1, "expiry": 3}


def test_sizes_are_those_of_rdb_memory() -> None:
    before, after = changed_world()
    types = json.loads(compared(before, after, "--format", "json")[1])["summary"]["types"]
    for data, name in ((before, "old_size_in_bytes"), (after, "size_in_bytes")):
        files = MemoryFiles()
        files.content[NAME] = bytearray(data)
        rows = json.loads(output_of(files, "memory", "--format", "json"))
        for kind, found in types.items():
            assert found[name] == sum(row["size_in_bytes"] for row in rows if row["type"] == kind)
    assert (
        types["string"]["difference_in_bytes"]
        == types["string"]["size_in_bytes"] - types["string"]["old_size_in_bytes"]
    )


@pytest.mark.parametrize("limits", OTHER_LIMITS)
def test_encodings_make_no_difference(limits: str) -> None:
    """The same commands, on servers with other limits: the files have other encodings and another order."""
    status, text = compared(content(filled()), content(filled(**OTHER_LIMITS[limits])), "--key", "(?!stream|groups)")
    assert (status, text.splitlines()[0]) == (OK, "")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["RPUSH", "k", "a", "b"], ["RPUSH", "k", "b", "a"]),
        (["RPUSH", "k", "a", "b"], ["RPUSH", "k", "ab", ""]),
        (["SADD", "k", "a", "b"], ["SADD", "k", "a", "c"]),
        (["SADD", "k", 1, 2], ["SADD", "k", 1, 3]),
        (["ZADD", "k", 1, "a"], ["ZADD", "k", 2, "a"]),
        (["HSET", "k", "a", "b"], ["HSET", "k", "b", "a"]),
        (["HSET", "k", "a", "b", "c", "d"], ["HSET", "k", "a", "d", "c", "b"]),
        (["XADD", "k", "1-1", "f", "v"], ["XADD", "k", "1-2", "f", "v"]),
        (["XADD", "k", "1-1", "f", "v"], ["XADD", "k", "1-1", "f", "w"]),
        (["PFADD", "k", "a"], ["PFADD", "k", "b"]),
    ],
)
def test_values_that_differ_are_found(first: list[str], second: list[str]) -> None:
    one, other = SavingWorld(), SavingWorld()
    do(one, *first)
    do(other, *second)
    assert "~ db0 k: value\n" in compared(content(one), content(other))[1]
    assert compared(content(one), content(one))[1].startswith("\n1 keys are the same")


def test_groups_and_times_of_fields_are_part_of_a_value() -> None:
    world = SavingWorld()
    do(world, "XADD", "events", "1-1", "f", "v")
    do(world, "HSET", "hash", "f", "v", "g", "w")
    before = content(world)
    do(world, "XGROUP", "CREATE", "events", "g", 0)
    do(world, "HPEXPIREAT", "hash", FAR_MS, "FIELDS", 1, "f")
    created = content(world)
    do(world, "XREADGROUP", "GROUP", "g", "c", "STREAMS", "events", ">")
    assert "~ db0 events: value\n" in compared(before, created)[1]
    assert "~ db0 hash: value\n" in compared(before, created)[1]
    assert "~ db0 events: value\n" in compared(created, content(world))[1]


def test_only_the_keys_that_are_wanted_are_compared() -> None:
    _, text = compared(*changed_world(), "--key", "both|gone", "--db", "0")
    assert [line[:8] for line in text.split("\n\n")[0].splitlines()] == ["~ db0 bo", "- db0 go"]


def test_values_of_modules_are_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = compared(rdb(A, MODULE), rdb(A, MODULE))
    assert (status, text.startswith("\n2 keys are the same")) == (OK, True)
    assert "only a module understands the value: 2 of the keys" in capsys.readouterr().err


# Damaged files.


def test_damaged_files_are_compared_up_to_the_damage(capsys: pytest.CaptureFixture[str]) -> None:
    whole, cut = rdb(A, B), rdb(A, B)[:-9]
    for old, new in ((cut, whole), (whole, cut)):
        status, text = compared(old, new)
        assert (status, text.startswith("\n2 keys are the same")) == (FAILED, True)
        name = "old" if old is cut else "new"
        message = f"[offset {len(cut)}] Unexpected EOF reading RDB file: nothing more of {name} can be read\n"
        assert capsys.readouterr().err == message


def test_a_file_that_is_missing_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", __file__, "nowhere.rdb"], "p") == FAILED
    assert capsys.readouterr().err == "Cannot open file nowhere.rdb: No such file or directory\n"


# What is remembered.


def test_known_keys_are_found_again() -> None:
    known = KnownKeys()
    keys = {
        number * 0x9E37_79B9_7F4A_7C15 % (1 << 64): KnownKey(
            number % 8, number, None if number % 3 else -number, number
        )
        for number in range(5000)
    }
    for name, one in keys.items():
        known.add(name, one)
    assert (len(known), known.marked) == (5000, 0)
    for name in list(keys)[:100] * 2:
        known.mark(name)
    assert known.marked == 100
    assert {name: known.get(name) for name in keys} == keys
    assert [known.is_marked(name) for name in list(keys)[99:101]] == [True, False]
    assert known.get(12_345) is None


def test_a_key_takes_less_than_100_bytes() -> None:
    tracemalloc.start()
    try:
        known = KnownKeys()
        for number in range(60_000):
            known.add(number * 0x9E37_79B9_7F4A_7C15 % (1 << 64), KnownKey(1, 2, 3, 4))
        assert tracemalloc.get_traced_memory()[0] < 97 * 60_000
    finally:
        tracemalloc.stop()


def test_a_digest_depends_on_where_strings_end() -> None:
    digests = set()
    for elements in (("ab", "c"), ("a", "bc"), ("abc",)):
        world = SavingWorld()
        do(world, "RPUSH", "k", *elements)
        [entry] = Dataset(saved(world).open(NAME), Selection()).records()
        assert isinstance(entry, Entry)
        assert entry.image is not None
        digests.add(content_digest(entry.image))
    assert len(digests) == 3
