"""A reading of the engine in this process."""

from __future__ import annotations

from pyredmem.engine.engine import Engine
from pyredmem.info.sections import info_text
from pyredmem.metrics.names import SETTINGS
from pyredmem.metrics.reading import Reading, SlowLogState, Spike, parsed


def reading_of(engine: Engine) -> Reading:
    """Read everything that metrics are made of. Nothing is changed."""
    log = engine.slow_commands.log
    newest = log.get(1)
    settings = engine.core.settings
    return Reading(
        info=parsed(info_text(engine, [b"everything"]).decode("utf-8", "backslashreplace")),
        settings={name: settings.integer(name) for name in (*SETTINGS, "databases")},
        slow_log=SlowLogState(
            length=len(log),
            last_id=newest[0].entry_id if newest else 0,
            last_us=newest[0].duration_us if newest else 0,
        ),
        spikes=[Spike(event.decode(), at, ms) for event, at, ms, _ in engine.slow_commands.monitor.latest()],
    )
