"""What scripts, notifications and access control cost, in CPU time of the server and against redis-server.

    python benchmarks/features.py                           # the package of this interpreter
    python benchmarks/features.py --python ~/venv/bin/python --rounds 5 --only scripts,users

The parts are `scripts`, `notifications`, `users` and `busy`. The servers run in turn, each alone, and each
ratio is taken within a round. The part `busy` prints how long other clients wait while a script runs for ever.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from processes import REDIS, Connection, Contender, Process, own_contender, redis_contender, running

ROOT = Path(__file__).resolve().parents[1]
ONE_CALL = "return redis.call('get',KEYS[1])"
HUNDRED_CALLS = "for i=1,100 do redis.call('set',KEYS[1],i) end return 1"
BUSY_MS = 100

Figures = dict[str, float]  # microseconds of CPU by what was measured
Part = Callable[[Contender, int], Figures]


def cost(process: Process, requests: int, command: Sequence[str], options: Sequence[str] = ()) -> float:
    """CPU time (microseconds) for each of many requests by redis-benchmark, one at a time from each client."""
    before = process.cpu_ns()
    subprocess.run(
        ["redis-benchmark", "-p", str(process.port), "-n", str(requests), "-q", *options, *command],
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return (process.cpu_ns() - before) / 1000 / requests


def scripts(contender: Contender, requests: int) -> Figures:
    """EVAL and EVALSHA of a script with one call, and a script with 100 calls."""
    with running(contender) as process:
        connection = Connection(process.port)
        connection.do("SET", "k", "v")
        digest = connection.do("SCRIPT", "LOAD", ONE_CALL).decode()
        return {
            "EVAL, one call": cost(process, requests, ("EVAL", ONE_CALL, "1", "k")),
            "EVALSHA, one call": cost(process, requests, ("EVALSHA", digest, "1", "k")),
            "EVAL, 100 calls": cost(process, requests // 10, ("EVAL", HUNDRED_CALLS, "1", "k")),
        }


def notifications(contender: Contender, requests: int) -> Figures:
    """SET without and with notifications that nobody is subscribed to."""
    found: Figures = {}
    for classes in ("", "KEA"):
        with running(contender, "--notify-keyspace-events", classes) as process:
            found[f"SET P=16, notifications {classes or 'off'}"] = cost(
                process, requests * 4, ("SET", "k", "v"), ("-P", "16")
            )
    return found


def users(contender: Contender, requests: int) -> Figures:
    """GET and SET of the default user, and of a user with ordinary rules."""
    with running(contender) as process:
        connection = Connection(process.port)
        connection.do("SET", "app:k", "v")
        connection.do("ACL", "SETUSER", "app", "on", ">secret", "~app:*", "+@read", "+@write", "+@connection")
        found: Figures = {}
        for name, options in (("default user", ()), ("user with rules", ("--user", "app", "-a", "secret"))):
            for command in (("GET", "app:k"), ("SET", "app:k", "v")):
                found[f"{command[0]} P=16, {name}"] = cost(process, requests * 4, command, ("-P", "16", *options))
        return found


def busy(contender: Contender, _requests: int) -> Figures:
    """The longest time that a PING takes while a script runs for ever, in microseconds."""
    with running(contender, "--busy-reply-threshold", str(BUSY_MS)) as process:
        script, other = Connection(process.port), Connection(process.port)
        for connection in (script, other):
            connection.do("PING")
        running_script = threading.Thread(target=lambda: script.do("EVAL", "while true do end", "0"))
        running_script.start()
        time.sleep(0.01)
        longest = 0.0
        for _ in range(100):
            start = time.perf_counter()
            other.do("PING")
            longest = max(longest, time.perf_counter() - start)
        other.do("SCRIPT", "KILL")
        running_script.join()
        return {f"PING during a script, longest (threshold {BUSY_MS} ms)": longest * 1e6}


PARTS: dict[str, Part] = {
    "scripts": scripts,
    "notifications": notifications,
    "users": users,
    "busy": busy,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python", metavar="PATH", help="interpreter with the package to measure")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    options = parser.parse_args()
    own = options.python or (f"{sys.executable}:{ROOT}" if (ROOT / "pyredmem").is_dir() else sys.executable)
    contenders = [redis_contender(), own_contender(own)]
    found: dict[str, dict[str, list[float]]] = {contender.name: {} for contender in contenders}
    for part in options.only.split(","):
        for number in range(options.rounds):
            print(f"{part}, round {number + 1} of {options.rounds}", file=sys.stderr)
            for contender in contenders:
                for label, figure in PARTS[part](contender, options.requests).items():
                    found[contender.name].setdefault(label, []).append(figure)
    ours = found[contenders[1].name]
    print(f"| us of CPU | {REDIS} | {contenders[1].name} | ratio min/median/max |\n|---|---:|---:|---:|")
    for label, theirs in found[REDIS].items():
        ratios = sorted(mine / other for mine, other in zip(ours[label], theirs, strict=True))
        shown = f"{ratios[0]:.2f} / {statistics.median(ratios):.2f} / {ratios[-1]:.2f}"
        print(f"| {label} | {statistics.median(theirs):.2f} | {statistics.median(ours[label]):.2f} | {shown} |")


if __name__ == "__main__":
    main()
