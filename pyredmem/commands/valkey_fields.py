"""The arguments of the commands for fields that expire, as Valkey 9.1 reads and refuses them.

The options are what stands before the first FIELDS, in any order, and an option may be repeated. Number and fields are
checked after the options, and before anybody looks for the key.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.engine.arguments import integer

#: The error for a number of fields that is not that of the fields which follow.
MISMATCH: Final = b"ERR numfields should be greater than 0 and match the provided number of fields"


def place_of_fields(argv: list[bytes], at: int) -> int:
    """The place of the first FIELDS from ``at`` on."""
    for place in range(at, len(argv)):
        if argv[place].upper() == b"FIELDS":
            return place
    raise CommandError(MISMATCH)


def fields_from(argv: list[bytes], at: int, words: int = 1, mismatch: bytes = MISMATCH) -> list[bytes]:
    """What follows FIELDS and a number: ``words`` for each field. FIELDS is at ``at``; the error is ``mismatch``."""
    if at + 1 == len(argv):
        raise CommandError(mismatch)
    count = integer(argv[at + 1])
    found = argv[at + 2 :]
    if count < 1 or count * words != len(found):
        raise CommandError(mismatch)
    return found


def only_fields(argv: list[bytes], mismatch: bytes) -> list[bytes]:
    """The fields of a command that has no options."""
    if argv[2].upper() != b"FIELDS":
        raise CommandError(errors.SYNTAX_ERROR)
    return fields_from(argv, 2, mismatch=mismatch)


class FieldOptions:
    """The options of HGETEX and HSETEX, of each group one at most."""

    def __init__(self, argv: list[bytes], groups: tuple[tuple[bytes, ...], ...], times: Container[bytes]) -> None:
        """``times`` are options with an argument. Raises CommandError."""
        #: The arguments without a time that another one after it overrides.
        self.argv = argv.copy()
        #: The place of FIELDS in them.
        self.end = place_of_fields(argv, 2)
        #: The place of the option that gives a time, 0 if there is none.
        self.time_at = 0
        #: The option of each group, empty if there is none.
        self.chosen = [b""] * len(groups)
        at = 2
        while at < self.end:
            option = self.argv[at].upper()
            self._choose(option, groups)
            if option not in times:
                at += 1
            elif at + 1 == self.end:
                raise CommandError(errors.SYNTAX_ERROR)
            elif self.time_at == 0:
                self.time_at = at
                at += 2
            else:
                self.argv[self.time_at + 1] = self.argv[at + 1]
                del self.argv[at : at + 2]
                self.end -= 2

    def _choose(self, option: bytes, groups: tuple[tuple[bytes, ...], ...]) -> None:
        for number, group in enumerate(groups):
            if option in group and self.chosen[number] in (b"", option):
                self.chosen[number] = option
                return
        raise CommandError(errors.SYNTAX_ERROR)
