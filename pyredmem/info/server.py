"""INFO server: which program this is, where it runs, and since when."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, Final

from pyredmem import __version__
from pyredmem.base.build import COMPILED
from pyredmem.info.report import Report

_DAY_S: Final = 86400


def server(report: Report) -> None:
    _program(report)
    _process(report)
    _time(report)
    _place(report)
    # Fields that Redis does not have: which program really replies.
    report.text("pyredmem_version", __version__)
    report.text("pyredmem_build", "compiled" if COMPILED else "interpreted")
    report.text("python_version", sys.version.partition(" ")[0])


def _program(report: Report) -> None:
    profile = report.engine.profile
    report.text("redis_version", profile.known_as)
    report.text("server_name", profile.server)
    report.text("valkey_version", profile.version)
    report.text("valkey_release_stage", "ga")
    report.text("redis_git_sha1", "00000000")
    report.number("redis_git_dirty", 0)
    report.text("redis_build_id", "0000000000000000")
    report.text("redis_mode", "standalone")
    report.text("server_mode", "standalone")
    report.text("os", _operating_system())
    report.number("arch_bits", sys.maxsize.bit_length() + 1)
    report.text("monotonic_clock", "POSIX clock_gettime")
    report.text("multiplexing_api", report.engine.host.event_loop_name())
    report.text("atomicvar_api", "none")
    report.text("gcc_version", "0.0.0")


def _operating_system() -> str:
    uname: Any = getattr(os, "uname", None)  # mypyc would take it for given, as on the system where it compiles
    if uname is not None:
        system = uname()
        return f"{system.sysname} {system.release} {system.machine}"
    platform = import_module("platform")  # takes milliseconds to load, so only Windows does
    return f"{platform.system()} {platform.release()} {platform.machine()}".rstrip()


def _process(report: Report) -> None:
    engine = report.engine
    report.number("process_id", engine.host.process_id())
    report.text("process_supervised", "no")
    report.text("run_id", engine.identity.run_id.decode())
    report.number("tcp_port", engine.host.tcp_port())


def _time(report: Report) -> None:
    engine = report.engine
    now_us = engine.clock.now_us()
    uptime_s = max(now_us - engine.core.started_us, 0) // 1_000_000
    report.number("server_time_usec", now_us)
    report.number("uptime_in_seconds", uptime_s)
    report.number("uptime_in_days", uptime_s // _DAY_S)
    report.number("hz", engine.cron.hz)
    report.number("configured_hz", engine.settings.integer("hz"))
    report.number("clients_hz", engine.cron.hz)
    report.number("lru_clock", engine.keyspace.lru_clock)


def _place(report: Report) -> None:
    host = report.engine.host
    report.text("executable", host.executable_path())
    report.text("config_file", host.config_path())
    report.number("io_threads_active", 0)
    report.text("availability_zone", report.engine.settings.text("availability-zone"))
    for number, listener in enumerate(host.listeners()):
        report.text(f"listener{number}", listener)


def tls(report: Report) -> None:
    """Write the section TLS of Valkey; which certificates are in use is not known here."""
    for certificate in ("server_cert", "client_cert", "ca_cert"):
        report.text(f"tls_{certificate}_serial", "none")
        report.number(f"tls_{certificate}_expires_in_seconds", 0)
