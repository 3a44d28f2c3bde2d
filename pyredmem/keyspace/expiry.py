"""The active expire cycle: it deletes expired keys that nobody asks for (Redis 7.2 expire.c).

A *slow* cycle runs at each tick of the timer and may take a quarter of the time between two ticks. In every database it
looks at about twenty keys that have an expire time, and repeats that while more than a tenth of them have expired::

    database 0    [ 20 keys: 7 expired ] -> 35 %: once more    [ 20 keys: 1 expired ] -> 5 %: next database
    database 1    ...                       every 16 rounds: is the time used up? -> stop, count it

A cycle that ran out of time is followed by *fast* cycles, of one millisecond each and at least two milliseconds apart,
until one of them completes. The keys are taken bucket by bucket with the cursor of SCAN, so that every key gets its
turn. The *effort* (0 to 9, active-expire-effort less one) makes each of these figures a little larger.

Redis runs a cycle in one go: clients wait for 25 ms when many keys have expired. Here a cycle looks at the same keys
and may take the same time, but in slices: when the slice is used up the cycle stops after a round, and it continues
there when ``go_on`` is called. Only the time of the slices counts against its limit, not the pauses. ::

    Redis   [======== 25 ms ========]                                        clients wait for all of it
    here    [=]  [=]  [=]  [=]  [=]  [=]  ...                                for at most one slice

The clock that measures the time is passed in.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.base.limits import NEVER, UNLIMITED
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.layout import DICT_INITIAL_BUCKETS

#: How many databases one cycle visits; it visits all if the last cycle ran out of time.
DATABASES_PER_CYCLE: Final = 16
KEYS_PER_ROUND: Final = 20
BUCKETS_PER_KEY: Final = 20  # a round visits at most this many buckets for each key that it wants
FAST_CYCLE_US: Final = 1000
SLOW_CYCLE_PERCENT: Final = 25  # of the time between two ticks
ACCEPTABLE_STALE_PERCENT: Final = 10
ROUNDS_BETWEEN_CHECKS: Final = 16  # the time used is compared with the limit every 16 rounds


class ExpireCycle:
    """The cycle over all databases of a keyspace, and its figures."""

    def __init__(self, keyspace: Keyspace, clock: Clock) -> None:
        self._keyspace = keyspace
        self._clock: Clock = clock
        self.effort: i64 = 0
        self.hz: i64 = 10
        self._next_database: i64 = 0
        self._stopped: i64 = 0  # 1: the last cycle ran out of time
        self._last_fast_us: i64 = 0
        # The cycle in progress.
        self._databases_left: i64 = 0
        self._limit_us: i64 = 0
        self._spent_us: i64 = 0  # in earlier slices
        self._start_us: i64 = 0  # of this slice
        self._slice_us: i64 = UNLIMITED
        self._rounds: i64 = 0
        self._sampled: i64 = 0
        self._expired: i64 = 0
        self._is_in_progress = False  # a slice has ended, the cycle has not
        # The figures of INFO.
        self.time_cap_reached: i64 = 0
        self.used_us: i64 = 0
        self.last_us: i64 = 0  # how long the last slice took
        self.stale = 0.0  # estimated share of expired keys that are not deleted yet

    def reset_counters(self) -> None:
        """Set the figures to zero (CONFIG RESETSTAT)."""
        self.time_cap_reached = 0
        self.used_us = 0
        self.stale = 0.0

    def slow(self, slice_us: i64 = UNLIMITED) -> None:
        """Run the cycle of a tick, or its first slice; a cycle that is still in progress ends."""
        limit = (SLOW_CYCLE_PERCENT + 2 * self.effort) * 1000000 // self.hz // 100
        self._begin(limit if limit > 0 else 1, slice_us)

    def fast(self, slice_us: i64 = UNLIMITED) -> None:
        """Run a cycle before the server sleeps, or its first slice; ``fast_due_us`` says when."""
        self._last_fast_us = self._clock.now_us()
        self._begin(self._fast_limit_us(), slice_us)

    def is_in_progress(self) -> bool:
        """Whether the cycle has a next slice."""
        return self._is_in_progress

    def stop(self) -> None:
        """End the cycle in progress, as one that ran out of time."""
        if self._is_in_progress:
            self._stop()
            self._end()

    def fast_due_us(self) -> i64:
        """When the next fast cycle is due, unix microseconds; NEVER if the last cycle completed.

        A large estimate of expired keys makes one due too. But the estimate is a fraction and is compared with a
        percentage, as in Redis, so that in effect only running out of time counts.
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

    def go_on(self, slice_us: i64 = UNLIMITED) -> None:
        """Run the next slice of the cycle."""
        self._slice_us = slice_us
        databases = self._keyspace.databases
        count: i64 = len(databases)
        self._start_us = self._clock.now_us()
        self._is_in_progress = False
        while self._databases_left > 0 and self._stopped == 0:
            if not self._expire(databases[self._next_database % count]):
                self._is_in_progress = True
                break
            self._databases_left -= 1
            self._next_database = (self._next_database + 1) % count
        elapsed = self._elapsed_us()
        self.last_us = elapsed if elapsed > 0 else 0  # the clock may be set back
        self.used_us += self.last_us
        self._spent_us += self.last_us
        if not self._is_in_progress:
            self._end()

    def _elapsed_us(self) -> i64:
        return self._clock.now_us() - self._start_us

    def _stop(self) -> None:
        self._stopped = 1
        self.time_cap_reached += 1

    def _end(self) -> None:
        self._is_in_progress = False
        share = float(self._expired) / float(self._sampled) if self._sampled > 0 else 0.0
        self.stale = share * 0.05 + self.stale * 0.95

    def _expire(self, database: Database) -> bool:
        """Repeat rounds in a database until few keys have expired or the cycle ran out of time.

        False if the slice is used up before that.
        """
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
                return True  # nearly empty: looking is cheaper when the table has shrunk
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
        """Look at ``wanted`` keys of the next buckets: delete expired ones, average the time to live of the others."""
        expires = database.expires
        now_ms = self._clock.now_us() // 1000
        sampled: i64 = 0
        left_ms: i64 = 0  # sum over the keys that have not expired
        left_keys: i64 = 0
        buckets = wanted * BUCKETS_PER_KEY
        found: list[int] = []
        while sampled < wanted and buckets > 0 and expires.used > 0:
            buckets -= 1
            database.expires_cursor = expires.scan(database.expires_cursor, found)
            if not found:
                continue
            expired: list[bytes] = []
            for slot in found:
                left = expires.word(slot) - now_ms
                if left < 0:
                    expired.append(expires.key(slot))
                elif left > 0:
                    left_ms += left
                    left_keys += 1
            sampled += len(found)
            self._expired += len(expired)
            found.clear()
            for key in expired:
                database.delete_expired(key)
        self._sampled += sampled
        if left_keys > 0:
            average = left_ms // left_keys
            if database.average_ttl == 0:
                database.average_ttl = average
            database.average_ttl = database.average_ttl // 50 * 49 + average // 50
