"""LATENCY: the samples of the latency monitor, and histograms of how long each command takes."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import CommandError
from pyredmem.commands.c_strings import c_string
from pyredmem.commands.help import declare_help
from pyredmem.engine.command import ADMIN, LOADING, NOSCRIPT, STALE, Command, Group
from pyredmem.engine.context import Context
from pyredmem.engine.latency_histogram import LatencyHistogram
from pyredmem.engine.latency_reports import DoctorFacts, latency_doctor, latency_graph

latency: Final = Group("server")

_FLAGS: Final = ADMIN | NOSCRIPT | LOADING | STALE
_FIGURES: Final = ("nondeterministic_output", "request_policy:all_nodes", "response_policy:special")

latency.container("latency", since="2.8.13", summary="A container for commands about the latency of the server.")
declare_help(latency, "latency", since="2.8.13")


def _now_s(context: Context) -> int:
    return int(context.keyspace.now_us // 1_000_000)


@latency.command(
    "latency|doctor",
    arity=2,
    flags=_FLAGS,
    since="2.8.13",
    complexity="O(1)",
    summary="Returns a report on the latency spikes, with advice.",
    tips=_FIGURES,
)
def latency_doctor_(context: Context, argv: list[bytes]) -> None:
    engine = context.engine
    facts = DoctorFacts(engine.settings.integer("slowlog-log-slower-than"), engine.stats.fork_rate, 0)
    context.reply.verbatim(latency_doctor(engine.slow_commands.monitor, _now_s(context), facts))


@latency.command(
    "latency|graph",
    arity=3,
    flags=_FLAGS,
    since="2.8.13",
    complexity="O(1)",
    summary="Draws the samples of an event as a graph.",
    syntax="event",
    tips=_FIGURES,
)
def latency_graph_(context: Context, argv: list[bytes]) -> None:
    event = context.engine.slow_commands.monitor.event(argv[2])
    if event is None:
        raise CommandError(b"ERR No samples available for event '" + c_string(argv[2]) + b"'")
    context.reply.verbatim(latency_graph(event, _now_s(context)))


@latency.command(
    "latency|history",
    arity=3,
    flags=_FLAGS,
    since="2.8.13",
    complexity="O(1)",
    summary="Returns the samples of an event: the unix time and the milliseconds of each.",
    syntax="event",
    tips=_FIGURES,
)
def latency_history(context: Context, argv: list[bytes]) -> None:
    samples = context.engine.slow_commands.monitor.history(argv[2])
    context.reply.array(len(samples))
    for time_s, milliseconds in samples:
        context.reply.array(2)
        context.reply.integer(time_s)
        context.reply.integer(milliseconds)


@latency.command(
    "latency|latest",
    arity=2,
    flags=_FLAGS,
    since="2.8.13",
    complexity="O(1)",
    summary="Returns the time of the latest sample of each event, that sample and the longest one ever.",
    tips=_FIGURES,
)
def latency_latest(context: Context, argv: list[bytes]) -> None:
    events = context.engine.slow_commands.monitor.latest()
    reply = context.reply
    reply.array(len(events))
    for name, time_s, last_ms, max_ms in events:
        reply.array(4)
        reply.bulk(name)
        reply.integer(time_s)
        reply.integer(last_ms)
        reply.integer(max_ms)


@latency.command(
    "latency|reset",
    arity=-2,
    flags=_FLAGS,
    since="2.8.13",
    complexity="O(1)",
    summary="Deletes the samples of the named events, or of all events.",
    syntax="[event [event ...]]",
    tips=("request_policy:all_nodes", "response_policy:agg_sum"),
)
def latency_reset(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(context.engine.slow_commands.monitor.reset(argv[2:]))


@latency.command(
    "latency|histogram",
    arity=-2,
    flags=_FLAGS,
    since="7.0.0",
    complexity="O(N) with N commands that have a histogram",
    summary="Returns the cumulative distribution of the durations of the named commands, or of all, in microseconds.",
    syntax="[command [command ...]]",
    tips=_FIGURES,
)
def latency_histogram(context: Context, argv: list[bytes]) -> None:
    measured = _measured(context, argv[2:])
    context.reply.map(len(measured))
    for name, histogram in measured:
        context.reply.bulk(name)
        _distribution(context, histogram)


def _measured(context: Context, names: list[bytes]) -> list[tuple[bytes, LatencyHistogram]]:
    """The named commands that have a histogram, containers with their subcommands; all if none is named."""
    table = context.engine.commands
    chosen: list[Command] = []
    for name in names:
        command = table.by_full_name(name)
        if command is not None:
            chosen.append(command)
            chosen += command.subcommands.values()
    if not names:
        chosen = table.all()
    measured: list[tuple[bytes, LatencyHistogram]] = []
    for command in chosen:
        counters = context.engine.statistics.find(command)
        if counters is not None and counters.histogram is not None:
            measured.append((command.full_name, counters.histogram))
    return measured


def _distribution(context: Context, histogram: LatencyHistogram) -> None:
    pairs = histogram.cumulative_distribution()
    reply = context.reply
    reply.map(2)
    reply.bulk(b"calls")
    reply.integer(histogram.count)
    reply.bulk(b"histogram_usec")
    reply.map(len(pairs))
    for microseconds, calls in pairs:
        reply.integer(microseconds)
        reply.integer(calls)
