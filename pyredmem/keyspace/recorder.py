"""Collects the commands that replay each write, for replicas, the append-only file or a test.

Commands reach the listeners in units. A unit is one command of a client, one EXEC, or the command of one blocked client
that is served; the keys that expire while it runs are part of it, and come first where they did. A key that expires or
is evicted between commands is a unit of its own.

Mostly a command replays itself. A handler whose effect depends on the time, on chance or on who waits says what is to
be recorded instead: `SET k v PXAT 1700000000000` for `SETEX k 10 v`, `SREM k m` for `SPOP k`.
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
    """Receives the units, one call for each that has changed something."""

    def unit(self, commands: list[RecordedCommand], together: bool) -> None:
        """A unit has ended; ``together``: whoever replays the commands must run them as one transaction."""

    def command(self, database: i64, argv: list[bytes]) -> None:
        """A unit has ended that is this one command, as its client has sent it."""
        self.unit([RecordedCommand(database, argv.copy())], False)


class Recorder:
    """Collects the commands of the running unit. It exists only while there are listeners."""

    def __init__(self, units: i64) -> None:
        self.listeners: list[UnitListener] = []
        self.units: i64 = units  # so far, those of earlier recorders included
        self._unit: list[RecordedCommand] = []
        self._depth: i64 = 0
        self._instead: list[list[bytes]] | None = None
        self.is_muted = False  # a script keeps its commands from being recorded

    def begin(self) -> list[list[bytes]] | None:
        """A handler is about to run, perhaps inside another one; returns what the caller must pass to `end`."""
        self._depth += 1
        outer = self._instead
        self._instead = None
        return outer

    def end(
        self, outer: list[list[bytes]] | None, database: i64, argv: list[bytes], has_changed: bool, together: bool
    ) -> None:
        """The handler has returned: record what it gave instead, or the command itself if it has changed anything.

        At the end of the outermost one the unit goes to the listeners, with ``together``. Mostly it is that command.
        """
        self._depth -= 1
        instead = self._instead
        self._instead = outer
        if not self.is_muted:
            if instead is not None:
                self._unit += [RecordedCommand(database, other) for other in instead]
            elif has_changed and self._depth == 0 and not self._unit:
                self.units += 1
                for listener in self.listeners:
                    listener.command(database, argv)
            elif has_changed:
                self._unit.append(RecordedCommand(database, argv.copy()))
        if self._depth == 0 and self._unit:
            self._flush(together)

    def _flush(self, together: bool) -> None:
        unit = self._unit
        self._unit = []
        self.units += 1
        for listener in self.listeners:
            listener.unit(unit, together)

    def instead(self, argv: list[bytes]) -> None:
        """Record this command instead of the running one, after those given before."""
        if self._instead is None:
            self._instead = []
        self._instead.append(argv)

    def nothing(self) -> None:
        """Record nothing for the running command, except what `instead` is given."""
        if self._instead is None:
            self._instead = []

    def deleted(self, database: i64, argv: list[bytes]) -> None:
        """A key or field expired, or a key was evicted: record its deletion."""
        self._unit.append(RecordedCommand(database, argv))
        if self._depth == 0:
            self._flush(False)
