"""Takes the screenshots of `pyredmem top` for docs/top.md.

    python docs/screenshots/take_top.py [DIRECTORY] [--seconds N]

Starts a server, fills it beyond its maxmemory, and takes the pictures while clients work on it. They go to docs/images,
or to DIRECTORY.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Final

import redis

from pyredmem.alerts.rules import default_alerts
from pyredmem.monitor.server_reading import WatchedServer
from pyredmem.monitor.top.app import Top
from pyredmem.monitor.top.watch import Watch

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.servers import pyredmem_server  # noqa: E402  # the path of the checkout comes first

IMAGES: Final = ROOT / "docs" / "images"
SMALL: Final = (80, 24)
LARGE: Final = (160, 48)
#: The pictures: name, size, whether it has colours, and which keys are pressed before it is taken.
SHOTS: Final = (
    ("top-80x24", SMALL, True, ""),
    ("top-80x24-no-colour", SMALL, False, ""),
    ("top-160x48", LARGE, True, ""),
    ("top-160x48-no-colour", LARGE, False, "5"),
    ("top-commands-80x24", SMALL, True, "2"),
    ("top-big-keys-80x24", SMALL, True, "5"),
)
INTERVAL_S: Final = 0.2
OPTIONS: Final = ("--maxmemory", "12mb", "--maxmemory-policy", "allkeys-lru", "--slowlog-log-slower-than", "10000")
#: Fonts that a picture would fetch from the network; the ones of the machine do.
_FONTS: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


@contextmanager
def busy_server() -> Iterator[str]:
    """The address of a server that is full, and that clients keep busy."""
    with pyredmem_server(*OPTIONS) as server:
        url = f"redis://127.0.0.1:{server.port}"
        fill(url)
        ended = Event()
        worker = Thread(target=work, args=(url, ended))
        worker.start()
        try:
            yield url
        finally:
            ended.set()
            worker.join()


def page() -> str:
    """A value of some thousand bytes."""
    return "x" * random.randint(1000, 4000)


def fill(url: str) -> None:
    """Write more than the server has room for."""
    with redis.Redis.from_url(url) as client:
        pipe = client.pipeline(transaction=False)
        for number in range(4000):
            pipe.set(f"session:{number}", page(), ex=random.randint(5, 600))
        for number in range(40):
            pipe.rpush(f"queue:{number}", *["job"] * 50 * (number + 1))
            pipe.hset(f"user:{number}", mapping={f"field:{field}": "v" * 30 for field in range(20 * (number + 1))})
            pipe.zadd(f"board:{number}", {f"player:{member}": member for member in range(10 * (number + 1))})
        pipe.execute()


def work(url: str, ended: Event) -> None:
    """Read and write until ``ended`` is set; some commands are slow."""
    with redis.Redis.from_url(url, client_name="shop") as client:
        while not ended.is_set():
            pipe = client.pipeline(transaction=False)
            for _ in range(random.randint(20, 60)):
                pipe.get(f"session:{int(random.expovariate(1 / 1000))}")
            for _ in range(random.randint(5, 15)):
                pipe.set(f"session:{random.randint(0, 8000)}", page(), ex=random.randint(1, 600))
            pipe.hgetall(f"user:{random.randint(0, 39)}")
            pipe.zrange(f"board:{random.randint(0, 39)}", 0, 10)
            pipe.execute()
            time.sleep(0.01)  # else it would take all of the machine


async def take(url: str, directory: Path, seconds: float) -> None:
    """Take all pictures; each shows the last seconds."""
    for name, size, has_colours, keys in SHOTS:
        os.environ.pop("NO_COLOR", None)
        if not has_colours:
            os.environ["NO_COLOR"] = "1"
        watch = Watch(WatchedServer(url), default_alerts(), INTERVAL_S)
        app = Top(watch, watch.read())
        async with app.run_test(size=size) as pilot:
            await pilot.press(*keys)
            await asyncio.sleep(seconds)
            await pilot.pause()
            picture = _FONTS.sub("", app.export_screenshot(title=f"pyredmem top {url}"))
        (directory / f"{name}.svg").write_text(picture, encoding="utf-8")
        print(directory / f"{name}.svg")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("directory", nargs="?", type=Path, default=IMAGES)
    parser.add_argument("--seconds", type=float, default=15.0, help="for each picture; default: %(default)s")
    options = parser.parse_args()
    with busy_server() as url:
        asyncio.run(take(url, options.directory, options.seconds))


if __name__ == "__main__":
    main()
