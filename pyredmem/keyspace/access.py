"""How recently (LRU) and how often (LFU) a key was used: the arithmetic of the 24-bit access field.

LRU: the field is the time of the last use, in seconds of the unix clock modulo 2**24. LFU: the upper 16 bits are the
time of the last use, in minutes of the unix clock modulo 2**16. The lower 8 bits are a counter: the higher it is, the
more rarely a use adds one to it, and it loses one for every lfu-decay-time minutes (Redis 7.2 evict.c).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.rng import Random

LRU_CLOCK_MASK: Final = (1 << 24) - 1
#: The counter of a new key, so that it is not the first to be evicted.
LFU_INITIAL: Final = 5
LFU_MAXIMUM: Final = 255
_MINUTES_MASK: Final = 65535


def lru_clock(now_ms: i64) -> i64:
    """The 24-bit clock, in seconds."""
    return now_ms // 1000 & LRU_CLOCK_MASK


def idle_ms(clock: i64, field: i64) -> i64:
    """Milliseconds since the last use, from the clock now and an LRU field."""
    if clock >= field:
        return (clock - field) * 1000
    return (clock + (LRU_CLOCK_MASK - field)) * 1000


def lfu_minutes(now_ms: i64) -> i64:
    """The 16-bit clock of LFU, in minutes."""
    return now_ms // 60000 & _MINUTES_MASK


def lfu_decayed(field: i64, minutes: i64, decay_time: i64) -> i64:
    """The counter of an LFU field at the time ``minutes``; it loses one per ``decay_time`` minutes, 0 for no decay."""
    last = field >> 8
    counter = field & 255
    if minutes == last or decay_time == 0:
        return counter
    elapsed = minutes - last if minutes > last else _MINUTES_MASK - last + minutes
    points = elapsed // decay_time
    return counter - points if counter > points else 0


def lfu_used(field: i64, minutes: i64, decay_time: i64, log_factor: i64, rng: Random) -> i64:
    """The LFU field after one more use."""
    counter = lfu_decayed(field, minutes, decay_time)
    if counter < LFU_MAXIMUM:
        above = counter - LFU_INITIAL if counter > LFU_INITIAL else 0
        if rng.unit() * float(above * log_factor + 1) < 1.0:
            counter += 1
    return minutes << 8 | counter
