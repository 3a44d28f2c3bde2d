"""What PUBLISH costs for each message that is delivered, in CPU time of the server and against redis-server.

    python benchmarks/publish.py                            # the package of this interpreter
    python benchmarks/publish.py --python ~/venv/bin/python --rounds 5 --subscribers 1,100

The servers run in turn, each alone, and each ratio is taken within a round.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import REDIS, Contender, Process, encode, own_contender, redis_contender, running

ROOT = Path(__file__).resolve().parents[1]
CHANNEL = "channel"
MESSAGE = "a message"
PAUSE_S = 0.001
#: At least this many messages are published, however many subscribers there are.
FEWEST = 200


@contextmanager
def subscribers(process: Process, count: int) -> Iterator[None]:
    """Clients that are subscribed to the channel, and read what they get."""
    ended = threading.Event()
    with selectors.DefaultSelector() as selector:
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", process.port))
            one.sendall(encode(("SUBSCRIBE", CHANNEL)))
            one.recv(1024)
            selector.register(one, selectors.EVENT_READ)

        def read() -> None:
            while not ended.is_set():
                time.sleep(PAUSE_S)  # so no write has to wake the reader, as with readers on other machines
                for key, _ in selector.select(0):
                    key.fileobj.recv(1 << 16)  # type: ignore[union-attr]  # a socket

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield
        finally:
            ended.set()
            reader.join()
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]  # a socket


def cost(contender: Contender, count: int, publishers: int, deliveries: int) -> float:
    """CPU time (microseconds) for each message that one of ``count`` subscribers gets."""
    published = max(deliveries // count, FEWEST)
    with running(contender) as process, subscribers(process, count):
        before = process.cpu_ns()
        subprocess.run(
            [
                "redis-benchmark", "-p", str(process.port), "-c", str(publishers), "-n", str(published), "-q",
                "PUBLISH", CHANNEL, MESSAGE,
            ],
            capture_output=True, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return (process.cpu_ns() - before) / 1000 / published / count


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python", metavar="PATH", help="interpreter with the package to measure")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--publishers", type=int, default=10, help="clients that publish at the same time")
    parser.add_argument("--deliveries", type=int, default=200_000)
    parser.add_argument("--subscribers", default="1,100,1000", help="numbers of subscribers, with commas between them")
    options = parser.parse_args()
    own = options.python or (f"{sys.executable}:{ROOT}" if (ROOT / "pyredmem").is_dir() else sys.executable)
    contenders = [redis_contender(), own_contender(own)]
    print(f"| us of CPU for each message | {REDIS} | {contenders[1].name} | ratio min/median/max |")
    print("|---|---:|---:|---:|")
    for count in [int(word) for word in options.subscribers.split(",")]:
        rounds = [
            [cost(contender, count, options.publishers, options.deliveries) for contender in contenders]
            for _ in range(options.rounds)
        ]
        ratios = sorted(ours / theirs for theirs, ours in rounds)
        theirs, ours = (statistics.median(figures) for figures in zip(*rounds, strict=True))
        shown = f"{ratios[0]:.2f} / {statistics.median(ratios):.2f} / {ratios[-1]:.2f}"
        print(f"| {count} subscribers | {theirs:.2f} | {ours:.2f} | {shown} |")


if __name__ == "__main__":
    main()
