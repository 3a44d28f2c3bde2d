"""The text of INFO while it is being written: titles and ``name:value`` lines.

The provider of a section is a function that writes the fields of the section, in order, into a :class:`Report`. It
reads the engine and changes nothing.
"""

from __future__ import annotations

from pyredmem.base.numbers import human_size
from pyredmem.engine.engine import Engine
from pyredmem.engine.memory_overhead import MemoryOverhead, measure_overhead


class Report:
    """Collects the lines of one call of INFO, for providers that read the engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lines: list[str] = []
        self._profile = engine.profile
        self._overhead: MemoryOverhead | None = None

    def title(self, name: str) -> None:
        """Begin a section, after an empty line unless it is the first."""
        if self.lines:
            self.lines.append("")
        self.lines.append(f"# {name}")

    def has(self, name: str) -> bool:
        """Whether the version of the server has a field or a section."""
        return self._profile.has_field(name)

    def number(self, name: str, value: int) -> None:
        self.text(name, str(value))

    def text(self, name: str, value: str) -> None:
        """Write a field, unless the version of the server does not have it."""
        if self.has(name):
            self.lines.append(f"{name}:{value}")

    def decimal(self, name: str, value: float, places: int = 2) -> None:
        """Write a number with ``places`` decimals."""
        self.text(name, f"{value:.{places}f}")

    def size(self, name: str, size: int) -> None:
        """Write a number of bytes, exactly and, in another line, rounded with a unit."""
        self.number(name, size)
        self.human(f"{name}_human", size)

    def human(self, name: str, size: int) -> None:
        """Write a number of bytes, rounded with a unit."""
        self.text(name, human_size(size))

    def figure(self, name: str) -> None:
        """Write a figure that a part of the engine provides under the name of the field."""
        self.number(name, self.engine.figures.value(name))

    def overhead(self) -> MemoryOverhead:
        """The figures of memory overhead, measured once for all sections of the report."""
        if self._overhead is None:
            self._overhead = measure_overhead(self.engine)
        return self._overhead

    def rendered(self) -> bytes:
        """The whole text."""
        if not self.lines:
            return b""
        return ("\r\n".join(self.lines) + "\r\n").encode()
