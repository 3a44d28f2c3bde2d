"""The text of INFO as it grows: titles and ``name:value`` lines.

A section's provider is a function that writes its fields, in order, into a :class:`Report`; it reads the engine and
changes nothing.
"""

from __future__ import annotations

from pyredmem.base.numbers import human_size
from pyredmem.engine.engine import Engine
from pyredmem.engine.memory_overhead import MemoryOverhead, measure_overhead


class Report:
    """Collects lines; the engine's figures are at hand."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lines: list[str] = []
        self._overhead: MemoryOverhead | None = None

    def title(self, name: str) -> None:
        """Begin a section; an empty line stands between two."""
        if self.lines:
            self.lines.append("")
        self.lines.append(f"# {name}")

    def number(self, name: str, value: int) -> None:
        """A whole number."""
        self.lines.append(f"{name}:{value}")

    def text(self, name: str, value: str) -> None:
        """Anything as text."""
        self.lines.append(f"{name}:{value}")

    def decimal(self, name: str, value: float, places: int = 2) -> None:
        """A number with a fixed number of decimals."""
        self.lines.append(f"{name}:{value:.{places}f}")

    def size(self, name: str, size: int) -> None:
        """A number of bytes, exactly, and in the next line for a reader."""
        self.number(name, size)
        self.human(f"{name}_human", size)

    def human(self, name: str, size: int) -> None:
        """A number of bytes for a reader."""
        self.lines.append(f"{name}:{human_size(size)}")

    def figure(self, name: str) -> None:
        """What a part of the server provides under this very name."""
        self.number(name, self.engine.figures.value(name))

    def overhead(self) -> MemoryOverhead:
        """The memory figures, the same for all sections of one report."""
        if self._overhead is None:
            self._overhead = measure_overhead(self.engine)
        return self._overhead

    def rendered(self) -> bytes:
        """The whole text."""
        if not self.lines:
            return b""
        return ("\r\n".join(self.lines) + "\r\n").encode()
