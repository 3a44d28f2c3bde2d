"""Records every event and every change of a key, with its database, as a line of text."""

from __future__ import annotations

from pyredmem.keyspace.events import KeyListener
from tests.support.world import World


class Journal(KeyListener):
    """`del k` is an event in database 0, `1:del k` one in database 1, `* k` a change of the key k."""

    def __init__(self, world: World) -> None:
        self._lines: list[str] = []
        world.engine.keyspace.changes.set_listener(self, True)

    def modified(self, database: int, key: bytes) -> None:
        """A change."""
        self._note(database, f"* {key.decode()}")

    def event(self, kind: int, name: bytes, database: int, key: bytes) -> None:
        """A named event."""
        self._note(database, f"{name.decode()} {key.decode()}")

    def flushed(self, databases: list[int]) -> None:
        """Databases were emptied."""
        for database in databases:
            self._note(database, "flushed")

    def swapped(self, first: int, second: int) -> None:
        """Two databases were exchanged."""
        self._lines.append(f"swapped {first} {second}")

    def _note(self, database: int, text: str) -> None:
        self._lines.append(text if database == 0 else f"{database}:{text}")

    def take(self) -> list[str]:
        """What happened since the last call."""
        lines = self._lines
        self._lines = []
        return lines

    def events(self) -> list[str]:
        """The named events since the last call."""
        return [line for line in self.take() if "*" not in line]
