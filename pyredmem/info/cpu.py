"""INFO cpu: the processor time that the process has used, in seconds."""

from __future__ import annotations

from typing import Final

from pyredmem.info.report import Report

_PLACES: Final = 6


def cpu(report: Report) -> None:
    host = report.engine.host
    system, user, children_system, children_user = host.cpu_seconds()
    thread_system, thread_user = host.main_thread_cpu_seconds()
    report.decimal("used_cpu_sys", system, _PLACES)
    report.decimal("used_cpu_user", user, _PLACES)
    report.decimal("used_cpu_sys_children", children_system, _PLACES)
    report.decimal("used_cpu_user_children", children_user, _PLACES)
    report.decimal("used_cpu_sys_main_thread", thread_system, _PLACES)
    report.decimal("used_cpu_user_main_thread", thread_user, _PLACES)
    report.decimal("used_active_time_main_thread", report.engine.sampler.busy_us() / 1_000_000, _PLACES)
