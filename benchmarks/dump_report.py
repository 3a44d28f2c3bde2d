"""How fast ``pyredmem rdb memory`` and ``pyredmem rdb report`` read a dump, and how much memory they take.

    python benchmarks/dump_report.py                                    # the package of this interpreter
    python benchmarks/dump_report.py --python-compiled ~/venv/bin/python --megabytes 1000 --bytes-per-key 100,1000

A real redis-server saves a mixed dataset: strings, lists, sets, sorted sets and hashes, of lengths that spread over two
orders of magnitude, with random content. The time that a key takes matters more than its size, so the figures are those
of datasets with keys of several average sizes.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from processes import Connection, redis_contender, running

#: A string or an element has from a tenth to three times as many bytes as the average.
LEAST, MOST = 0.1, 3.0
MOST_ELEMENTS = 40


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--python-compiled", metavar="PATH", default=sys.executable, help="interpreter with the package"
    )
    parser.add_argument("--megabytes", type=int, default=100, help="size of each dump")
    parser.add_argument("--bytes-per-key", default="100,1000", help="average sizes, separated by commas")
    return parser.parse_args()


def dataset(megabytes: int, bytes_per_key: int) -> Iterator[Sequence[str | bytes]]:
    """Commands that make keys of this average size: of five, two hold strings."""
    chance = random.Random(bytes_per_key)

    def text(average: float) -> bytes:
        return chance.randbytes(max(1, int(average * chance.triangular(LEAST, MOST, LEAST))))

    for number in range(megabytes * 1_000_000 // bytes_per_key):
        elements = min(max(1, bytes_per_key // 20), chance.randint(1, MOST_ELEMENTS))
        each = bytes_per_key / elements
        kind = number % 10
        key = f"{('string', 'list', 'set', 'zset', 'hash')[kind // 2]}:{number % 1000}:{number}"
        if kind < 2:
            yield "SET", key, text(bytes_per_key)
        elif kind < 4:
            yield "RPUSH", key, *[text(each) for _ in range(elements)]
        elif kind < 6:
            yield "SADD", key, *[text(each) for _ in range(elements)]
        elif kind < 8:
            yield "ZADD", key, *[word for at in range(elements) for word in (str(at), text(each))]
        else:
            yield "HSET", key, *[word for at in range(elements) for word in (f"field:{at}", text(each))]


def make_dump(path: Path, megabytes: int, bytes_per_key: int) -> None:
    """Have a redis-server save the dataset."""
    with running(redis_contender()) as server:
        connection = Connection(server.port, 600)
        connection.load(dataset(megabytes, bytes_per_key))
        reply = connection.do("SAVE")
        connection.close()
        if reply != b"+OK":
            raise RuntimeError(reply.decode())
        shutil.copy(server.directory / "dump.rdb", path)


def measured(python: str, command: str, path: Path) -> tuple[float, float]:
    """CPU seconds and the most memory (MB) of a command."""
    process = subprocess.Popen(
        [python, "-m", "pyredmem", "rdb", command, str(path)], stdout=subprocess.DEVNULL, cwd=path.parent
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"rdb {command} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    options = arguments()
    print("| bytes per key | dump, MB | command | CPU s | MB/s | memory, MB |\n|---:|---:|---|---:|---:|---:|")
    for average in map(int, options.bytes_per_key.split(",")):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "dump.rdb"
            make_dump(path, options.megabytes, average)
            size = path.stat().st_size / 1e6
            for command in ("memory", "report"):
                seconds, memory = measured(options.python_compiled, command, path)
                print(f"| {average} | {size:.0f} | {command} | {seconds:.1f} | {size / seconds:.1f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
