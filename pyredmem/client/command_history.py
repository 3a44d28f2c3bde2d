"""The commands that a server inside the process has received, for the assertions of tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, overload

from pyredmem.base.glob import match
from pyredmem.client.driver import Driver
from pyredmem.client.local_session import encode
from pyredmem.engine.command_log import LoggedCommand
from pyredmem.engine.key_extraction import find_keys

#: How many commands are kept, unless a test says otherwise.
MOST_COMMANDS: Final = 10_000
#: How many commands `repr` shows, how many arguments of each, and how much of one (characters).
_SHOWN_COMMANDS: Final = 5
_SHOWN_WORDS: Final = 8
_SHOWN_CHARACTERS: Final = 60
#: Subcommands of CLIENT that redis-py sends when it connects.
_GREETINGS: Final = frozenset((b"SETINFO", b"MAINT_NOTIFICATIONS"))


class ReceivedCommand:
    """One command: who sent it, when, and how it ended. Passwords among its arguments are hidden."""

    def __init__(self, logged: LoggedCommand) -> None:
        self._logged = logged
        command = logged.command
        #: In upper case, with the subcommand if there is one: "GET", "CONFIG SET".
        self.name = (_text(logged.argv[0]) if command is None else command.full_name.decode().replace("|", " ")).upper()
        self.argv: tuple[bytes, ...] = tuple(logged.argv)
        self.client_id = int(logged.client_id)
        self.client_name = _text(logged.client_name)
        self.address = logged.address
        self.database = int(logged.database)

    @property
    def time(self) -> datetime:
        """When it came, by the clock of the server, in UTC."""
        return datetime.fromtimestamp(int(self._logged.time_us) / 1e6, UTC)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Its keys; empty if it was malformed."""
        return tuple(key for key, _ in self.keys_and_uses())

    def keys_and_uses(self) -> list[tuple[bytes, tuple[str, ...]]]:
        """Its keys, each with what the command does with it, in the words of COMMAND GETKEYSANDFLAGS."""
        command = self._logged.command
        if command is None:
            return []
        argv = list(self.argv)
        return [(argv[found.place], found.flags) for found in find_keys(command.spec, argv)]

    @property
    def is_greeting(self) -> bool:
        """Whether redis-py sends it by itself when it connects, to say who it is and to ask what the server can."""
        if self.name == "HELLO":
            return True
        return self.name.startswith("CLIENT") and self.argv[1:2] != () and self.argv[1].upper() in _GREETINGS

    @property
    def has_ended(self) -> bool:
        """Whether the client has its reply. It has none while the command blocks it."""
        return self._logged.has_ended

    @property
    def error(self) -> str | None:
        """The text of the error reply; None if the reply is another one."""
        reply = self._logged.reply
        return _text(reply[1:]) if reply.startswith(b"-") else None

    @property
    def outcome(self) -> str:
        """The beginning of the reply, for people."""
        return _shown_reply(self._logged.reply) if self.has_ended else "(blocked)"

    def __str__(self) -> str:
        words = self.argv[len(self.name.split()) :]
        more = [f"... ({len(words) - _SHOWN_WORDS} more)"] if len(words) > _SHOWN_WORDS else []
        return " ".join([self.name, *(shown_word(one) for one in words[:_SHOWN_WORDS]), *more])

    def __repr__(self) -> str:
        return f"<{self} -> {self.outcome}>"


