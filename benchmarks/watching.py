"""What it costs a server that somebody looks at its page: CPU time, and the sizes of the frames.

    python benchmarks/watching.py                          # the package of this interpreter
    python benchmarks/watching.py --keys 100000 --seconds 20

One browser looks at `monitor-port`, at one frame a second. The CPU time is that of the server's process, first while
nobody looks, then while somebody does and nothing else happens, then while a client writes to random keys.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time

from aiohttp import ClientSession, ClientWebSocketResponse
from processes import Connection, Process, own_contender, running


async def percent(process: Process, seconds: float) -> float:
    """How much of a processor the server uses."""
    before, start = process.cpu_ns(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (process.cpu_ns() - before) / 1e7 / (time.perf_counter() - start)


def fill(port: int, keys: int) -> None:
    connection = Connection(port)
    connection.load(("SET", f"user:{index}", "x" * (20 + index % 60)) for index in range(keys))
    connection.close()


def write(port: int, keys: int, seconds: float) -> None:
    """Change 2000 random keys a second."""
    connection = Connection(port)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        connection.load(("SET", f"user:{random.randrange(keys)}", "x" * random.randrange(20, 200)) for _ in range(200))
        time.sleep(0.1)
    connection.close()


async def collect(socket: ClientWebSocketResponse, sizes: list[tuple[int, int]]) -> None:
    """Note of each frame its bytes, and those of the heap map in it."""
    async for message in socket:
        frame = json.loads(message.data)
        if frame["kind"] == "frame":
            sizes.append((len(message.data), len(frame["heap"]["changes"])))


def tell(what: str, sizes: list[tuple[int, int]]) -> None:
    frame, heap = max(sizes)
    print(f"{what}: {len(sizes)} frames, the largest of {frame:,} bytes, {heap:,} of them the heap map")


async def measure(process: Process, page: int, keys: int, seconds: float) -> None:
    print(f"{keys:,} keys, {process.resident_bytes() >> 20} MB")
    nobody = await percent(process, seconds)
    print(f"nobody looks: {nobody:.2f} % of a processor")
    sizes: list[tuple[int, int]] = []
    async with (
        ClientSession() as browser,
        browser.ws_connect(f"http://127.0.0.1:{page}/live", max_msg_size=0) as socket,
    ):
        collecting = asyncio.create_task(collect(socket, sizes))
        await asyncio.sleep(5)  # the first frames have the whole map
        tell("at first", sizes)
        sizes.clear()
        somebody = await percent(process, seconds)
        print(f"somebody looks: {somebody:.2f} %, which is {somebody - nobody:.2f} % more")
        tell("when nothing happens", sizes)
        sizes.clear()
        await asyncio.to_thread(write, process.port, keys, seconds)
        tell("at 2000 writes a second", sizes)
        collecting.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python", default=sys.executable, help="interpreter whose package serves")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement")
    parser.add_argument("--page", type=int, default=6380, help="port of the page")
    options = parser.parse_args()
    with running(own_contender(options.python), "--monitor-port", str(options.page)) as process:
        fill(process.port, options.keys)
        time.sleep(5)  # tables are still rehashed
        asyncio.run(measure(process, options.page, options.keys, options.seconds))


if __name__ == "__main__":
    main()
