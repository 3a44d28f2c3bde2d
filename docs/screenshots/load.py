"""Gives a server for screenshots something to do: fills it, deletes keys here and there, lets it defragment.

    python docs/screenshots/load.py [URL] [--seconds N]

It is meant for a server of its own: the database is flushed first.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from typing import Any, Final

import redis

KEYS: Final = 60_000
PER_ROUND: Final = 400
#: The groups of keys: each ends where its number in a hundred does.
PREFIXES: Final = {"session": 42, "user": 68, "product": 82, "cart": 92, "rate": 100}
#: Of each group: the lengths of its values, and the seconds after which they expire (0: never).
SHAPES: Final = {
    "session": ((80, 420), (60, 3600)), "user": ((60, 200), (0, 0)), "product": ((300, 1400), (0, 0)),
    "cart": ((40, 160), (600, 86400)), "rate": ((1, 8), (5, 60)),
}  # fmt: skip


def key_of(number: int) -> str:
    group = next(name for name, end in PREFIXES.items() if number % 100 < end)
    return f"{group}:{number}"


def put(pipeline: Any, rng: random.Random, number: int) -> None:  # a pipeline of redis-py, which has no types
    key = key_of(number)
    lengths, times = SHAPES[key.partition(":")[0]]
    if key.startswith("user"):
        pipeline.hset(key, mapping={f"field:{index}": "x" * rng.randint(*lengths) for index in range(4)})
    else:
        pipeline.set(key, "x" * rng.randint(*lengths), ex=rng.randint(*times) or None)


def fill(client: Any, rng: random.Random) -> None:
    for first in range(0, KEYS, 1000):
        pipeline = client.pipeline(transaction=False)
        for number in range(first, first + 1000):
            put(pipeline, rng, number)
        pipeline.execute()
    for name in ("home", "global", "mail"):
        client.zadd(f"feed:{name}", {f"entry:{index}": index for index in range(4000)})
        client.rpush(f"queue:{name}", *("x" * rng.randint(50, 500) for _ in range(2000)))


def work(client: Any, rng: random.Random, churns: bool) -> None:
    """Some hundred commands: mostly reads of keys that were used lately; deletions while it churns."""
    pipeline = client.pipeline(transaction=False)
    for _ in range(PER_ROUND):
        number = int(KEYS * rng.random() ** 2)
        key = key_of(number)
        kind = rng.random()
        if churns and kind < 0.55:
            pipeline.delete(*(key_of(rng.randrange(KEYS)) for _ in range(4)))
        elif kind < 0.9:
            (pipeline.hgetall if key.startswith("user") else pipeline.get)(key)
        else:
            put(pipeline, rng, number)
    pipeline.execute(raise_on_error=False)


def live(client: Any, seconds: float) -> None:
    """Quiet for a fifth of the time, then churn, and from 0.6 of it on defragmentation."""
    rng = random.Random(1)
    client.flushall()
    client.config_set("activedefrag", "no")
    client.config_set("maxmemory", 0)
    fill(client, rng)
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", client.info("memory")["used_memory"])
    began = time.monotonic()
    defragments = False
    while (passed := (time.monotonic() - began) / seconds) < 1:
        if passed > 0.6 and not defragments:
            for name, value in {"ignore-bytes": "1mb", "threshold-lower": "5", "cycle-max": "4"}.items():
                client.config_set(f"active-defrag-{name}", value)
            client.config_set("activedefrag", "yes")
            defragments = True
        work(client, rng, churns=0.2 < passed < 0.6)
        time.sleep(0.05)  # leaves the processor to the browser that takes the pictures


def main() -> None:
    parser = argparse.ArgumentParser(description="Give a server for screenshots something to do.")
    parser.add_argument("url", nargs="?", default="redis://127.0.0.1:6379")
    parser.add_argument("--seconds", type=float, default=90)
    options = parser.parse_args()
    try:
        live(redis.Redis.from_url(options.url), options.seconds)
    except (redis.RedisError, ValueError) as error:
        sys.exit(f"load.py: {error}")


if __name__ == "__main__":
    main()
