"""DUMP and RESTORE across servers: what one server dumps the other restores, and both show the same value."""

from __future__ import annotations

import random

import pytest

from tests.support.payloads import body, sealed, version
from tests.support.servers import Server
from tests.support.wire import OK, Argument, Bulk, Error, Integer, Reply, Wire

pytestmark = pytest.mark.needs_redis

REAL_VERSION = 10
# Types of RDB values that 7.2 has and the installed server does not.
NEW_TYPES = {20, 21}

Command = list[Argument]
Commands = list[Command]


def _some_text(length: int, seed: int) -> bytes:
    source = random.Random(seed)
    return bytes(source.choice(b"abc 01") for _ in range(length))


def _noise(length: int) -> bytes:
    return random.Random(7).randbytes(length)


def _pairs(count: int, length: int) -> list[Argument]:
    return [part for at in range(count) for part in (f"f{at}", _some_text(length, at))]


def _entry(milliseconds: int, sequence: int) -> Command:
    return ["XADD", "k", f"{milliseconds}-{sequence}", "f", f"v{milliseconds}"]


def _scored(count: int) -> list[Argument]:
    return [part for at in range(count) for part in (at * 7 % count + 0.5, f"m{at}")]


# Values with the same bytes on both servers.
SAME: dict[str, Commands] = {
    "empty string": [["SET", "k", b""]],
    "word": [["SET", "k", "hello"]],
    "one byte": [["SET", "k", "-12"]],
    "two bytes": [["SET", "k", "-129"]],
    "four bytes": [["SET", "k", "2147483647"]],
    "a number too large": [["SET", "k", "2147483648"]],
    "digits": [["SET", "k", "12345678901234567890"]],
    "no canonical number": [["SET", "k", "007"]],
    "run": [["SET", "k", b"x" * 100]],
    "21 equal bytes": [["SET", "k", b"x" * 21]],
    "20 equal bytes": [["SET", "k", b"x" * 20]],
    "text": [["SET", "k", _some_text(5000, 1)]],
    "long text": [["SET", "k", _some_text(70000, 2)]],
    "noise": [["SET", "k", _noise(20000)]],
    "appended": [["SET", "k", "hello"], ["APPEND", "k", _some_text(60, 3)]],
    "bits": [["SETBIT", "k", 50000, 1]],
    "hyperloglog": [["PFADD", "k", "a", "b", "c"]],
    "list": [["RPUSH", "k", "a", "", "7", "-5", "4095", "-4097", "100000", "8388608", "2147483648", 2**63 - 1]],
    "list of long elements": [["RPUSH", "k", "x" * 63, "x" * 64, "y" * 4096, _some_text(5000, 4)]],
    "long list": [["RPUSH", "k", *[_some_text(50, at) for at in range(1000)]]],
    "list of numbers": [["RPUSH", "k", *range(-3000, 3000)]],
    "hash": [["HSET", "k", "f", "v", "n", 12, "e", ""]],
    "hash of a long value": [["HSET", "k", "f", "v" * 65]],
    "numbers": [["SADD", "k", 3, 1, 2, -300]],
    "wider numbers": [["SADD", "k", 1, 70000]],
    "widest numbers": [["SADD", "k", 1, 2**40, -5]],
    "numbers that were wider": [["SADD", "k", 1, 2**40], ["SREM", "k", 2**40]],
    "set of a long member": [["SADD", "k", "b" * 65]],
    "scores": [["ZADD", "k", 1.5, "a", 2, "b", -3, "cc", "inf", "d", "-inf", "f", 1e20, "e", 5e18, "g", -0.0, "z"]],
    "scores of a long member": [["ZADD", "k", 1.5, "a" * 65, 2, "b"]],
    "skiplist": [["ZADD", "k", *_scored(300)]],
}
# Values with only the same content: a table has no order, and 7.2 has more encodings.
EQUAL: dict[str, Commands] = {
    "big hash": [["HSET", "k", *_pairs(600, 30)]],
    "set": [["SADD", "k", "a", "b", "3"]],
    "big set": [["SADD", "k", *[f"member {at}" for at in range(200)]]],
    "many numbers": [["SADD", "k", *range(600)]],
    "stream": [_entry(at, at % 3) for at in range(1, 250)],
    "stream with everything": [
        *[_entry(at, 1) for at in range(1, 120)],
        ["XADD", "k", "200-5", "g", "h", "i", "j"],
        ["XADD", "k", "200-6", "f", "h"],
        ["XDEL", "k", "3-1", "7-1", "1-1", "200-5"],
        ["XGROUP", "CREATE", "k", "g", "0"],
        ["XGROUP", "CREATE", "k", "h", "$"],
        ["XREADGROUP", "GROUP", "g", "c1", "COUNT", "5", "STREAMS", "k", ">"],
        ["XREADGROUP", "GROUP", "g", "c2", "COUNT", "5", "STREAMS", "k", ">"],
        ["XACK", "k", "g", "4-1"],
        ["XTRIM", "k", "MAXLEN", "100"],
    ],
    "empty stream": [["XADD", "k", "5-1", "f", "v"], ["XDEL", "k", "5-1"], ["XGROUP", "CREATE", "k", "g", "0"]],
}
ALL = {**SAME, **EQUAL}


