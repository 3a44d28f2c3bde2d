"""A reading of the engine in this process."""

from __future__ import annotations

from collections.abc import Iterator

from pyredmem.engine.engine import Engine
from pyredmem.info.sections import NAMES_OF_ALL, info_text
from pyredmem.metrics.names import SETTINGS
from pyredmem.metrics.reading import Reading, SlowLogState, Spike, parsed


def reading_of(engine: Engine) -> Reading:
    """Read everything that metrics are made of. Nothing is changed."""
    info: dict[str, str] = {}
    for fields in info_by_section(engine):
        info |= fields
    return reading_with(engine, info)


def info_by_section(engine: Engine) -> Iterator[dict[str, str]]:
    """The fields of INFO, a section at a time. All of them take a millisecond; clients can be served in between."""
    for name in NAMES_OF_ALL:
        yield parsed(info_text(engine, [name]).decode("utf-8", "backslashreplace"))


def reading_with(engine: Engine, info: dict[str, str]) -> Reading:
    """A reading whose fields of INFO have been read."""
    log = engine.slow_commands.log
    newest = log.get(1)
    settings = engine.core.settings
    return Reading(
        info=info,
        settings={name: settings.integer(name) for name in (*SETTINGS, "databases")},
        slow_log=SlowLogState(
            length=len(log),
            last_id=newest[0].entry_id if newest else 0,
            last_us=newest[0].duration_us if newest else 0,
        ),
        spikes=[Spike(event.decode(), at, ms) for event, at, ms, _ in engine.slow_commands.monitor.latest()],
    )
