"""What a server has seen, in a few lines, for the report of a test that has failed."""

from __future__ import annotations

from typing import Final

from pyredmem.client.command_history import ReceivedCommand, shown_word
from pyredmem.client.server import Server
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.database_tables import NO_EXPIRE

#: How many commands are shown, and how many keys of each database.
_COMMANDS: Final = 15
_KEYS: Final = 8


def describe(server: Server) -> str:
    """The last commands, the faults that fired, and the keyspace of a server."""
    return "\n".join([*_commands(server), *_faults(server), *_keyspace(server)])


def _commands(server: Server) -> list[str]:
    commands = [one for one in server.commands if not one.is_greeting]
    if not commands:
        return ["no commands"]
    head = f"the last {_COMMANDS} of {len(commands)} commands" if len(commands) > _COMMANDS else "all commands"
    return [f"{head} (time, client, database, command, reply):", *(_line(one) for one in commands[-_COMMANDS:])]


def _line(one: ReceivedCommand) -> str:
    client = f"{one.client_id}={one.client_name}" if one.client_name else f"{one.client_id}"
    return f"  {one.time:%H:%M:%S.%f}  {client}  db{one.database}  {one} -> {one.outcome}"


def _faults(server: Server) -> list[str]:
    hits = server.faults.hits
    return ["faults that fired:", *(f"  {hit}" for hit in hits[-_COMMANDS:])] if hits else []


def _keyspace(server: Server) -> list[str]:
    driver = server.driver
    driver.enter()
    try:
        if driver.is_closed:
            return ["the server is closed, so its keys are gone"]
        keyspace = driver.engine.keyspace
        keyspace.now_us = driver.engine.clock.now_us()
        lines = []
        for database in keyspace.databases:
            keys = sorted(key for key in database.all_keys() if not database.is_expired(key))
            if keys:
                lines.append(f"database {database.index}: {len(keys)} key{'' if len(keys) == 1 else 's'}")
                lines += [_key(database, key, keyspace.now_us) for key in keys[:_KEYS]]
                lines += ["  ..."] if len(keys) > _KEYS else []
        return lines or ["no keys"]
    finally:
        driver.leave()


def _key(database: Database, key: bytes, now_us: int) -> str:
    value = database.peek(key)
    assert value is not None
    when_ms = database.expire_time(key)
    left = "" if when_ms == NO_EXPIRE else f", expires in {(when_ms - now_us // 1000) / 1000:.3f} s"
    return f"  {shown_word(key)}: {value.type_name().decode()}{left}"
