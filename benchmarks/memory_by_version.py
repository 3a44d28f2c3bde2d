"""What a dataset takes in several versions of the server: what pyredmem predicts beside what real servers measure.

    python benchmarks/memory_by_version.py --judge redis-8.2=/opt/redis-8.2/bin/redis-server
    python benchmarks/memory_by_version.py --python-compiled ~/venv/bin/python \\
        --judge redis-8.2=/opt/redis-8.2/bin/redis-server --judge valkey-9.1:libc=/opt/valkey/bin/valkey-server

A judge is a real server: the profile that stands for it here, the allocator that it was built with if that is not
jemalloc, and its path. It and a server of ours with that profile run the same commands, which make keys of several
kinds, each kind with a prefix of its own. The table has the sum of MEMORY USAGE, with SAMPLES 0, over the keys of each
kind, and by how much the whole dataset raises `used_memory`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import redis
from charts import write_results
from processes import Connection, Contender, Process, other_contender, own_contender, running

Command = list[str | bytes]
#: The timers of the servers rehash tables and fit buffers while nobody asks.
SETTLED_POLLS = 5
POLL_SECONDS = 0.3
BATCH = 1000
WHOLE = "used_memory"
LETTERS = bytes(range(97, 123)) * 20


class Judge(NamedTuple):
    """A real server, and what stands for it here."""

    profile: str
    allocator: str
    contender: Contender

    @property
    def name(self) -> str:
        return f"{self.contender.name} {self.allocator}"


class Outcome(NamedTuple):
    """Bytes by prefix, and of the whole dataset."""

    bytes: dict[str, int]
    keys: dict[str, int]


def words(chance: Random, most: int, longest: int) -> list[str]:
    """From one to ``most`` different elements of random lengths."""
    return [f"{number}:" + LETTERS[: chance.randint(1, longest)].decode() for number in range(chance.randint(1, most))]


def pairs(elements: list[str], chance: Random) -> list[str]:
    """Each element, with a random number after it."""
    return [word for element in elements for word in (element, str(chance.randint(0, 10**9)))]


def dataset(keys: int, chance: Random) -> Iterator[Command]:
    """Commands that make about as many keys: half of them are strings that expire, as sessions do."""
    for number in range(keys // 2):
        yield ["SET", f"session:{number:08x}", LETTERS[: chance.randint(20, 300)], "EX", str(10**6 + number)]
    for number in range(keys // 5):
        yield ["SET", f"counter:page:{number}", str(chance.randint(0, 10**6))]
    for number in range(keys * 15 // 100):
        fields = [(f"field{at}", LETTERS[: 5 * at + 1].decode()) for at in range(chance.randint(3, 10))]
        yield ["HSET", f"user:{number}", *[word for field in fields for word in field]]
    for number in range(keys // 20):
        yield ["RPUSH", f"queue:{number}", *words(chance, 40, 60)]
    for number in range(keys // 20):
        yield ["SADD", f"ids:{number}", *map(str, chance.sample(range(10**6), chance.randint(1, 40)))]
    for number in range(keys // 25):
        yield ["ZADD", f"board:{number}", *reversed(pairs(words(chance, 100, 20), chance))]
    for number in range(keys // 100):
        for entry in range(chance.randint(1, 30)):
            yield ["XADD", f"events:{number}", f"{entry + 1}-0", "kind", "click", "page", str(chance.randint(0, 999))]
    for number in range(keys // 2000):
        yield ["HSET", f"large-hash:{number}", *pairs(words(chance, 2000, 30), chance)]
        yield ["SADD", f"large-set:{number}", *words(chance, 2000, 30)]
        yield ["ZADD", f"large-board:{number}", *reversed(pairs(words(chance, 2000, 20), chance))]


def settled_memory(process: Process) -> int:
    """`used_memory`, once the tables have stopped to move."""
    same, before = 0, -1
    while same < SETTLED_POLLS:
        time.sleep(POLL_SECONDS)
        now = process.used_memory()
        same, before = (same + 1 if now == before else 0), now
    return before


def measured(process: Process, options: argparse.Namespace) -> Outcome:
    before = settled_memory(process)
    connection = Connection(process.port)
    connection.load(dataset(options.keys, Random(options.seed)))
    connection.close()
    total = settled_memory(process) - before
    client = redis.Redis(port=process.port)
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    names = list(client.scan_iter(count=BATCH))
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        pipeline = client.pipeline(transaction=False)
        for name in batch:
            pipeline.memory_usage(name, samples=0)
        for name, size in zip(batch, pipeline.execute(), strict=True):
            prefix = name.decode().partition(":")[0]
            sizes[prefix] = sizes.get(prefix, 0) + size
            counts[prefix] = counts.get(prefix, 0) + 1
    client.close()
    return Outcome({**sizes, WHOLE: total}, {**counts, WHOLE: len(names)})


def table(outcomes: dict[Judge, tuple[Outcome, Outcome]]) -> list[str]:
    """A row for each prefix, and one for the whole; of each judge what was predicted, measured, and the deviation."""
    head = "".join(f" {judge.name}: predicted | measured | deviation |" for judge in outcomes)
    lines = [f"| keys | number |{head}", "|---|---:|" + "---:|---:|---:|" * len(outcomes)]
    first = next(iter(outcomes.values()))[1]
    for prefix in sorted(first.bytes, key=lambda name: (name == WHOLE, -first.bytes[name])):
        cells = "".join(
            f" {ours.bytes[prefix]:,} | {real.bytes[prefix]:,} |"
            f" {100 * (ours.bytes[prefix] / real.bytes[prefix] - 1):+.2f} % |"
            for ours, real in outcomes.values()
        )
        title = f"**{WHOLE}**, all keys" if prefix == WHOLE else f"{prefix}:"
        lines.append(f"| {title} | {first.keys[prefix]:,} |{cells}")
    return lines


def judge_of(text: str) -> Judge:
    """``PROFILE=PATH`` or ``PROFILE:ALLOCATOR=PATH``."""
    place, separator, path = text.partition("=")
    if not separator or not Path(path).exists():
        raise argparse.ArgumentTypeError(f"{text!r} is not PROFILE=PATH of a server")
    profile, _, allocator = place.partition(":")
    return Judge(profile, allocator or "jemalloc", other_contender(path))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python-compiled", default=sys.executable, help="interpreter (PYTHON or PYTHON:DIRECTORY)")
    parser.add_argument("--judge", type=judge_of, action="append", required=True, help="PROFILE[:ALLOCATOR]=PATH")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    own = own_contender(options.python_compiled)
    # An entry of the slow log, which any command may become on a busy machine, would take memory too.
    fixed = ("--slowlog-log-slower-than", "-1")
    outcomes: dict[Judge, tuple[Outcome, Outcome]] = {}
    for judge in options.judge:
        print(judge.name, file=sys.stderr)
        with running(own, *fixed, "--redis-version", judge.profile, "--mem-allocator", judge.allocator) as process:
            ours = measured(process, options)
        with running(judge.contender, *fixed) as process:
            outcomes[judge] = ours, measured(process, options)
    lines = table(outcomes)
    print("\n".join(lines))
    record = {"when": time.strftime("%Y-%m-%d %H:%M:%S %z"), "keys": options.keys, "seed": options.seed}
    record["judges"] = {judge.name: [one._asdict() for one in pair] for judge, pair in outcomes.items()}
    write_results("memory_by_version", record, lines)


if __name__ == "__main__":
    main()
