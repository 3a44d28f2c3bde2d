"""What a test has left behind in a server: clients that are not idle, and keys that should not be there."""

from __future__ import annotations

from collections.abc import Iterable

from pyredmem.base.glob import match
from pyredmem.client.driver import Driver
from pyredmem.client.local_session import decode, encode
from pyredmem.engine.gates import GATE_MONITOR
from pyredmem.engine.session import HOLD_BLOCKED, HOLD_PAUSED, HOLD_SCRIPT, Session
from pyredmem.keyspace.database_tables import NO_EXPIRE

Patterns = str | bytes | Iterable[str | bytes]


def expect_clean(driver: Driver, *, locks: Patterns, without_expiry: Patterns, keys: Patterns) -> None:
    """Raise AssertionError, with a list, if anything is left."""
    driver.enter()
    try:
        driver.engine.keyspace.now_us = driver.engine.clock.now_us()
        found = [
            f"{_name(session)} {state}" for session in driver.engine.sessions.values() for state in states_of(session)
        ]
        found += _keys(driver, locks, without_expiry, keys)
    finally:
        driver.leave()
    if found:
        raise AssertionError("the server is not clean:\n" + "\n".join(f"  {line}" for line in found))


def states_of(session: Session) -> list[str]:
    """Why a client is not idle; empty if it is. The driver is entered."""
    states = []
    command = session.command.name.replace("|", " ").upper() if session.command is not None else "a command"
    if session.holds & HOLD_BLOCKED:
        states.append(f"is blocked in {command}")
    if session.holds & HOLD_PAUSED:
        states.append("waits for the end of CLIENT PAUSE")
    if session.holds & HOLD_SCRIPT:
        states.append("runs a script")
    if session.transaction.active:
        count = len(session.transaction.queue)
        states.append(f"has an open transaction of {count} command{'' if count == 1 else 's'}")
    elif session.transaction.watched:
        watched = ", ".join(repr(decode(key)) for _, key in session.transaction.watched)
        states.append(f"watches {watched}")
    if session.subscriptions.count():
        names = [name for kind in range(3) for name in session.subscriptions.names(kind)]
        states.append(f"is subscribed to {', '.join(repr(decode(name)) for name in names)}")
    if session.gates & GATE_MONITOR:
        states.append("is in MONITOR")
    return states


def _name(session: Session) -> str:
    name = f" {decode(session.name)!r}" if session.name else ""
    return f"client {session.id}{name} ({session.address})"


def _keys(driver: Driver, locks: Patterns, without_expiry: Patterns, keys: Patterns) -> list[str]:
    """A line for each key that should not be there. The driver is entered."""
    found: list[str] = []
    wanted = [(_patterns(locks), "lock"), (_patterns(without_expiry), "persistent"), (_patterns(keys), "key")]
    if not any(patterns for patterns, _ in wanted):
        return found
    for database in driver.engine.keyspace.databases:
        place = f" in database {database.index}" if database.index else ""
        for key in sorted(one for one in database.all_keys() if not database.is_expired(one)):
            kinds = {kind for patterns, kind in wanted if any(match(one, key, False) for one in patterns)}
            if "lock" in kinds:
                found.append(f"the lock {decode(key)!r}{place} is held")
            if "persistent" in kinds and database.expire_time(key) == NO_EXPIRE:
                found.append(f"the key {decode(key)!r}{place} has no expire time")
            if "key" in kinds:
                found.append(f"the key {decode(key)!r}{place} exists")
    return found


def _patterns(patterns: Patterns) -> list[bytes]:
    return [encode(one) for one in ([patterns] if isinstance(patterns, str | bytes) else patterns)]
