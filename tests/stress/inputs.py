"""Hostile input, from a seed: bytes for the parser and arguments for the commands."""

from __future__ import annotations

import random
from itertools import pairwise

from tests.support.wire import request

FRAGMENTS = [
    *(b"*", b"$", b"\r\n", b"\n", b"\r", b"-1", b"0", b"1", b"3", b"*1\r\n", b"$-1\r\n", b"*-1\r\n", b"*0\r\n"),
    *(b"*2\r\n$3\r\nGET\r\n", b"$1\r\na\r\n", b"*1\r\n$4\r\nPING\r\n", b"PING\r\n", b'SET a "b\\x00"\r\n', b'"'),
    *(b"'", b"\\", b"\x00", b"\xff" * 8, b"*1048577\r\n", b"$536870913\r\n", b"*9999999999\r\n", b"$99999999999\r\n"),
    *(b"*1\r\n*1\r\n", b"+OK\r\n", b":1\r\n", b"_\r\n", b"%1\r\n", b" ", b"\t", b"GET", b"get a\r\n", b"$3 \r\n"),
]
WORDS = [
    *(b"a", b"b", b"c", b"", b"0", b"1", b"-1", b"*", b"x" * 50, b"10", b"64", b"1000", b"\x00\xff", b"1.5", b"nan"),
    *(b"9223372036854775807", b"-9223372036854775808", b"18446744073709551616", b"4294967296", b"1e400", b"inf"),
    *(b"NX", b"XX", b"GET", b"EX", b"PX", b"KEEPTTL", b"MATCH", b"COUNT", b"TYPE", b"string", b"AND", b"NOT", b"BIT"),
    *(b"ASYNC", b"SYNC", b"REPLACE", b"DB", b"ON", b"OFF", b"u8", b"i64", b"#1", b"SAMPLES", b"WITHMATCHLEN", b"IDX"),
    *(b"maxmemory", b"save", b"hz", b"100", b"default", b"2", b"3", b"LIST", b"ID", b"HELP", b"USAGE", b"ENCODING"),
]
# Commands that end the server or the session, stop the time, or block the test are left out.
NEVER = frozenset(
    {
        *("SHUTDOWN", "DEBUG", "MONITOR", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "CONFIG", "SYNC", "PSYNC"),
        *("REPLICAOF", "SLAVEOF", "FAILOVER", "BGSAVE", "SAVE", "BGREWRITEAOF", "WAIT", "WAITAOF", "QUIT", "ACL"),
        *("MODULE", "CLUSTER", "MIGRATE", "BLPOP", "BRPOP", "BLMOVE", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP"),
    }
)
# An offset can really ask for half a gigabyte: the reply is correct, but slow.
HUGE = {"SETRANGE", "SETBIT", "BITFIELD"}


def random_bytes(chance: random.Random) -> bytes:
    """Bytes for the parser: fragments of requests, noise, and whole requests that were damaged."""
    parts: list[bytes] = []
    for _ in range(chance.randint(1, 8)):
        kind = chance.random()
        if kind < 0.5:
            parts.append(chance.choice(FRAGMENTS))
        elif kind < 0.6:
            parts.append(chance.randbytes(chance.randint(1, 20)))
        else:
            parts.append(mutated(chance, request(*random_arguments(chance, [b"SET", b"GET", b"INCR", b"PING"]))))
    return b"".join(parts)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """The data with a few bytes changed, removed or doubled; unchanged half of the time."""
    if chance.random() < 0.5:
        return data
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed)) if changed else 0
        kind = chance.random()
        if kind < 0.4 and changed:
            changed[at] = chance.randrange(256)
        elif kind < 0.7:
            del changed[at : at + chance.randint(1, 4)]
        else:
            changed[at:at] = chance.choice(FRAGMENTS)
    return bytes(changed)


def random_arguments(chance: random.Random, names: list[bytes]) -> list[bytes]:
    """A random command with random arguments."""
    argv = [chance.choice(names)]
    for _ in range(chance.choice([0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 7])):
        kind = chance.random()
        if kind < 0.85:
            argv.append(chance.choice(WORDS))
        elif kind < 0.95:
            argv.append(b"%d" % chance.randint(-70000, 70000))
        else:
            argv.append(chance.randbytes(chance.randint(0, 40)))
    if argv[0].decode().upper() in HUGE:
        argv = [argv[0], *(b"7" if len(word) > 6 else word for word in argv[1:])]
    return argv


def split(chance: random.Random, data: bytes) -> list[bytes]:
    """The bytes in pieces of random lengths."""
    cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(0, 6)))
    edges = [0, *cuts, len(data)]
    return [data[start:end] for start, end in pairwise(edges) if end > start]
