"""What the commands share that pop from the first of several lists or sorted sets, blocking or not."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands.counts import COUNT_TOO_LOW, NUMKEYS_TOO_LOW, at_least
from pyredmem.engine.arguments import Arguments

FRACTIONAL_TIMEOUT: Final = (("6.0.0", "The timeout may be a fraction of a second."),)


class SeveralKeys:
    """The arguments ``numkeys key [key ...] <low | high> [COUNT count]`` from argument ``start`` on.

    The words for the two ends are LEFT and RIGHT for lists, MIN and MAX for sorted sets.
    """

    def __init__(self, argv: list[bytes], start: i64, low: bytes, high: bytes) -> None:
        arguments = Arguments(argv, start)
        numkeys = at_least(1, arguments.next(), NUMKEYS_TOO_LOW)
        if numkeys >= arguments.left():
            raise CommandError(SYNTAX_ERROR)
        self.keys = argv[arguments.at : arguments.at + numkeys]
        arguments.at += numkeys
        end = arguments.word()
        if end not in (low, high):
            raise CommandError(SYNTAX_ERROR)
        self.at_high_end = end == high
        self.count = 1
        if arguments.take(b"COUNT"):
            self.count = at_least(1, arguments.next(), COUNT_TOO_LOW)
        arguments.finish()
