"""Replays the commands of an append-only file."""

from __future__ import annotations

from typing import Final

from pyredmem.engine.context import CallRunner, Context
from pyredmem.engine.engine import Engine
from pyredmem.engine.spec import MAY_REPLICATE, READONLY, RUNS_SCRIPT, WRITE, Command

_MULTI: Final = b"multi"
_EXEC: Final = b"exec"
#: Commands that change nothing of the dataset are left out, for they would act on the client that nobody is.
_REPLAYED: Final = WRITE | READONLY | MAY_REPLICATE | RUNS_SCRIPT
_ALSO_REPLAYED: Final = frozenset((b"select", b"script|load", b"script|flush"))


class ReplayError(Exception):
    """A command that cannot be replayed."""


class Replayer:
    """Runs commands that have run before. Those of a transaction run when it is complete."""

    def __init__(self, engine: Engine) -> None:
        self._commands = engine.commands
        session = engine.clients.nobody()
        runner = session.runner
        assert isinstance(runner, CallRunner)
        self._runner: CallRunner = runner
        self._context = Context(runner, engine, session, session.reply)
        self._context.may_block = False
        self._known: dict[bytes, Command] = {}
        self._queue: list[list[bytes]] | None = None
        self.transaction_offset = 0  # where the transaction begins in its file

    def begin_file(self) -> None:
        """What follows is another file: it begins in database 0."""
        self._context.select(0)

    def is_in_transaction(self) -> bool:
        """Whether a transaction is not complete yet."""
        return self._queue is not None

    def forget_transaction(self) -> None:
        """Do not run the commands of the transaction."""
        self._queue = None

    def run(self, argv: list[bytes], offset: int) -> None:
        """Run a command, which begins at ``offset`` in its file. Raises ReplayError."""
        command = self._known.get(argv[0])
        if command is None:
            command = self._find(argv)
        if not command.spec.accepts(len(argv)):
            raise ReplayError(f"Wrong number of arguments for '{_shown(argv[0])}'")
        name = command.full_name
        if name == _MULTI:
            self._queue = []
            self.transaction_offset = offset
        elif name == _EXEC:
            queue = self._queue or []
            self._queue = None
            for queued in queue:
                self.run(queued, offset)
        elif self._queue is not None:
            self._queue.append(argv)
        elif command.flags & _REPLAYED or name in _ALSO_REPLAYED:
            self._runner.replay(self._context, command, argv)

    def _find(self, argv: list[bytes]) -> Command:
        command = self._commands.lookup(argv)
        if command is None or (command.is_container and (len(argv) > 1 or not command.runs_alone)):
            raise ReplayError(f"Unknown command '{_shown(argv[0])}'")
        if self._commands.by_spelling.get(argv[0]) is command and not command.is_container:
            self._known[argv[0]] = command
        return command


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
