"""Documents whose blocks of code are executed, and each of whose promises has a test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

_ROOT: Final = Path(__file__).resolve().parents[2]

Test = TypeVar("Test", bound=Callable[..., object])


class Page:
    """A document. It is empty if the tests were copied without the documents."""

    def __init__(self, name: str, text: str | None = None) -> None:
        path = _ROOT / name
        self.text = text if text is not None else path.read_text() if path.exists() else ""
        self._name = name
        self._tested: set[str] = set()

    def sections(self) -> dict[str, Page]:
        """The parts below headings of the second level, by heading."""
        parts = (part.partition("\n") for part in self.text.split("\n## ")[1:])
        return {title: Page(self._name, text) for title, _, text in parts}

    def blocks(self, language: str = "python") -> list[str]:
        """The blocks of code in one language."""
        return re.findall(rf"^```{language}\n(.*?)^```", self.text, re.DOTALL | re.MULTILINE)

    def blocks_with_output(self) -> list[tuple[str, str]]:
        """The blocks of Python, and what a block without a language that follows says they print."""
        pattern = r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```)?"
        return re.findall(pattern, self.text, re.DOTALL | re.MULTILINE)

    def promises(self) -> Iterator[str]:
        """The items of lists that are no links, the first cells of the rows of tables, and paragraphs in bold."""
        for paragraph in re.split(
            r"\n\n|\n(?=- )", re.sub(r"^```.*?^```$", "", self.text, flags=re.DOTALL | re.MULTILINE)
        ):
            text = " ".join(paragraph.split())
            if (text.startswith("- ") and not text.startswith("- [")) or text.startswith("**"):
                yield text.removeprefix("- ")
            elif text.startswith("|"):
                yield from (row.split("|")[1].strip() for row in paragraph.strip().splitlines()[2:])

    def promise(self, *beginnings: str) -> Callable[[Test], Test]:
        """Say of a test which promises it is for, by how they begin."""
        self._tested.update(beginnings)
        return lambda test: test

    def untested(self) -> list[str]:
        """The promises that no test is for."""
        return [one for one in self.promises() if not one.startswith(tuple(self._tested))]

    def unpromised(self) -> list[str]:
        """What tests are for and the page does not say."""
        said = list(self.promises())
        return [beginning for beginning in self._tested if not any(one.startswith(beginning) for one in said)]
