"""Where the page's figures come from: something that commands can be asked of, over the wire or in this process.

Replies are bare values of RESP2: bytes (simple strings too), integers, lists and None. Where the server refuses a
command the reply is a :class:`Refusal`, so that what it does not know is missing and the rest is not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Word = str | bytes | int


class SourceError(Exception):
    """The server cannot be reached any more; the text says why, as a sentence."""


@dataclass(frozen=True)
class Refusal:
    """A command was refused: it is unknown, not permitted, or wrong."""

    message: str

    def reason(self) -> str:
        """The message without the code in front of it."""
        return self.message.removeprefix("ERR ")


class Source(ABC):
    """One connection, whose commands do not count as uses of keys. Raises SourceError."""

    @abstractmethod
    async def ask_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """The replies to some commands."""

    async def ask(self, *words: Word) -> Any:
        """The reply to a command."""
        return (await self.ask_all([words]))[0]

    @abstractmethod
    async def close(self) -> None:
        """End the connection."""


def encoded(word: Word) -> bytes:
    """A word of a command as it is sent."""
    return word if isinstance(word, bytes) else str(word).encode()


def name_of(options: Mapping[str, Any]) -> str:
    """A server by the options with which redis-py connects to it: its path, or host and port."""
    return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")


def text(data: bytes) -> str:
    """Bytes for a reader: what is no UTF-8 is told as escapes."""
    return data.decode("utf-8", "backslashreplace")