class Commands(Sequence[ReceivedCommand]):
    """Commands in the order in which they came."""

    def __init__(self, commands: Iterable[ReceivedCommand] = ()) -> None:
        self._commands = list(commands)

    def _all(self) -> list[ReceivedCommand]:
        return self._commands

    def _check(self, names: Iterable[str]) -> None:
        """Raise ValueError if there is no command with one of these names."""

    def count(
        self,
        *names: str,
        key: str | bytes | None = None,
        client: str | int | None = None,
        database: int | None = None,
    ) -> int:
        """How many commands match; see `of`."""
        return len(self.of(*names, key=key, client=client, database=database))

    def of(
        self,
        *names: str,
        key: str | bytes | None = None,
        client: str | int | None = None,
        database: int | None = None,
    ) -> Commands:
        """The commands that match: with one of these names, a key that matches a pattern, from a client.

        "CONFIG" stands for all its subcommands, "CONFIG SET" for one. ``client`` is a name (CLIENT SETNAME, or the
        option ``client_name`` of redis-py), an id or an address. Raises ValueError for a name that no command has, of
        all commands of a server; redis-py sends INCRBY for `incr`.
        """
        self._check(names)
        wanted = {name.upper() for name in names}
        return Commands(
            one
            for one in self._all()
            if (not wanted or one.name in wanted or one.name.split(" ")[0] in wanted)
            and (key is None or any(match(encode(key), found, False) for found in one.keys))
            and (client is None or client in {one.client_name, one.client_id, one.address})
            and (database is None or database == one.database)
        )

    def errors(self) -> Commands:
        """The commands that got an error, but for what redis-py itself sends when it connects."""
        return Commands(one for one in self._all() if one.error is not None and not one.is_greeting)

    def last(self, count: int = 1) -> Commands:
        """The last commands; fewer if there are not so many."""
        return Commands(self._all()[-count:] if count > 0 else [])

    def keys_read_but_never_written(self) -> list[str]:
        """The keys that commands have read and none has written, in order: often a typing error in the code."""
        reads: dict[bytes, None] = {}
        written: set[bytes] = set()
        for one in self._all():
            for key, uses in one.keys_and_uses():
                if "RO" in uses:
                    reads[key] = None
                else:
                    written.add(key)
        return [_text(key) for key in reads if key not in written]

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[ReceivedCommand]:
        return iter(self._all())

    @overload
    def __getitem__(self, at: int) -> ReceivedCommand: ...

    @overload
    def __getitem__(self, at: slice) -> Commands: ...

    def __getitem__(self, at: int | slice) -> ReceivedCommand | Commands:
        found = self._all()[at]
        return Commands(found) if isinstance(found, list) else found

    def __repr__(self) -> str:
        commands = self._all()
        dots = ["..."] if len(commands) > _SHOWN_COMMANDS else []
        shown = "; ".join(dots + [str(one) for one in commands[-_SHOWN_COMMANDS:]])
        return f"<{len(commands)} command{'' if len(commands) == 1 else 's'}{': ' * bool(shown)}{shown}>"


class CommandHistory(Commands):
    """The last commands that a server has received, in the order in which they came.

    Commands are recorded from `start` on. Those of scripts and of EXEC are not among them: only what clients sent.
    """

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self._driver = driver
        self._log = driver.engine.command_log
        self._table = driver.engine.commands
        self._has_started = False

    def start(self, most: int = MOST_COMMANDS) -> None:
        """Record commands from now on. Of more than ``most`` commands the first ones are forgotten."""
        if most < 1:
            raise ValueError("at least one command must be kept")
        self._driver.enter()
        try:
            self._log.start(most)
            self._has_started = True
        finally:
            self._driver.leave()

    def ensure_started(self) -> None:
        """Record commands from now on, unless they are recorded already."""
        if not self._has_started:
            self.start()

    def stop(self) -> None:
        """Record no more commands. Those that were recorded stay."""
        self._driver.enter()
        try:
            self._log.stop()
        finally:
            self._driver.leave()

    def clear(self) -> None:
        """Forget the commands so far."""
        self._driver.enter()
        try:
            self._log.commands.clear()
        finally:
            self._driver.leave()

    def _check(self, names: Iterable[str]) -> None:
        for name in names:
            is_known = self._table.by_full_name("|".join(name.split()).encode()) is not None
            if not is_known and all(one.name != name.upper() for one in self._all()):  # nor has a client sent it
                raise ValueError(f"there is no command {name!r}")

    def _all(self) -> list[ReceivedCommand]:
        if not self._has_started:
            raise RuntimeError("no commands are recorded: use Server(records_commands=True) or server.commands.start()")
        self._driver.enter()
        try:
            logged = list(self._log.commands)
        finally:
            self._driver.leave()
        return [ReceivedCommand(one) for one in logged]

    def __repr__(self) -> str:
        return super().__repr__() if self._has_started else "<no commands are recorded>"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def shown_word(argument: bytes) -> str:
    """An argument in a line: as it is if it is a plain word, else in quotes; a long one is cut."""
    text = _text(argument[: 4 * _SHOWN_CHARACTERS])
    if len(text) > _SHOWN_CHARACTERS or len(argument) > 4 * _SHOWN_CHARACTERS:
        text = text[: _SHOWN_CHARACTERS - 3] + "..."
    return text if text.isprintable() and text and not set(text) & set(" \"'\\") else repr(text)


def _shown_reply(reply: bytes) -> str:
    """The beginning of a reply in RESP as people write it."""
    if not reply:
        return "(no reply)"
    kind, (first, _, rest) = reply[:1], reply[1:].partition(b"\r\n")
    if kind in {b"$", b"="} and first != b"-1":
        size = int(first)
        text = rest[:size] if size <= len(rest) else rest + b"..."
        return shown_word(text if kind == b"$" else text[len(b"txt:") :])
    if kind in {b"*", b"~", b">", b"%"} and first != b"-1":
        what = "pair" if kind == b"%" else "element"
        return f"(1 {what})" if first == b"1" else f"({int(first)} {what}s)"
    if kind == b"_" or (first == b"-1" and kind in {b"$", b"*"}):
        return "(nil)"
    return f"(error) {_text(first)}" if kind == b"-" else _text(first)
