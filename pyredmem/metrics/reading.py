"""What is read of a server at one moment: the fields of INFO, and what else metrics are made of.

A reading can be taken of an engine, or of the replies of any Redis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple


class SlowLogState(NamedTuple):
    """The slow log."""

    length: int
    last_id: int  # of the newest entry; 0 if there is none
    last_us: int  # how long the newest one took (microseconds)


class Spike(NamedTuple):
    """The latest event of the latency monitor under one name."""

    event: str
    unix_s: int
    ms: int


_EMPTY_LOG: Final = SlowLogState(0, 0, 0)


@dataclass
class Reading:
    """What was read of a server."""

    info: dict[str, str]  # by field
    settings: dict[str, int] = field(default_factory=dict)
    slow_log: SlowLogState = _EMPTY_LOG
    spikes: list[Spike] = field(default_factory=list)

    def number(self, name: str) -> float | None:
        """A field as a number; None if there is no such field, or if it is no number."""
        return as_number(self.info.get(name, ""))

    def rows(self, prefix: str) -> Iterator[tuple[str, dict[str, str]]]:
        """The fields that begin with a prefix, ``cmdstat_get:calls=1,usec=2``: the rest of the name, and the parts."""
        for name, value in self.info.items():
            if name.startswith(prefix) and "=" in value:
                yield name[len(prefix) :], dict(part.split("=", 1) for part in value.split(",") if "=" in part)


def as_number(text: str) -> float | None:
    """A number of INFO; ``ok`` is 1, and any other word of a status is 0, as redis_exporter has it."""
    if text in {"ok", "fail", "err"}:
        return float(text == "ok")
    try:
        return float(text)
    except ValueError:
        return None


def parsed(text: str) -> dict[str, str]:
    """The fields of the text of INFO."""
    fields = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, colon, value in fields if colon}


def spikes_of(reply: Sequence[Sequence[Any]]) -> list[Spike]:
    """The events in the reply of LATENCY LATEST."""
    return [Spike(event.decode("utf-8", "backslashreplace"), at, ms) for event, at, ms, *_ in reply]
