"""Whether commands that Redis documents as O(1) or O(log n) stay quick on large collections.

    python benchmarks/flatness.py                              # 1,000 elements against 1,000,000
    python benchmarks/flatness.py --large 100000 --only hash,list

Each command is run many times on a small and on a large collection of the same kind, by a session of an engine in
this process, on the compiled or the interpreted package, whichever is imported. What counts is the CPU time of
this process per command, least of several rounds that alternate between the two sizes, for commands with the very
same number of bytes in and out. Whatever a command removes, another puts back in the same round or before it; such
pairs are timed together and named so.

A ratio near 1 says that the work does not grow. Logarithms of 1,000 and of 1,000,000 are as 1 to 2. What is random in
memory costs more in a large collection because its elements are not in the processor's caches; the last line shows
what a plain Python dictionary of as many entries loses to that, on this machine and in this minute, beside its own
few dozen nanoseconds. A hash table that grows moves one bucket in each command, as in Redis, which is over long
before a small collection is measured; so it is brought to its end in the large one as well.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from processes import encode

from pyredmem.assembly import create_engine
from pyredmem.base.build import COMPILED
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.engine import Engine
from pyredmem.engine.session import Session

BAR = 2.0
PER_FILL = 500  # elements in a filling command
PER_READ = 64  # commands in what is fed to the session at once
Command = tuple[bytes, ...]


@dataclass(frozen=True)
class Probe:
    """A command, or a few that undo each other, asked about the n-th element; `key` is filled by a filler below."""

    kind: str
    name: str
    commands: Callable[[bytes, int], list[Command]]
    ordered: bool = False  # the numbers given are consecutive and new, instead of random ones of elements


def member(number: int) -> bytes:
    """An element; all have the same length."""
    return b"m%09d" % number


def one(*words: bytes | Callable[[int], bytes]) -> Callable[[bytes, int], list[Command]]:
    """One command on the key; functions are called with the number of the element."""
    return lambda key, number: [_words(words, key, number)]


def both(*commands: tuple[bytes | Callable[[int], bytes], ...]) -> Callable[[bytes, int], list[Command]]:
    """Several commands on the key."""
    return lambda key, number: [_words(words, key, number) for words in commands]


def _words(words: tuple[bytes | Callable[[int], bytes], ...], key: bytes, number: int) -> Command:
    first, *rest = words
    assert isinstance(first, bytes)
    at = 1 if first == b"OBJECT" else 0
    given = [word if isinstance(word, bytes) else word(number) for word in rest]
    return (first, *given[:at], key, *given[at:])


def score(number: int) -> bytes:
    """The score of an element of the sorted sets."""
    return b"%d" % number


def entry(number: int) -> bytes:
    """The id of an entry of the streams."""
    return b"%d-1" % (number + 1)


def place(number: int) -> bytes:
    """A longitude or latitude that differs from element to element."""
    return b"%.6f" % (number * 7919 % 80_000_000 / 1e6)


LATER = 5_000_000


def new_member(number: int) -> bytes:
    """An element that is not there."""
    return member(number + LATER)


def new_entry(number: int) -> bytes:
    """An id after all others."""
    return entry(number + LATER)


def new_score(number: int) -> bytes:
    """The score of a new element."""
    return score(number + LATER)


PROBES = [
    Probe("list", "LINDEX 0", one(b"LINDEX", b"0")),
    Probe("list", "LINDEX -1", one(b"LINDEX", b"-1")),
    Probe("list", "LLEN", one(b"LLEN")),
    Probe("list", "LPUSH + LPOP", both((b"LPUSH", member), (b"LPOP",))),
    Probe("list", "RPUSH + RPOP", both((b"RPUSH", member), (b"RPOP",))),
    Probe("list", "LPUSH + RPOP", both((b"LPUSH", member), (b"RPOP",))),
    Probe("list", "LSET 0", one(b"LSET", b"0", member)),
    Probe("list", "LRANGE 0 9", one(b"LRANGE", b"0", b"9")),
    Probe("list", "LMOVE onto itself", lambda key, _: [(b"LMOVE", key, key, b"LEFT", b"RIGHT")]),
    Probe("hash", "HGET", one(b"HGET", member)),
    Probe("hash", "HSET, field there", one(b"HSET", member, b"value")),
    Probe("hash", "HSET, new field + HDEL", both((b"HSET", new_member, b"value"), (b"HDEL", new_member))),
    Probe("hash", "HDEL + HSET", both((b"HDEL", member), (b"HSET", member, b"value"))),
    Probe("hash", "HEXISTS", one(b"HEXISTS", member)),
    Probe("hash", "HLEN", one(b"HLEN")),
    Probe("hash", "HMGET of 3", one(b"HMGET", member, new_member, member)),
    Probe("hash", "HSTRLEN", one(b"HSTRLEN", member)),
    Probe("hash", "HRANDFIELD", one(b"HRANDFIELD")),
    Probe("hash", "HRANDFIELD 5", one(b"HRANDFIELD", b"5")),
    Probe("hash", "HSCAN, one call", one(b"HSCAN", lambda n: b"%d" % n)),
    Probe("set", "SISMEMBER", one(b"SISMEMBER", member)),
    Probe("set", "SMISMEMBER of 2", one(b"SMISMEMBER", member, new_member)),
    Probe("set", "SCARD", one(b"SCARD")),
    Probe("set", "SADD + SREM", both((b"SADD", new_member), (b"SREM", new_member))),
    Probe("set", "SREM + SADD", both((b"SREM", member), (b"SADD", member))),
    Probe("set", "SPOP + SADD", both((b"SPOP",), (b"SADD", new_member)), ordered=True),
    Probe("set", "SRANDMEMBER", one(b"SRANDMEMBER")),
    Probe("set", "SRANDMEMBER 5", one(b"SRANDMEMBER", b"5")),
    Probe("zset", "ZSCORE", one(b"ZSCORE", member)),
    Probe("zset", "ZMSCORE of 2", one(b"ZMSCORE", member, new_member)),
    Probe("zset", "ZCARD", one(b"ZCARD")),
    Probe("zset", "ZADD + ZREM", both((b"ZADD", score, new_member), (b"ZREM", new_member))),
    Probe("zset", "ZADD, other score", both((b"ZADD", new_score, member), (b"ZADD", score, member))),
    Probe("zset", "ZINCRBY", both((b"ZINCRBY", b"1000.5", member), (b"ZINCRBY", b"-1000.5", member))),
    Probe("zset", "ZRANK", one(b"ZRANK", member)),
    Probe("zset", "ZREVRANK", one(b"ZREVRANK", member)),
    Probe("zset", "ZRANGE by rank, 10 deep inside", one(b"ZRANGE", lambda n: b"%d" % n, lambda n: b"%d" % (n + 9))),
    Probe("zset", "ZRANGE by score, LIMIT 10",
          one(b"ZRANGE", score, b"+inf", b"BYSCORE", b"LIMIT", b"0", b"10")),
    Probe("zset", "ZRANGE by score, LIMIT at 1/2",
          one(b"ZRANGE", score, lambda n: score(n + 9), b"BYSCORE")),
    Probe("zset", "ZREVRANGE by rank", one(b"ZREVRANGE", lambda n: b"%d" % n, lambda n: b"%d" % (n + 9))),
    Probe("zset", "ZCOUNT", one(b"ZCOUNT", score, b"+inf")),
    Probe("zset", "ZLEXCOUNT", one(b"ZLEXCOUNT", b"-", b"+")),
    Probe("zset", "ZPOPMIN + ZADD", both((b"ZPOPMIN",), (b"ZADD", score, new_member)), ordered=True),
    Probe("zset", "ZPOPMAX + ZADD", both((b"ZPOPMAX",), (b"ZADD", score, new_member)), ordered=True),
    Probe("zset", "ZRANDMEMBER", one(b"ZRANDMEMBER")),
    Probe("zset", "ZREMRANGEBYRANK 0 0 + ZADD",
          both((b"ZREMRANGEBYRANK", b"0", b"0"), (b"ZADD", score, new_member)), ordered=True),
    Probe("stream", "XADD", one(b"XADD", new_entry, b"f", b"v"), ordered=True),
    Probe("stream", "XADD MAXLEN ~", lambda key, n: [(b"XADD", key, b"MAXLEN", b"~", b"10000000", new_entry(n + LATER),
                                                     b"f", b"v")], ordered=True),
    Probe("stream", "XLEN", one(b"XLEN")),
    Probe("stream", "XRANGE of one id", one(b"XRANGE", entry, entry)),
    Probe("stream", "XRANGE COUNT 10", one(b"XRANGE", entry, b"+", b"COUNT", b"10")),
    Probe("stream", "XREVRANGE COUNT 1", one(b"XREVRANGE", b"+", b"-", b"COUNT", b"1")),
    Probe("stream", "XREAD COUNT 1", lambda key, n: [(b"XREAD", b"COUNT", b"1", b"STREAMS", key, entry(n))]),
    Probe("stream", "XDEL of one", one(b"XDEL", lambda n: entry(n + 3 * LATER)), ordered=True),
    Probe("stream", "XREADGROUP COUNT 1 + XACK", lambda key, n: [
        (b"XREADGROUP", b"GROUP", b"g", b"c", b"COUNT", b"1", b"STREAMS", key, b">"),
        (b"XACK", key, b"g", entry(n)),
    ], ordered=True),
    Probe("stream", "XPENDING", one(b"XPENDING", b"g")),
    Probe("hll", "PFADD", one(b"PFADD", member)),
    Probe("hll", "PFCOUNT", one(b"PFCOUNT")),
    Probe("geo", "GEOADD + ZREM", both((b"GEOADD", place, place, new_member), (b"ZREM", new_member))),
    Probe("geo", "GEODIST", one(b"GEODIST", member, member)),
    Probe("geo", "GEOPOS", one(b"GEOPOS", member)),
    Probe("geo", "GEOHASH", one(b"GEOHASH", member)),
    Probe("set", "OBJECT ENCODING", one(b"OBJECT", b"ENCODING")),
    Probe("zset", "MEMORY USAGE", lambda key, _: [(b"MEMORY", b"USAGE", key)]),
    Probe("hash", "RENAME there and back", lambda key, _: [(b"RENAME", key, b"away"), (b"RENAME", b"away", key)]),
]  # fmt: skip


# Filling.


def _fillers() -> dict[str, Callable[[int], tuple[Command, list[bytes]]]]:
    """For each kind the words of one element, behind the command and key that they follow."""
    return {
        "list": lambda n: ((b"RPUSH",), [member(n)]),
        "hash": lambda n: ((b"HSET",), [member(n), b"value"]),
        "set": lambda n: ((b"SADD",), [member(n)]),
        "zset": lambda n: ((b"ZADD",), [score(n), member(n)]),
        "hll": lambda n: ((b"PFADD",), [member(n)]),
        "geo": lambda n: ((b"GEOADD",), [place(n), place(n), member(n)]),
        "stream": lambda n: ((b"XADD",), [entry(n), b"f", b"v"]),
    }


def fill(session: Session, kind: str, key: bytes, size: int) -> None:
    """A collection of that many elements."""
    filler = _fillers()[kind]
    at_once = 1 if kind == "stream" else PER_FILL
    batch: list[bytes] = []
    for start in range(0, size, at_once):
        words: list[bytes] = []
        command: Command = ()
        for number in range(start, min(start + at_once, size)):
            command, given = filler(number)
            words += given
        batch.append(encode((*command, key, *words)))
        if len(batch) >= PER_FILL // at_once or start + at_once >= size:
            run(session, b"".join(batch))
            batch = []
    if kind == "stream":
        run(session, encode((b"XGROUP", b"CREATE", key, b"g", b"0")))


def run(session: Session, data: bytes) -> bytes:
    """Feed a session; an error ends the benchmark."""
    session.receive(data)
    output = session.take_output()
    if output.startswith(b"-") or b"\r\n-" in output:
        raise RuntimeError(output[:200].decode(errors="replace"))
    return output


def settle(engine: Engine, key: bytes) -> None:
    """Let a hash table that grows have grown."""
    value = engine.keyspace.databases[0].peek(key)
    table = None if value is None else value.hash_table()
    while table is not None and table.is_rehashing():
        table.rehash(1000)


# Measuring.


class Sizes:
    """Two collections of a kind, and the numbers that were asked for so far."""

    def __init__(self, engine: Engine, kind: str, small: int, large: int) -> None:
        self.session = session = engine.connect("tcp", "127.0.0.1:50000", "127.0.0.1:6379")
        self.sizes = {b"small": small, b"large": large}
        self._next = {b"small": 0, b"large": 0}
        self._random = random.Random(7)
        for key, size in self.sizes.items():
            fill(session, kind, key, size)
            settle(engine, key)

    def batches(self, probe: Probe, key: bytes, count: int) -> Iterator[bytes]:
        """Requests, so many commands or pairs in all."""
        size = self.sizes[key]
        for _ in range(count // PER_READ):
            numbers = range(0)
            if probe.ordered:
                first = self._next[key]
                self._next[key] += PER_READ
                numbers = range(first, first + PER_READ)
            drawn = list(numbers) or [self._random.randrange(max(size - 10, 1)) for _ in range(PER_READ)]
            yield b"".join(encode(command) for number in drawn for command in probe.commands(key, number))

    def cost_us(self, probe: Probe, key: bytes, count: int) -> float:
        """CPU time of one command, or of one pair, in a round."""
        requests = list(self.batches(probe, key, count))
        session = self.session
        spent = 0
        for request in requests:
            started = time.process_time_ns()
            session.receive(request)
            spent += time.process_time_ns() - started
            output = session.take_output()
            if output.startswith(b"-"):
                raise RuntimeError(f"{probe.name}: {output[:200]!r}")
        return spent / 1e3 / (len(requests) * PER_READ)


def measure(sizes: Sizes, probe: Probe, rounds: int, count: int) -> tuple[float, float]:
    """The least cost on the small and on the large collection."""
    small: list[float] = []
    large: list[float] = []
    for _ in range(rounds):
        small.append(sizes.cost_us(probe, b"small", count))
        large.append(sizes.cost_us(probe, b"large", count))
    return min(small), min(large)


def dictionary_ns(size: int, count: int = 50_000) -> float:
    """What a lookup in a Python dictionary of that size costs, in random order."""
    table = {member(number): number for number in range(size)}
    chance = random.Random(7)
    asked = [member(chance.randrange(size)) for _ in range(count)]
    best = float("inf")
    for _ in range(5):
        started = time.process_time_ns()
        for name in asked:
            table.get(name)
        best = min(best, (time.process_time_ns() - started) / count)
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=2_000, help="commands in a round")
    parser.add_argument("--only", default="", help="kinds, separated by commas")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    gc.disable()
    build = "compiled" if COMPILED else "interpreted"
    print(f"CPU time per command, {build}; the bar is {BAR}\n")
    print(f"| type | command | {options.small:,} us | {options.large:,} us | ratio | |\n|---|---|---:|---:|---:|---|")
    rows: list[tuple[str, str, float, float]] = []
    kinds = [kind for kind in _fillers() if not options.only or kind in options.only.split(",")]
    for kind in kinds:
        engine = create_engine(Settings([("save", "")]), ManualClock(), Random(1))
        sizes = Sizes(engine, kind, options.small, options.large)
        for probe in PROBES:
            if probe.kind != kind:
                continue
            small, large = measure(sizes, probe, options.rounds, options.count)
            ratio = large / small
            rows.append((kind, probe.name, small, large))
            verdict = "" if ratio <= BAR else "over the bar"
            print(f"| {kind} | {probe.name} | {small:.2f} | {large:.2f} | {ratio:.2f} | {verdict} |", flush=True)
    few, many = dictionary_ns(options.small), dictionary_ns(options.large)
    over = [name for _, name, small, large in rows if large / small > BAR]
    print(f"\na lookup in a Python dictionary: {few:.0f} ns and {many:.0f} ns, ratio {many / few:.2f}")
    print(f"{len(rows)} commands, {len(over)} over the bar")
    if options.json:
        record = {"build": build, "rows": rows, "dictionary_ns": [few, many]}
        Path(options.json).write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
