"""The active expire cycle: it finds keys whose time is over although nobody asks for them (Redis 7.2 expire.c).

A *slow* cycle runs at each tick of the timer and may take a quarter of the time between two ticks. In every database it
looks at some twenty keys that have a time, and again and again as long as more than a tenth of them are over::

    database 0    [ 20 keys: 7 over ] -> 35 %: once more    [ 20 keys: 1 over ] -> 5 %: next database
    database 1    ...                       every 16 rounds: is the time used up? -> stop, count it

A cycle that was stopped by its time is followed by *fast* cycles, of a millisecond each and two milliseconds apart at
least, until one gets through. The keys are taken bucket by bucket with the cursor of SCAN, so that all have their turn.
The *effort* (0 to 9, active-expire-effort less one) makes each of these figures a little larger.

Redis does a cycle in one go: clients wait for 25 ms when many keys are over. Here a cycle looks at the same keys and
may take the same time, but in slices: it ends a round in a database when the slice is used up, and goes on from there
when it is asked to. What is measured against its limit is the time of its slices, without the pauses. ::

    Redis   [======== 25 ms ========]                                        clients wait for all of it
    here    [=]  [=]  [=]  [=]  [=]  [=]  ...                                for one slice at most

It is pure: the clock that measures its time is passed in.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.layout import DICT_INITIAL_BUCKETS

#: Databases that one cycle looks at, unless the last one was stopped by its time.
DATABASES_PER_CYCLE: Final = 16
KEYS_PER_ROUND: Final = 20
BUCKETS_PER_KEY: Final = 20  # a round visits no more buckets than this for each key it wants
FAST_CYCLE_US: Final = 1000
SLOW_CYCLE_PERCENT: Final = 25  # of the time between two ticks
ACCEPTABLE_STALE_PERCENT: Final = 10
ROUNDS_BETWEEN_CHECKS: Final = 16  # of the time used
#: ``fast_due_us`` when no fast cycle is needed.
NEVER: Final = 1 << 62


class ExpireCycle:
    """The cycle over all databases of a keyspace, and its figures."""

    def __init__(self, keyspace: Keyspace, clock: Clock) -> None:
        self._keyspace = keyspace
        self._clock: Clock = clock
        self.effort: i64 = 0
        self.hz: i64 = 10
        self._next_database: i64 = 0
        self._stopped: i64 = 0  # 1: the last cycle was stopped by its time
        self._last_fast_us: i64 = 0
        # Of the cycle that is under way.
        self._databases_left: i64 = 0
        self._limit_us: i64 = 0
        self._spent_us: i64 = 0  # in the slices before this one
        self._start_us: i64 = 0  # of this slice
        self._slice_us: i64 = NEVER
        self._rounds: i64 = 0
        self._sampled: i64 = 0
        self._expired: i64 = 0
        self._under_way: i64 = 0  # 1: a slice has ended, the cycle has not
        # What INFO tells.
        self.time_cap_reached: i64 = 0
        self.used_us: i64 = 0
        self.last_us: i64 = 0  # what the last slice took
        self.stale = 0.0  # estimated share of keys that are over but still there

    def reset_counters(self) -> None:
        """Begin to count anew (CONFIG RESETSTAT)."""
        self.time_cap_reached = 0
        self.used_us = 0
        self.stale = 0.0

    def slow(self, slice_us: i64 = NEVER) -> None:
        """A cycle at a tick of the timer, or its first slice; ends one that is still under way."""
        limit = (SLOW_CYCLE_PERCENT + 2 * self.effort) * 1000000 // self.hz // 100
        self._begin(limit if limit > 0 else 1, slice_us)

    def fast(self, slice_us: i64 = NEVER) -> None:
        """A cycle before the server sleeps, or its first slice; ``fast_due_us`` says when."""
        self._last_fast_us = self._clock.now_us()
        self._begin(self._fast_limit_us(), slice_us)

    def is_under_way(self) -> bool:
        """Whether there is a next slice to be done."""
        return self._under_way != 0

    def stop(self) -> None:
        """End a cycle that is under way: its time is over."""
        if self._under_way:
            self._stop()
            self._end()

    def fast_due_us(self) -> i64:
        """From when on a fast cycle is to be run, unix microseconds; NEVER if the last cycle got through.

        A large estimate asks for one too, but it is compared as a fraction with a percentage, as Redis does, so only
        the time counts in effect.
        """
        if self._stopped == 0 and self.stale < float(self._acceptable_percent()):
            return NEVER
        return self._last_fast_us + 2 * self._fast_limit_us()

    def _fast_limit_us(self) -> i64:
        return FAST_CYCLE_US + FAST_CYCLE_US // 4 * self.effort

    def _acceptable_percent(self) -> i64:
        return ACCEPTABLE_STALE_PERCENT - self.effort

    def _begin(self, limit_us: i64, slice_us: i64) -> None:
        self.stop()
        count: i64 = len(self._keyspace.databases)
        self._databases_left = count if self._stopped or count < DATABASES_PER_CYCLE else DATABASES_PER_CYCLE
        self._limit_us = limit_us
        self._spent_us = 0
        self._stopped = 0
        self._rounds = 0
        self._sampled = 0
        self._expired = 0
        self.go_on(slice_us)

    def go_on(self, slice_us: i64 = NEVER) -> None:
        """The next slice of the cycle."""
        self._slice_us = slice_us
        databases = self._keyspace.databases
        count: i64 = len(databases)
        self._start_us = self._clock.now_us()
        self._under_way = 0
        while self._databases_left > 0 and self._stopped == 0:
            if not self._expire(databases[self._next_database % count]):
                self._under_way = 1
                break
            self._databases_left -= 1
            self._next_database = (self._next_database + 1) % count
        elapsed = self._elapsed_us()
        self.last_us = elapsed if elapsed > 0 else 0  # the clock may be set back
        self.used_us += self.last_us
        self._spent_us += self.last_us
        if self._under_way == 0:
            self._end()

    def _elapsed_us(self) -> i64:
        return self._clock.now_us() - self._start_us

    def _stop(self) -> None:
        self._stopped = 1
        self.time_cap_reached += 1

    def _end(self) -> None:
        self._under_way = 0
        share = float(self._expired) / float(self._sampled) if self._sampled > 0 else 0.0
        self.stale = share * 0.05 + self.stale * 0.95

    def _expire(self, database: Database) -> bool:
        """Rounds in a database until few keys are over or the cycle's time is used up; False if the slice's is."""
        keys_per_round = KEYS_PER_ROUND + KEYS_PER_ROUND // 4 * self.effort
        while True:
            self._rounds += 1
            expires = database.expires
            number = expires.used
            if number == 0:
                database.average_ttl = 0
                return True
            slots = expires.buckets()
            if slots > DICT_INITIAL_BUCKETS and number * 100 // slots < 1:
                return True  # nearly empty: cheaper when the table has shrunk
            sampled = self._sampled
            expired = self._expired
            self._round(database, number if number < keys_per_round else keys_per_round)
            sampled = self._sampled - sampled
            expired = self._expired - expired
            elapsed = self._elapsed_us()
            if self._rounds % ROUNDS_BETWEEN_CHECKS == 0 and self._spent_us + elapsed > self._limit_us:
                self._stop()
                return True
            if sampled > 0 and expired * 100 // sampled <= self._acceptable_percent():
                return True
            if elapsed >= self._slice_us:
                return False

    def _round(self, database: Database, wanted: i64) -> None:
        """Look at ``wanted`` keys of the next buckets; delete those whose time is over, average that of the others."""
        expires = database.expires
        now_ms = self._clock.now_us() // 1000
        sampled: i64 = 0
        left_ms: i64 = 0  # sum over the keys that are not over
        left_keys: i64 = 0
        buckets = wanted * BUCKETS_PER_KEY
        found: list[int] = []
        while sampled < wanted and buckets > 0 and expires.used > 0:
            buckets -= 1
            database.expires_cursor = expires.scan(database.expires_cursor, found)
            if not found:
                continue
            over: list[bytes] = []
            for slot in found:
                left = expires.when[slot] - now_ms
                if left < 0:
                    over.append(expires.keys[slot])
                elif left > 0:
                    left_ms += left
                    left_keys += 1
            sampled += len(found)
            self._expired += len(over)
            found.clear()
            for key in over:
                database.delete_expired(key)
        self._sampled += sampled
        if left_keys > 0:
            average = left_ms // left_keys
            if database.average_ttl == 0:
                database.average_ttl = average
            database.average_ttl = database.average_ttl // 50 * 49 + average // 50
