"""The stream of commands that replays every write, in the form in which a replica or an append-only file gets it."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.keyspace.recorder import RecordedCommand, UnitListener


class CommandStream(UnitListener):
    """Keeps the recorded commands until `take` is called, with SELECT, MULTI and EXEC where a replica needs them."""

    def __init__(self) -> None:
        self._commands: list[list[bytes]] = []
        self._database: i64 = -1

    def unit(self, commands: list[RecordedCommand], together: bool) -> None:
        """Add the commands of a unit, in MULTI and EXEC (with their SELECT) if several of them belong together."""
        wrapped = together and len(commands) > 1
        if wrapped:
            self._commands.append([b"MULTI"])
        for command in commands:
            if command.database != self._database:
                self._database = command.database
                self._commands.append([b"SELECT", b"%d" % int(self._database)])
            self._commands.append(command.argv)
        if wrapped:
            self._commands.append([b"EXEC"])

    def take(self) -> list[list[bytes]]:
        """The commands that were added since the last call."""
        commands = self._commands
        self._commands = []
        return commands
