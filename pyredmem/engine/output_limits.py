"""The limits on the unsent output of a client, by its class (client-output-buffer-limit).

A client that reaches the hard limit is disconnected at once; one that stays at or above the soft limit is disconnected
after the seconds that go with it. Zero means no limit. The memory of the reply blocks counts, but not the reply buffer,
which every client has (Redis 7.2 checkClientOutputBufferLimits).
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.config.settings import Settings

NORMAL = "normal"
PUBSUB = "pubsub"


class Limit:
    """The limits of one class."""

    def __init__(self, hard: i64, soft: i64, soft_seconds: i64) -> None:
        self.hard: i64 = hard
        self.soft: i64 = soft
        self.soft_seconds: i64 = soft_seconds

    def is_none(self) -> bool:
        """Whether output may grow without a limit."""
        return self.hard == 0 and self.soft == 0


class OutputLimits:
    """The limits of all classes, as the setting gives them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.normal = Limit(0, 0, 0)
        self.pubsub = Limit(0, 0, 0)
        settings.follow(("client-output-buffer-limit",), self._changed)

    def _changed(self) -> None:
        limits = self._settings.output_buffer_limits()
        self.normal = _limit(limits[NORMAL])
        self.pubsub = _limit(limits[PUBSUB])

    def of(self, subscribed: bool) -> Limit:
        """The limits of a client, by whether it is subscribed to something."""
        return self.pubsub if subscribed else self.normal


class OutputWatch:
    """Measures how long a client has been at or above its soft limit, in whole seconds of the clock, as in Redis."""

    def __init__(self) -> None:
        self._since_s: i64 = -1

    def observe(self, limit: Limit, output: i64, now_ms: i64) -> bool:
        """Note that the client has ``output`` bytes of unsent output; returns whether to close it."""
        if limit.hard != 0 and output >= limit.hard:
            return True
        if limit.soft == 0 or output < limit.soft:
            self._since_s = -1
            return False
        now_s = now_ms // 1000
        if self._since_s < 0:
            self._since_s = now_s
        return now_s - self._since_s > limit.soft_seconds


def _limit(numbers: tuple[int, int, int]) -> Limit:
    hard, soft, seconds = numbers
    return Limit(hard, soft, seconds)
