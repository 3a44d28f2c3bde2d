"""What somebody who records gets: the commands that replay each change, in units that belong together.

An execution unit is one command of a client, one EXEC, or one blocked client that is served. The keys that expire while
it runs are part of it. A key that expires or is evicted between commands is a unit of its own.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr


class RecordedCommand:
    """A command and the database it runs in."""

    def __init__(self, database: i64, argv: list[bytes]) -> None:
        self.database: i64 = database
        self.argv = argv


@mypyc_attr(allow_interpreted_subclasses=True)
class UnitListener:
    """Gets every unit that changed something."""

    def unit(self, commands: list[RecordedCommand], together: bool) -> None:
        """The commands of a unit; ``together``: they are one transaction."""


class Recorder:
    """Collects the commands of the running unit; exists only while somebody records."""

    def __init__(self) -> None:
        self.listeners: list[UnitListener] = []
        self._unit: list[RecordedCommand] = []
        self._depth: i64 = 0
        self._instead: list[list[bytes]] | None = None

    # Units.

    def enter(self) -> None:
        """A unit, or a command inside one, begins."""
        self._depth += 1

    def leave(self, together: bool) -> None:
        """It ends."""
        self._depth -= 1
        if self._depth == 0 and self._unit:
            self._flush(together)

    def _flush(self, together: bool) -> None:
        unit = self._unit
        self._unit = []
        for listener in self.listeners:
            listener.unit(unit, together)

    # Commands.

    def begin_command(self) -> list[list[bytes]] | None:
        """A handler is about to run; returns what the caller must give back to `end_command`."""
        outer = self._instead
        self._instead = None
        return outer

    def end_command(self, outer: list[list[bytes]] | None, database: i64, argv: list[bytes], has_changed: bool) -> None:
        """The handler has run: what it recorded instead, or the command itself if it has changed something."""
        instead = self._instead
        self._instead = outer
        if instead is not None:
            for other in instead:
                self._unit.append(RecordedCommand(database, other))
        elif has_changed:
            self._unit.append(RecordedCommand(database, argv.copy()))

    def instead(self, argv: list[bytes]) -> None:
        """Record this command instead of the running one, after those given before."""
        if self._instead is None:
            self._instead = []
        self._instead.append(argv)

    def nothing(self) -> None:
        """Record nothing for the running command but what is given as `instead`."""
        if self._instead is None:
            self._instead = []

    def deleted(self, database: i64, argv: list[bytes]) -> None:
        """A key or field expired, or a key was evicted: record its deletion."""
        self._unit.append(RecordedCommand(database, argv))
        if self._depth == 0:
            self._flush(False)
