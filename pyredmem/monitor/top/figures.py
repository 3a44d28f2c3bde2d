"""The figures of the overview: what each is, and how it comes from a reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pyredmem.metrics.reading import Reading, as_number
from pyredmem.monitor.top.rates import CALLS, MICROSECONDS, Rates
from pyredmem.monitor.top.texts import NONE, count, duration, microseconds, percent, rate, size
from pyredmem.monitor.top.trends import Trend, Trends

#: The parts of INFO's CPU time that commands and timers take; those of children are left out.
_CPU: Final = ("redis_cpu_user_seconds_total", "redis_cpu_sys_seconds_total")
_MS: Final = 1000


@dataclass(frozen=True)
class Moment:
    """A reading, with how its counters grow."""

    reading: Reading
    rates: Rates

    def number(self, field: str) -> float | None:
        """A field of INFO as a number."""
        return self.reading.number(field)

    def size(self, field: str) -> str:
        """A field of INFO that is a number of bytes."""
        return size(self.number(field))

    def ratio(self, field: str, base: str) -> str:
        """A ratio of INFO, with what it is a multiple of."""
        number = self.number(field)
        return "" if number is None else f"{number:.2f} x {base}"

    def in_all(self, field: str) -> str:
        """A counter since the start, or since CONFIG RESETSTAT."""
        number = self.number(field)
        return "" if number is None else f"{count(number)} in all"

    def commands(self) -> list[str]:
        """The names of the commands that have been called."""
        return [name for name, _ in self.reading.rows("cmdstat_")]

    def keys(self, part: str) -> float:
        """The sum over all databases of one of the parts of INFO keyspace."""
        return sum([as_number(parts.get(part, "")) or 0.0 for _, parts in self.reading.rows("db")])

    def limit(self) -> float:
        """The setting maxmemory; 0 means none."""
        return self.number("maxmemory") or 0.0

    def hit_ratio(self) -> float | None:
        """The share of reads that found their key, since the last reading."""
        return _share(self.rates.of("redis_keyspace_hits_total"), self.rates.of("redis_keyspace_misses_total"))

    def total_hit_ratio(self) -> float | None:
        """The same since the start."""
        return _share(self.number("keyspace_hits"), self.number("keyspace_misses"))

    def time_per_call(self) -> float | None:
        """The mean time of the calls since the last reading (microseconds)."""
        names = self.commands()
        calls = sum([self.rates.of_command(name, CALLS) or 0.0 for name in names])
        spent = sum([self.rates.of_command(name, MICROSECONDS) or 0.0 for name in names])
        return spent / calls if calls else None

    def cpu(self) -> float | None:
        """The share of one core that the server took since the last reading."""
        return _sum([self.rates.of(metric) for metric in _CPU])

    def busiest(self) -> tuple[str, float] | None:
        """The command that is called most often, and how often per second."""
        found = [(self.rates.of_command(name, CALLS) or 0.0, name) for name in self.commands()]
        calls, name = max(found, default=(0.0, ""))
        return (name, calls) if calls else None


def _share(part: float | None, rest: float | None) -> float | None:
    return part / (part + rest) if part is not None and rest is not None and part + rest else None


def _sum(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


class Shown(NamedTuple):
    """A figure as it is shown."""

    value: str
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """What one line of the overview shows."""

    label: str
    explained: str
    show: Callable[[Moment], Shown]
    trend: Callable[[Moment], float | None] | None = None  # the number that a sparkline is drawn of
    from_zero: bool = True  # whether the sparkline begins at zero
    note_first: bool = False  # where there is no room for note and sparkline, it is the note that stays


@dataclass(frozen=True)
class Section:
    """Figures that belong together."""

    title: str
    figures: tuple[Figure, ...]


def _limit(moment: Moment) -> Shown:
    limit, used = moment.limit(), moment.number("used_memory")
    if not limit or used is None:
        return Shown("none", moment.reading.info.get("maxmemory_policy", ""))
    return Shown(size(limit), f"{percent(used / limit)} used")


def _peak(moment: Moment) -> Shown:
    share = moment.reading.info.get("used_memory_peak_perc")
    return Shown(moment.size("used_memory_peak"), "" if share is None else f"{share} now")


def _hits(moment: Moment) -> Shown:
    total = moment.total_hit_ratio()
    return Shown(percent(moment.hit_ratio()), "" if total is None else f"{percent(total)} in all")


def _busiest(moment: Moment) -> Shown:
    found = moment.busiest()
    return Shown(NONE) if found is None else Shown(rate(found[1]), found[0])


def _defrag(moment: Moment) -> Shown:
    running = moment.number("active_defrag_running")
    if running is None:
        return Shown(NONE)
    spent_ms = moment.number("total_active_defrag_time") or 0.0
    return Shown(f"{running:.0f}% CPU" if running else "idle", f"{duration(spent_ms / _MS)} in all" if spent_ms else "")


def _over(moment: Moment) -> Shown:
    now_ms = moment.number("current_eviction_exceeded_time")
    total_ms = moment.number("total_eviction_exceeded_time")
    if now_ms is None or total_ms is None:
        return Shown(NONE)
    return Shown(duration(now_ms / _MS) if now_ms else "no", f"{duration(total_ms / _MS)} in all" if total_ms else "")


def _clients(moment: Moment) -> Shown:
    most = moment.number("maxclients")
    return Shown(count(moment.number("connected_clients")), "" if most is None else f"of {count(most)}")


def _slow_log(moment: Moment) -> Shown:
    log = moment.reading.slow_log
    return Shown(count(log.length), f"last {microseconds(log.last_us)}" if log.length else "")


def _growth(metric: str) -> Callable[[Moment], float | None]:
    return lambda moment: moment.rates.of(metric)


def _field(name: str) -> Callable[[Moment], float | None]:
    return lambda moment: moment.number(name)


def _counter(label: str, explained: str, metric: str, field: str) -> Figure:
    """A counter: how much it grows per second, and what it is in all."""
    return Figure(
        label,
        explained,
        lambda moment: Shown(rate(moment.rates.of(metric)), moment.in_all(field)),
        _growth(metric),
    )


def _traffic(label: str, explained: str, metric: str) -> Figure:
    return Figure(label, explained, lambda moment: Shown(size(moment.rates.of(metric))), _growth(metric))


MEMORY: Final = Section(
    "Memory",
    (
        Figure(
            "used",
            "used_memory: what Redis's allocator has given out, for data and everything else",
            lambda moment: Shown(moment.size("used_memory")),
            _field("used_memory"),
            from_zero=False,
        ),
        Figure("maxmemory", "maxmemory and how much of it is used, or the policy if there is no limit", _limit),
        Figure(
            "peak",
            "used_memory_peak: the largest that used has been since the start; the note is how much of that it is now",
            _peak,
        ),
        Figure(
            "dataset",
            "used_memory_dataset: used without what the server needs for itself, clients and tables",
            lambda moment: Shown(moment.size("used_memory_dataset")),
            _field("used_memory_dataset"),
            from_zero=False,
        ),
        Figure(
            "active",
            "allocator_active: pages with blocks in them; allocator_frag_ratio: how many times larger they are than "
            "the blocks (external fragmentation, which active defrag mends)",
            lambda moment: Shown(moment.size("allocator_active"), moment.ratio("allocator_frag_ratio", "blocks")),
            _field("allocator_active"),
            from_zero=False,
            note_first=True,
        ),
        Figure(
            "resident",
            "allocator_resident: the same with free pages that the allocator keeps; allocator_rss_ratio: how many "
            "times larger that is than active (MEMORY PURGE gives them back)",
            lambda moment: Shown(moment.size("allocator_resident"), moment.ratio("allocator_rss_ratio", "active")),
            _field("allocator_resident"),
            from_zero=False,
            note_first=True,
        ),
        Figure(
            "RSS",
            "used_memory_rss: what the operating system counts for the process; mem_fragmentation_ratio: how many "
            "times larger it is than used",
            lambda moment: Shown(moment.size("used_memory_rss"), moment.ratio("mem_fragmentation_ratio", "used")),
            _field("used_memory_rss"),
            from_zero=False,
            note_first=True,
        ),
    ),
)

OPERATIONS: Final = Section(
    "Operations",
    (
        _counter(
            "commands/s",
            "how much total_commands_processed grows per second, with the few commands of `pyredmem top` itself",
            "redis_commands_processed_total",
            "total_commands_processed",
        ),
        Figure(
            "per call",
            "the mean time of a call since the last reading: the growth of usec over that of calls in commandstats",
            lambda moment: Shown(microseconds(moment.time_per_call())),
            Moment.time_per_call,
        ),
        Figure(
            "busiest",
            "calls per second of the command that is called most often, and its name",
            _busiest,
            note_first=True,
        ),
        Figure(
            "hit ratio",
            "keyspace_hits over hits and misses since the last reading; the note is the same since the start",
            _hits,
            Moment.hit_ratio,
            note_first=True,
        ),
        _traffic("input/s", "bytes that clients send per second: total_net_input_bytes", "redis_net_input_bytes_total"),
        _traffic(
            "output/s", "bytes that clients get per second: total_net_output_bytes", "redis_net_output_bytes_total"
        ),
        Figure(
            "CPU",
            "used_cpu_user and used_cpu_sys per second: the share of one core that the server takes",
            lambda moment: Shown(percent(moment.cpu())),
            Moment.cpu,
        ),
    ),
)

RECLAIM: Final = Section(
    "Reclaim",
    (
        _counter(
            "evicted/s",
            "keys deleted because of maxmemory, per second: evicted_keys",
            "redis_evicted_keys_total",
            "evicted_keys",
        ),
        _counter(
            "expired/s",
            "keys deleted because their time was over, per second: expired_keys",
            "redis_expired_keys_total",
            "expired_keys",
        ),
        Figure(
            "lazy free",
            "lazyfree_pending_objects: values that wait to be freed in the background",
            lambda moment: Shown(count(moment.number("lazyfree_pending_objects"))),
            _field("lazyfree_pending_objects"),
        ),
        Figure(
            "defrag",
            "active_defrag_running: the share of a core that active defrag takes now; the note is its time in all",
            _defrag,
            _field("active_defrag_running"),
            note_first=True,
        ),
        _counter(
            "defrag hits/s",
            "blocks that active defrag moved per second: active_defrag_hits",
            "redis_defrag_hits",
            "active_defrag_hits",
        ),
        Figure(
            "over limit",
            "current_eviction_exceeded_time: for how long used has been over maxmemory; the note is that time in all",
            _over,
            note_first=True,
        ),
    ),
)

CLIENTS: Final = Section(
    "Clients and keys",
    (
        Figure(
            "connected",
            "connected_clients, of at most maxclients",
            _clients,
            _field("connected_clients"),
            note_first=True,
        ),
        Figure(
            "blocked",
            "blocked_clients: those that wait in a command such as BLPOP",
            lambda moment: Shown(count(moment.number("blocked_clients"))),
            _field("blocked_clients"),
        ),
        Figure(
            "buffers",
            "mem_clients_normal: memory of clients that are no replicas, most of it their buffers",
            lambda moment: Shown(moment.size("mem_clients_normal")),
            _field("mem_clients_normal"),
        ),
        Figure(
            "keys",
            "keys of all databases, in INFO keyspace",
            lambda moment: Shown(count(moment.keys("keys"))),
            lambda moment: moment.keys("keys"),
            from_zero=False,
        ),
        Figure(
            "with a time",
            "those of them that have an expire time",
            lambda moment: Shown(count(moment.keys("expires"))),
            lambda moment: moment.keys("expires"),
        ),
        Figure("slow log", "entries of the slow log, and how long its newest one took", _slow_log, note_first=True),
    ),
)

SECTIONS: Final = (MEMORY, OPERATIONS, RECLAIM, CLIENTS)


class Line(NamedTuple):
    """A line of the overview: a figure at one moment."""

    figure: Figure
    shown: Shown
    trend: Trend


def trend_values(moment: Moment) -> dict[str, float | None]:
    """The number of each figure that has a sparkline, by its label."""
    figures = [figure for section in SECTIONS for figure in section.figures]
    return {figure.label: figure.trend(moment) for figure in figures if figure.trend is not None}


def lines_of(moment: Moment, trends: Trends) -> Mapping[str, Sequence[Line]]:
    """The lines of each section, by its title."""
    return {
        section.title: [Line(figure, figure.show(moment), trends.of(figure.label)) for figure in section.figures]
        for section in SECTIONS
    }
