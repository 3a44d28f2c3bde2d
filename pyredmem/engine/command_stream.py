"""The stream of commands that replays every write, in the form in which a replica or an append-only file gets it."""

from __future__ import annotations

from abc import abstractmethod

from mypy_extensions import i64, mypyc_attr

from pyredmem.keyspace.recorder import RecordedCommand, UnitListener


@mypyc_attr(allow_interpreted_subclasses=True)
class StreamListener(UnitListener):
    """Gets the recorded commands one by one, with SELECT, MULTI and EXEC where they are needed."""

    def __init__(self) -> None:
        self._database: i64 = -1

    @abstractmethod
    def add(self, argv: list[bytes]) -> None:
        """The next command of the stream."""

    def unit(self, commands: list[RecordedCommand], together: bool) -> None:
        """Add the commands of a unit, in MULTI and EXEC if several belong together; a SELECT comes after the MULTI."""
        wrapped = together and len(commands) > 1
        if wrapped:
            self.add([b"MULTI"])
        for command in commands:
            self._add_to(command.database, command.argv)
        if wrapped:
            self.add([b"EXEC"])

    def command(self, database: i64, argv: list[bytes]) -> None:
        """Add a command that is a unit."""
        self._add_to(database, argv)

    def _add_to(self, database: i64, argv: list[bytes]) -> None:
        if database != self._database:
            self._database = database
            self.add([b"SELECT", b"%d" % int(database)])
        self.add(argv)

    def begin_stream(self) -> None:
        """A new stream begins, whose reader has selected no database yet."""
        self._database = -1


class CommandStream(StreamListener):
    """Keeps the recorded commands until `take` is called."""

    def __init__(self) -> None:
        super().__init__()
        self._commands: list[list[bytes]] = []

    def add(self, argv: list[bytes]) -> None:
        self._commands.append(argv.copy())

    def take(self) -> list[list[bytes]]:
        """The commands that were added since the last call."""
        commands = self._commands
        self._commands = []
        return commands
