"""What it costs a server to be watched: by Prometheus, which reads /metrics, and by somebody who has the page open.

    python benchmarks/watching.py                                            # the package of this interpreter
    python benchmarks/watching.py --python-compiled ~/venv/bin/python --keys 1000000 --seconds 30

A client overwrites keys all the time, so that there is something to see. First nobody watches; then /metrics is read
once a second; then a page gets a frame each second. The table shows the processor time that the server took beyond what
it takes when nobody watches, the round trips of a client that sends PING after PING, and the bytes of what was sent.

Results go to benchmarks/results/ as JSON and as a markdown table. The exit status is 1 if a figure is above its bar:
2 % of a processor for a page, and 100 KB for each of its frames.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from urllib.request import urlopen

import aiohttp
from charts import write_results
from processes import Connection, Process, own_contender, running
from round_trips import asking, quantile
from vs_redis import ROOT

MOST_PERCENT = 2.0
MOST_BYTES = 100 * 1024
SETTLING_SECONDS = 3.0  # after somebody has begun to watch; the first frames of a page tell the whole heap
PAUSE_US = 1000  # of the client that sends PING
CHURN_PER_WRITE = 20
MESSAGE_LIMIT = 1 << 24


@dataclass(frozen=True)
class Watched:
    """How a server fared; times in milliseconds, of its processor a share in percent."""

    name: str
    keys: int
    percent: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    longest_ms: float
    answers: int
    mean_bytes: int
    most_bytes: int


class Watcher(threading.Thread):
    """Watches until it is told to stop; ``sizes`` are the bytes of each answer."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.sizes: list[int] = []
        self.stopped = threading.Event()

    def stop(self) -> None:
        """Watch no more."""
        self.stopped.set()
        self.join()


class Prometheus(Watcher):
    """Reads /metrics once a second."""

    def run(self) -> None:
        while not self.stopped.wait(1.0):
            with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
                self.sizes.append(len(answer.read()))


class Page(Watcher):
    """Gets the frames of a page."""

    def run(self) -> None:
        asyncio.run(self._watch())

    async def _watch(self) -> None:
        url = f"http://127.0.0.1:{self.port}/live"
        async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=MESSAGE_LIMIT) as live:
            while not self.stopped.is_set():
                message = await live.receive(timeout=20)
                if not isinstance(message.data, str):
                    raise RuntimeError(f"the page has ended: {message}")
                if json.loads(message.data)["kind"] == "frame":
                    self.sizes.append(len(message.data))


class Churn(threading.Thread):
    """Overwrites random keys with values of other lengths."""

    def __init__(self, port: int, keys: int, per_second: int) -> None:
        super().__init__(daemon=True)
        self._connection = Connection(port)
        self._keys = keys
        self._pause = CHURN_PER_WRITE / per_second
        self.stopped = threading.Event()

    def run(self) -> None:
        chance = random.Random(1)
        while not self.stopped.wait(self._pause):
            numbers = [chance.randrange(self._keys) for _ in range(CHURN_PER_WRITE)]
            self._connection.load(("SET", key(number), b"x" * chance.randrange(10, 200)) for number in numbers)


def key(number: int) -> bytes:
    return b"key:%012d" % number


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def churning(port: int, options: argparse.Namespace, keys: int) -> Iterator[None]:
    """A client overwrites keys within the block."""
    churn = Churn(port, keys, options.churn)
    churn.start()
    try:
        yield
    finally:
        churn.stopped.set()
        churn.join()


def observe(
    process: Process, name: str, keys: int, watcher: Watcher | None, quiet: float, options: argparse.Namespace
) -> Watched:
    """Measure while the watcher watches. ``quiet`` is the share of the processor that is taken when nobody does."""
    if watcher is not None:
        watcher.start()
    try:
        time.sleep(SETTLING_SECONDS)  # nothing tells when the first frames have been read
        begun, used = time.monotonic_ns(), process.cpu_ns()
        time.sleep(options.seconds)  # the time that is measured
        percent = 100 * (process.cpu_ns() - used) / (time.monotonic_ns() - begun) - quiet
        with asking(process.port, PAUSE_US) as found:
            first_ns = time.monotonic_ns()
            time.sleep(options.seconds)  # likewise
            last_ns = time.monotonic_ns()
    finally:
        if watcher is not None:
            watcher.stop()
    taken = found.within(first_ns, last_ns)
    sizes = watcher.sizes[1:] if watcher is not None else []
    if watcher is not None and len(sizes) < options.seconds:
        raise RuntimeError(f"{name} got {len(sizes)} answers in {2 * options.seconds:.0f} s")
    return Watched(
        name=name,
        keys=keys,
        percent=percent,
        p50_ms=quantile(taken, 0.5) / 1e6,
        p99_ms=quantile(taken, 0.99) / 1e6,
        p999_ms=quantile(taken, 0.999) / 1e6,
        longest_ms=quantile(taken, 1) / 1e6,
        answers=len(sizes),
        mean_bytes=sum(sizes) // len(sizes) if sizes else 0,
        most_bytes=max(sizes, default=0),
    )


def measure(python: str, keys: int, options: argparse.Namespace) -> list[Watched]:
    """All watchers in turn, on one server."""
    metrics, page = free_port(), free_port()
    ports = ("--metrics-port", str(metrics), "--monitor-port", str(page))
    watchers: dict[str, Callable[[], Watcher]] = {"/metrics": lambda: Prometheus(metrics), "page": lambda: Page(page)}
    with running(own_contender(python), *ports) as process:
        connection = Connection(process.port)
        connection.load(("SET", key(number), b"x" * 10) for number in range(keys))
        connection.close()
        with churning(process.port, options, keys):
            found = [observe(process, "nobody", keys, None, 0.0, options)]
            for name, watcher in watchers.items():
                found.append(observe(process, name, keys, watcher(), found[0].percent, options))
    return found


def table(found: list[Watched]) -> tuple[list[str], bool]:
    """Markdown lines, and whether a figure is above its bar."""
    columns = ["keys", "watched by", "CPU %", "p50 ms", "p99 ms", "p99.9 ms", "longest ms", "mean bytes", "most bytes"]
    lines = ["| " + " | ".join(columns) + " |", "|---:|---|" + "---:|" * 7]
    for one in found:
        sign = "" if one.name == "nobody" else "+"
        times = [f"{value:.2f}" for value in (one.p50_ms, one.p99_ms, one.p999_ms, one.longest_ms)]
        cells = [f"{one.keys}", one.name, f"{sign}{one.percent:.2f}", *times, f"{one.mean_bytes}", f"{one.most_bytes}"]
        lines.append("| " + " | ".join(cells) + " |")
    pages = [one for one in found if one.name == "page"]
    return lines, any(one.percent > MOST_PERCENT or one.most_bytes > MOST_BYTES for one in pages)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python-compiled", metavar="PATH", help="interpreter with the compiled package")
    parser.add_argument("--keys", default="1000,1000000", help="numbers of keys, separated by commas")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each measurement")
    parser.add_argument("--churn", type=int, default=2000, help="keys that are overwritten per second")
    options = parser.parse_args()
    python = options.python_compiled or f"{sys.executable}:{ROOT}"
    found = [one for keys in options.keys.split(",") for one in measure(python, int(keys), options)]
    lines, above = table(found)
    print("\n".join(lines))
    record = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "options": vars(options),
        "found": [asdict(one) for one in found],
    }
    write_results("watching", record, lines)
    sys.exit(1 if above else 0)


if __name__ == "__main__":
    main()
