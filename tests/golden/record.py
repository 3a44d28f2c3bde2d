"""Records what keys take in a newer server; see newer_cases.py and the cases of Redis 7.2.

    python -m tests.golden.record redis-8.2          # writes tests/golden/redis-8.2.jsonl
    python -m tests.golden.record redis-8.2 --loads  # writes the data sets in it anew

Each case runs after FLUSHALL over a connection of its own, as in test_memory_usage.py, in several processes. A figure
is one number if nearly all runs give it (the timer disturbs a few), else the lowest, the mean and the highest value.
What a server refuses has the error in place of figures.

libc may give a block 16 bytes more if it has a free one that cannot be split. That depends on what was freed before, so
the cases have another order in each process of Valkey; the usual figure is then the one without such a block. Valkey
with the jemalloc of a Linux distribution shows the same blocks without that chance. Each data set has a server of its
own, in which its command has been used before.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.golden.cases import DIRECTORY, FIGURES, Load, all_cases, all_loads
from tests.golden.newer_cases import newer_cases
from tests.support.servers import Server, newer_redis_command, running, valkey_command, valkey_with_jemalloc
from tests.support.wire import Bulk, Error, Integer, Wire, info

JUDGES = {
    "redis-8.2": newer_redis_command,
    "valkey-9.1": valkey_command,
    "valkey-9.1-jemalloc": valkey_with_jemalloc,
}
#: Processes, and how often each case runs in one of them before the next case does.
PROCESSES = {"redis-8.2": 5, "valkey-9.1": 20, "valkey-9.1-jemalloc": 20}
RUNS = {"redis-8.2": 3, "valkey-9.1": 1, "valkey-9.1-jemalloc": 1}
LOAD_RUNS = 5
#: Valkey frees values in the background unless it is told not to, and used_memory would fall later.
OPTIONS = ("--lazyfree-lazy-user-del", "no", "--lazyfree-lazy-user-flush", "no")
#: From this share of the runs on, a value counts as the one that the figure always has.
USUAL = 0.75
#: The data sets of Redis 7.2 were recorded with several allocators, and are the same for all.
USUAL_ALLOCATOR = "jemalloc-lg3"
PIPELINE = 100
POLL_S = 0.25
STABLE_POLLS = 4

Words = tuple[bytes | int, ...]


@dataclass(frozen=True)
class Recording:
    """A case to record."""

    id: str
    category: str
    key: bytes
    commands: tuple[Words, ...]


def recordings() -> list[Recording]:
    """The cases of Redis 7.2, and those for newer servers."""
    found = [Recording(case.id, case.category, case.key, case.commands) for case in all_cases()]
    for number, (category, key, commands) in enumerate(newer_cases(), 1):
        found.append(Recording(f"new-{number:04}", category, key, tuple(map(tuple, commands))))
    return found


def measured(case: Recording, server: Server, control: Wire) -> dict[str, int | str]:
    """The encoding and the figures of a key, or the error that its commands end with."""
    control.do("FLUSHALL")
    with server.connect() as fresh:
        for command in case.commands:
            reply = fresh.do(*command)
            if isinstance(reply, Error):
                return {"error": reply.text.decode()}
        encoding = control.do("OBJECT", "ENCODING", case.key)
        assert isinstance(encoding, Bulk), (case.id, encoding)
        usual = control.do("MEMORY", "USAGE", case.key)
        whole = control.do("MEMORY", "USAGE", case.key, "SAMPLES", 0)
        assert isinstance(usual, Integer), (case.id, usual)
        assert isinstance(whole, Integer), (case.id, whole)
        before = int(info(control, "memory")["used_memory"])
        assert control.do("DEL", case.key) == Integer(1), case.id
        after = int(info(control, "memory")["used_memory"])
    figures = (usual.value, whole.value, before - after)
    return {"encoding": encoding.data.decode(), **dict(zip(FIGURES, figures, strict=True))}


def warm(control: Wire) -> None:
    """Use all commands of `measured` once, so that nothing is allocated for their first call any more."""
    for words in (["DEL", "k"], ["OBJECT", "ENCODING", "k"], ["MEMORY", "USAGE", "k"], ["INFO", "memory"]):
        control.do(*words)


def runs_of(name: str, command: list[str], process: int) -> dict[str, list[dict[str, int | str]]]:
    """What all cases take in one process."""
    order = recordings()
    if name.startswith("valkey"):
        random.Random(process).shuffle(order)
    with running(name, command, *OPTIONS) as server, server.connect() as control:
        warm(control)
        return {case.id: [measured(case, server, control) for _ in range(RUNS[name])] for case in order}


def record(name: str, command: list[str], jobs: int) -> list[dict[str, object]]:
    """The lines of a recording, for which several processes may run at the same time."""
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(partial(runs_of, name, command), range(PROCESSES[name])))
    lines: list[dict[str, object]] = []
    for case in recordings():
        runs = [run for process in found for run in process[case.id]]
        lines.append({"id": case.id, "category": case.category, **summary(runs)})
    return lines


def startup(server: Server) -> int:
    """used_memory of a server that has just started, with one client."""
    with server.connect() as control:
        return int(info(control, "memory")["used_memory_startup"])


def usual_loads() -> list[Load]:
    """The data sets to record."""
    return [load for load in all_loads() if load.profile == USUAL_ALLOCATOR]


def grown(load: Load, server: Server, control: Wire) -> int:
    """By how much a data set raises used_memory, once that is stable; the connection that loads it is gone then."""
    command = load.command(0)
    control.do(command[0], "warm", *command[2:])
    control.do("SET", "warm", "1")
    control.do("FLUSHALL")
    before = _settled(control)
    with server.connect() as loader:
        for start in range(0, load.count, PIPELINE):
            replies = loader.pipeline(load.command(i) for i in range(start, min(start + PIPELINE, load.count)))
            assert not any(isinstance(reply, Error) for reply in replies), replies[:1]
    return _settled(control) - before


def _settled(control: Wire) -> int:
    """used_memory, once it has not changed for a second."""
    seen = [0]
    while len(seen) < STABLE_POLLS or len(set(seen[-STABLE_POLLS:])) > 1:
        time.sleep(POLL_S)  # the server's own timer rehashes and fits buffers
        seen.append(int(info(control, "memory")["used_memory"]))
    return seen[-1]


def growths(name: str, command: list[str], load: Load) -> list[int]:
    """By how much a data set raises used_memory, each time in a new server."""
    found: list[int] = []
    for _ in range(LOAD_RUNS):
        with running(name, command, *OPTIONS) as server, server.connect() as control:
            warm(control)
            found.append(grown(load, server, control))
    return found


def startups(name: str, command: list[str]) -> list[int]:
    """What empty servers take."""
    found: list[int] = []
    for _ in range(LOAD_RUNS):
        with running(name, command, *OPTIONS) as server:
            found.append(startup(server))
    return found


def record_loads(name: str, command: list[str], jobs: int) -> list[dict[str, object]]:
    """The lines of data sets, and of an empty server."""
    lines: list[dict[str, object]] = [{"id": "startup", "used_memory": startups(name, command)}]
    loads = usual_loads()
    with ProcessPoolExecutor(jobs) as pool:
        for load, found in zip(loads, pool.map(partial(growths, name, command), loads), strict=True):
            lines.append({"id": f"load-{load.id}", "used_memory": found})
    return lines


def summary(runs: list[dict[str, int | str]]) -> dict[str, object]:
    if "error" in runs[0]:
        return {"error": runs[0]["error"]}
    found: dict[str, object] = {"encoding": runs[0]["encoding"]}
    for name in FIGURES:
        values = [value for run in runs if isinstance(value := run[name], int)]
        value, times = Counter(values).most_common(1)[0]
        usual = times >= USUAL * len(values)
        found[name] = value if usual else [min(values), round(statistics.mean(values)), max(values)]
    return found


def kept(path: Path) -> list[dict[str, object]]:
    """The cases of a recording."""
    lines = map(json.loads, path.read_text().splitlines())
    return [line for line in lines if "category" in line]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("judge", choices=JUDGES)
    parser.add_argument("--loads", action="store_true", help="keep the cases, record the data sets only")
    parser.add_argument("--jobs", type=int, default=1, help="processes that run at the same time")
    options = parser.parse_args()
    judge: str = options.judge
    command = JUDGES[judge]()
    if command is None:
        parser.error(f"{judge} is not installed: pip install -e '.[test]'")
    path: Path = DIRECTORY / f"{judge}.jsonl"
    cases = kept(path) if options.loads else record(judge, command, options.jobs)
    lines = cases + record_loads(judge, command, options.jobs)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{path} is written")


if __name__ == "__main__":
    main()
