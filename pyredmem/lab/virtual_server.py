"""A real engine in virtual time: commands run at the times that they are given, and nothing else makes time pass.

Timers and tasks run when they are due in that time. While nothing happens for long the timer runs more rarely, as
nobody could see a difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mypy_extensions import i64

from pyredmem.assembly import create_engine
from pyredmem.base.clock import ManualClock
from pyredmem.base.key_hash import hash_seed
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine import figures
from pyredmem.engine.host import Host
from pyredmem.lab.operations import TYPES

_NEVER: Final = 1 << 62
#: It saves nothing: there is no disk, and a server that cannot save refuses writes.
_FIXED: Final = (("save", ""),)
#: In the last second of a pause the timer runs as usual; before that about as often as this.
_FINE_US: Final = 1_000_000
_COARSE_TICKS: Final = 10
#: The time in which a server starts: a unix time in microseconds.
START_US: Final = 1_700_000_000_000_000
#: What a request takes on its way, besides its arguments; only `total_net_input_bytes` depends on it.
_REQUEST_BYTES: Final = 40
#: Longer values than this are not kept for the next write of the same length.
_KEPT_VALUE: Final = 1 << 20
#: How a value of each type with one element is written, by the number of the type.
_WRITERS: Final[dict[int, tuple[list[bytes], list[bytes]]]] = {
    TYPES.index("list"): ([b"RPUSH"], []),
    TYPES.index("hash"): ([b"HSET"], [b"f"]),
    TYPES.index("set"): ([b"SADD"], []),
    TYPES.index("zset"): ([b"ZADD"], [b"1"]),
    TYPES.index("stream"): ([b"XADD"], [b"*", b"f"]),
}


class VirtualHost(Host):
    """Keeps the time at which the engine's tasks want to run."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.alarm_us: i64 = _NEVER

    def wake_after(self, delay_us: int) -> None:
        self.alarm_us = int(self._clock.now_us()) + delay_us


class VirtualServer:
    """An engine with one client, whose replies nobody reads."""

    def __init__(self, settings: Iterable[tuple[str, str]], seed: int, start_us: int = START_US) -> None:
        self.clock = ManualClock(start_us)
        self._host = VirtualHost(self.clock)
        chosen = Settings((*_FIXED, *settings))
        self.engine = create_engine(chosen, self.clock, Random(seed), self._host, hash_seed=hash_seed(seed))
        self.session = self.engine.connect("local", "127.0.0.1:1", "127.0.0.1:6379")
        self.session.set_replies(False)
        self.runner = self.session.runner
        self.keyspace = self.engine.keyspace
        self.now_us: i64 = start_us
        self._tick_us: i64 = start_us
        self.due_us: i64 = start_us  # when a timer or a task wants to run next
        self._values: dict[int, bytes] = {}
        self.pass_until(start_us)
        self.startup_bytes = 0
        self.note_startup()

    def note_startup(self) -> None:
        """Take what the server uses now as what it uses without data."""
        self.startup_bytes = self.used_memory

    def limit(self, maxmemory: int) -> None:
        """Set maxmemory to a number of bytes."""
        self.engine.settings.set_many([("maxmemory", str(maxmemory))])

    # Time.

    def pass_until(self, now_us: i64) -> None:
        """Let time pass, and run what becomes due."""
        coarse_us = (now_us - self.now_us) // _COARSE_TICKS
        while self.due_us <= now_us:
            self.show(max(self.due_us, self.now_us))
            if self._host.alarm_us <= self.now_us:
                self._host.alarm_us = _NEVER
                self.engine.run_tasks()
            if self._tick_us <= self.now_us:
                self.engine.tick(self.now_us // 1000)
                left_us = now_us - self.now_us
                self._tick_us = self.now_us + 1000 * self.engine.cron.interval_ms()
                if left_us > _FINE_US:
                    self._tick_us = max(self._tick_us, self.now_us + min(left_us - _FINE_US, coarse_us))
            self.due_us = min(self._tick_us, max(self._host.alarm_us, self.now_us + 1))
        self.show(now_us)

    def show(self, now_us: i64) -> None:
        """Let the clock show a time; nothing is due before it."""
        if now_us > self.now_us:
            self.clock.advance_us(now_us - self.now_us)
            self.now_us = now_us

    # Commands.

    def do(self, argv: list[bytes]) -> None:
        """Run one command, now."""
        self.runner.begin_batch(self.session, _REQUEST_BYTES)
        self.runner.execute(self.session, argv)
        self.runner.end_batch()
        if self._host.alarm_us < self.due_us:
            self.due_us = self._host.alarm_us

    def value(self, size: i64) -> bytes:
        """A value of ``size`` bytes."""
        found = self._values.get(size)
        if found is None:
            found = b"x" * size
            if size <= _KEPT_VALUE:
                self._values[size] = found
        return found

    def write(self, key: bytes, kind: i64, size: i64) -> None:
        """Give a key a value of a type; a value with elements has one. The key has no expire time then."""
        if kind not in _WRITERS:
            self.do([b"SET", key, self.value(size)])
            return
        before, after = _WRITERS[kind]
        self.do([b"DEL", key])
        self.do([*before, key, *after, self.value(size)])

    def delete(self, key: bytes) -> None:
        self.do([b"DEL", key])

    def choose(self, database: int) -> None:
        """Use another database."""
        self.do([b"SELECT", b"%d" % database])

    # Figures.

    def memory_of(self, key: bytes) -> int:
        """What MEMORY USAGE says of a key; 0 if there is none."""
        database = self.session.db
        value = database.stored_value(key)
        if value is None:
            return 0
        return int(database.key_overhead(key) + value.memory(self.engine.allocator, 0))

    def type_of(self, key: bytes) -> str:
        """The type of a key; empty if there is none."""
        value = self.session.db.stored_value(key)
        return "" if value is None else value.type_name().decode()

    @property
    def used_memory(self) -> int:
        return int(self.engine.allocator.used_memory)

    @property
    def evicted(self) -> int:
        """How many keys were evicted."""
        return self.engine.figures.value(figures.EVICTED_KEYS)

    @property
    def over_limit_seconds(self) -> float:
        """For how long memory exceeded the limit."""
        return self.engine.figures.value(figures.EVICTION_EXCEEDED_TOTAL_MS) / 1000

    @property
    def refused(self) -> int:
        """How many commands were refused because memory was short."""
        return self.engine.stats.errors.get(b"OOM", 0)

    def other_errors(self) -> list[str]:
        """The codes of all other errors that commands had."""
        return [code.decode() for code in self.engine.stats.errors if code != b"OOM"]

    def close(self) -> None:
        """Let go of everything."""
        self.engine.release(self.session)
        self.engine.close()
