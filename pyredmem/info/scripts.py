"""INFO scriptingengines, a section of Valkey: what runs scripts. Here this is Lua alone."""

from __future__ import annotations

from typing import Final

from pyredmem.engine import figures
from pyredmem.info.report import Report

_OVERHEAD_BYTES: Final = 56


def scripting_engines(report: Report) -> None:
    value = report.engine.figures.value
    used = value(figures.LUA_EVAL_BYTES) + value(figures.LUA_FUNCTIONS_BYTES)
    report.number("engines_count", 1)
    report.number("engines_total_used_memory", used)
    report.number("engines_total_memory_overhead", _OVERHEAD_BYTES)
    figures_of_lua = f"used_memory={used},memory_overhead={_OVERHEAD_BYTES}"
    report.text("engine_0", f"name=LUA,module=lua,abi_version=4,{figures_of_lua}")