def _make(wire: Wire, commands: Commands) -> None:
    for command in commands:
        assert not isinstance(wire.do(*command), Error), command


def _dump(wire: Wire) -> bytes:
    reply = wire.do("DUMP", "k")
    assert isinstance(reply, Bulk)
    return reply.data


def _digest(wire: Wire) -> Reply:
    return wire.do("DEBUG", "DIGEST-VALUE", "k")


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("compression", ["yes", "no"])
def test_the_bytes_are_those_of_redis(real: Server, ours: Server, name: str, compression: str) -> None:
    dumps = []
    for server in (real, ours):
        with server.connect() as wire:
            assert wire.do("CONFIG", "SET", "rdbcompression", compression) == OK
            _make(wire, SAME[name])
            dumps.append(_dump(wire))
    assert body(dumps[0]) == body(dumps[1])
    assert [version(dump) for dump in dumps] == [REAL_VERSION, 11]


def test_compressed_nodes_are_written_as_they_are(real: Server, ours: Server) -> None:
    dumps = []
    for server in (real, ours):
        with server.connect() as wire:
            wire.do("CONFIG", "SET", "list-compress-depth", "1")
            wire.do("CONFIG", "SET", "rdbcompression", "no")
            _make(wire, SAME["long list"])
            dumps.append(body(_dump(wire)))
    assert dumps[0] == dumps[1]


@pytest.mark.parametrize("name", ["stream", "empty stream"])
def test_streams_without_consumers_differ_from_older_ones_in_the_rdb_type_only(
    real: Server, ours: Server, name: str
) -> None:
    dumps = []
    for server in (real, ours):
        with server.connect() as wire:
            _make(wire, EQUAL[name])
            dumps.append(body(_dump(wire)))
    assert (dumps[0][0], dumps[1][0]) == (19, 21)
    assert dumps[0][1:] == dumps[1][1:]


@pytest.mark.parametrize("name", ALL)
def test_what_redis_dumps_is_restored(real: Server, ours: Server, name: str) -> None:
    with real.connect() as theirs, ours.connect() as wire:
        _make(theirs, ALL[name])
        assert wire.do("RESTORE", "k", 0, _dump(theirs)) == OK
        assert _digest(wire) == _digest(theirs)
        assert wire.do("TYPE", "k") == theirs.do("TYPE", "k")


@pytest.mark.parametrize("name", ALL)
def test_redis_restores_what_is_dumped(real: Server, ours: Server, name: str) -> None:
    with real.connect() as theirs, ours.connect() as wire:
        _make(wire, ALL[name])
        content = body(_dump(wire))
        if content[0] in NEW_TYPES:
            pytest.skip("the installed server does not know the type")
        assert theirs.do("RESTORE", "k", 0, sealed(content, REAL_VERSION)) == OK
        assert _digest(wire) == _digest(theirs)


def test_groups_are_restored_with_everything_they_know(real: Server, ours: Server) -> None:
    """The older form does not say when a consumer was last active; that is the time when it was last seen."""
    with real.connect() as theirs, ours.connect() as wire:
        _make(theirs, EQUAL["stream with everything"])
        wire.do("RESTORE", "k", 0, _dump(theirs))
        for question in (["XPENDING", "k", "g"], ["XINFO", "GROUPS", "k"]):
            assert theirs.do(*question) == wire.do(*question)


@pytest.mark.parametrize("name", SAME)
def test_serialized_lengths_are_those_of_redis(real: Server, ours: Server, name: str) -> None:
    lengths = []
    for server in (real, ours):
        with server.connect() as wire:
            _make(wire, SAME[name])
            reply = repr(wire.do("DEBUG", "OBJECT", "k"))
            lengths.append(reply.partition("serializedlength:")[2].partition(" ")[0])
    assert lengths[0] == lengths[1]


