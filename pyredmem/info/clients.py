"""INFO clients: how many clients are connected, blocked or tracking, and how large their buffers were."""

from __future__ import annotations

from pyredmem.engine import figures
from pyredmem.info.report import Report


def clients(report: Report) -> None:
    report.number("connected_clients", len(report.engine.sessions))
    report.number("cluster_connections", 0)
    report.number("maxclients", report.engine.settings.integer("maxclients"))
    report.figure(figures.RECENT_MAX_INPUT_BUFFER)
    report.figure(figures.RECENT_MAX_OUTPUT_BUFFER)
    report.figure(figures.BLOCKED_CLIENTS)
    report.figure(figures.TRACKING_CLIENTS)
    report.figure(figures.SUBSCRIBED_CLIENTS)
    report.figure(figures.WATCHING_CLIENTS)
    report.figure(figures.CLIENTS_IN_TIMEOUT_TABLE)
    report.number("total_watched_keys", report.engine.keyspace.changes.count_watched_keys())
    report.figure(figures.BLOCKING_KEYS)
    report.figure(figures.BLOCKING_KEYS_ON_NO_KEY)
    pause = report.engine.pause
    report.text("paused_reason", "client_pause" if pause.active else "none")
    report.text("paused_actions", pause.actions())
    report.number("paused_timeout_milliseconds", pause.left_ms())