WORD = sealed(b"\x00\x05hello", REAL_VERSION)
CALLS: dict[str, list[Argument]] = {
    "a value": ["k", 0, WORD],
    "another key": ["new", 0, WORD],
    "replace": ["k", 0, WORD, "replace"],
    "a time": ["new", 100000, WORD],
    "a time in the past": ["new", 1, WORD, "ABSTTL"],
    "replaced, and expired already": ["k", 1, WORD, "ABSTTL", "REPLACE"],
    "absolute without a time": ["new", 0, WORD, "ABSTTL"],
    "a far time": ["new", 2**63 - 1, WORD, "ABSTTL"],
    "busy before the time": ["k", "x", WORD],
    "no time": ["new", "x", WORD],
    "a negative time": ["new", -1, WORD],
    "busy before the checksum": ["k", 0, b"x"],
    "the time before the checksum": ["new", -1, b"x"],
    "short": ["new", 0, b"x"],
    "empty": ["new", 0, b""],
    "only a footer": ["new", 0, sealed(b"", REAL_VERSION)],
    "wrong checksum": ["new", 0, WORD[:-1] + b"\x00"],
    "unknown version": ["new", 0, sealed(b"\x00\x05hello", 200)],
    "an old version": ["new", 0, sealed(b"\x00\x05hello", 1)],
    "bytes after the value": ["new", 0, sealed(b"\x00\x05hello and more", REAL_VERSION)],
    "an unknown type": ["new", 0, sealed(b"\x08\x05hello", REAL_VERSION)],
    "an impossible type": ["new", 0, sealed(b"\xff\x05hello", REAL_VERSION)],
    "an empty list": ["new", 0, sealed(b"\x12\x00", REAL_VERSION)],
    "an empty set": ["new", 0, sealed(b"\x02\x00", REAL_VERSION)],
    "an empty hash": ["new", 0, sealed(b"\x04\x00", REAL_VERSION)],
    "an empty sorted set": ["new", 0, sealed(b"\x05\x00", REAL_VERSION)],
    "a member twice": ["new", 0, sealed(b"\x02\x02\x01a\x01a", REAL_VERSION)],
    "a field twice": ["new", 0, sealed(b"\x04\x02\x01a\x01a\x01a\x01b", REAL_VERSION)],
    "no number as a score": ["new", 0, sealed(b"\x05\x01\x01a" + b"\xff" * 8, REAL_VERSION)],
    "a list of the oldest form": ["new", 0, sealed(b"\x01\x03\x01a\x01b\xc0\x07", REAL_VERSION)],
    "scores of the oldest form": ["new", 0, sealed(b"\x03\x03\x01a\x031.5\x01b\xfe\x01c\xff", REAL_VERSION)],
    "a ziplist": [
        "new",
        0,
        sealed(b"\x0a\x11" + bytes.fromhex("110000000d00000003000001610200f302ff"), REAL_VERSION),
    ],
    "idle": ["new", 0, WORD, "IDLETIME", 100],
    "negative idle": ["new", 0, WORD, "IDLETIME", -1],
    "no idle": ["new", 0, WORD, "IDLETIME"],
    "idle is a word": ["new", 0, WORD, "IDLETIME", "x"],
    "idle and frequency": ["new", 0, WORD, "IDLETIME", 1, "FREQ", 1],
    "frequency and idle": ["new", 0, WORD, "FREQ", 1, "IDLETIME", 1],
    "frequency twice": ["new", 0, WORD, "FREQ", 1, "FREQ", 2],
    "frequency": ["new", 0, WORD, "freq", 255],
    "frequency too high": ["new", 0, WORD, "FREQ", 256],
    "negative frequency": ["new", 0, WORD, "FREQ", -1],
    "no option": ["new", 0, WORD, "NOSUCH"],
    "an option before all other errors": ["k", "x", b"x", "NOSUCH"],
    "a bad idle time before all other errors": ["k", "x", b"x", "IDLETIME", -1],
}


@pytest.mark.parametrize("name", CALLS)
def test_restore_of_a_damaged_payload_replies_as_redis(real: Server, ours: Server, name: str) -> None:
    """The real server checks payloads in full (sanitize-dump-payload)."""
    answers: list[list[Reply]] = []
    idle: list[Reply] = []
    for server in (real, ours):
        with server.connect() as wire:
            wire.do("CONFIG", "SET", "sanitize-dump-payload", "yes")
            wire.do("SET", "k", "there")
            reply = wire.do("RESTORE", *CALLS[name])
            key = CALLS[name][0]
            found: list[Reply] = [reply, wire.do("DEBUG", "DIGEST-VALUE", "k", "new")]
            idle.append(wire.do("OBJECT", "IDLETIME", key))
            found.append(wire.do("TYPE", key))
            found.append(Integer(wire.do("PEXPIRETIME", key) == Integer(-1)))
            answers.append(found)
    assert answers[0] == answers[1]
    if isinstance(idle[0], Integer) and isinstance(idle[1], Integer):
        assert abs(idle[0].value - idle[1].value) <= 1  # a second may have passed before one of the two asked
    else:
        assert idle[0] == idle[1]


@pytest.mark.parametrize(("frequency", "policy"), [(200, "allkeys-lfu"), (200, "allkeys-lru")])
def test_frequencies_are_kept_under_an_lfu_policy(real: Server, ours: Server, frequency: int, policy: str) -> None:
    answers = []
    for server in (real, ours):
        with server.connect() as wire:
            wire.do("CONFIG", "SET", "maxmemory-policy", policy)
            wire.do("RESTORE", "k", 0, WORD, "FREQ", frequency)
            answers.append(wire.do("OBJECT", "FREQ", "k"))
    assert answers[0] == answers[1]


def test_a_wrong_checksum_is_accepted_if_checksums_are_not_checked(real: Server, ours: Server) -> None:
    answers = []
    for server in (real, ours):
        with server.connect() as wire:
            replies = [wire.do("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 1)]
            replies.append(wire.do("RESTORE", "k", 0, WORD[:-1] + b"\x00"))
            replies.append(wire.do("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 0))
            replies.append(wire.do("RESTORE", "l", 0, WORD[:-1] + b"\x00"))
            answers.append(replies)
    assert answers[0] == answers[1]
