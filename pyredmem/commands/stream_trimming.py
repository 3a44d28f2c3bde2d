"""The options of XADD and XTRIM: how to trim the stream, and for XADD where the id of the new entry is."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands.c_strings import c_string
from pyredmem.engine.arguments import Arguments
from pyredmem.objects.stream import Stream
from pyredmem.objects.stream_id import LONGEST_ID, MAX_ID, id_text, parse_id
from pyredmem.objects.stream_references import KEEPREF, REFERENCES, trim_below, trim_to_length

# The strategies of XADD and XTRIM.
_MAXLEN: Final = 1
_MINID: Final = 2

_TWO_STRATEGIES: Final = b"ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
LIMIT_WITHOUT_STRATEGY: Final = b"ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
_LIMIT_OF_EXACT: Final = b"ERR syntax error, LIMIT cannot be used without the special ~ option"

#: Approximate trimming without LIMIT deletes at most the entries of this many nodes ...
_NODES_PER_TRIM: Final = 100
#: ... and at most this many entries.
_MAX_TRIMMED: Final = 1_000_000
#: The limit if a node may hold any number of entries.
_TRIMMED_WITHOUT_NODE_LIMIT: Final = 10_000


class Trimming:
    """The options of XADD and XTRIM: how to trim, and for XADD also where the id is."""

    def __init__(self, takes_references: bool = False) -> None:
        """``takes_references``: the version of the server has KEEPREF, DELREF and ACKED."""
        self._takes_references = takes_references
        self.references = KEEPREF
        self.strategy: i64 = 0
        self.maxlen: i64 = 0
        self.minid = 0
        self.approximately = False
        self.limit: i64 = -1  # entries; 0: no limit; -1: not given
        self.no_mkstream = False
        self.id_at: i64 = 0  # XADD: the place of the id
        self.threshold_at: i64 = 0  # the argument after ~, = or the strategy

    def read(self, arguments: Arguments, for_xadd: bool) -> None:
        """Read the options, for XADD until the id, else until the end."""
        while arguments.left() > 0:
            if for_xadd and arguments.argv[arguments.at] == b"*":
                break
            more = arguments.left() > 1
            option = arguments.word()
            if option == b"MAXLEN" and more:
                self._take_threshold(arguments, _MAXLEN)
            elif option == b"MINID" and more:
                self._take_threshold(arguments, _MINID)
            elif option == b"LIMIT" and more:
                self.limit = arguments.integer()
                if self.limit < 0:
                    raise CommandError(b"ERR The LIMIT argument must be >= 0.")
            elif self._takes_references and option in REFERENCES:
                self.references = REFERENCES[option]
                self._takes_references = False  # a second one counts as no option
            elif for_xadd and option == b"NOMKSTREAM":
                self.no_mkstream = True
            elif for_xadd:
                arguments.at -= 1
                _check_new_id(arguments.argv[arguments.at])
                break
            else:
                raise CommandError(SYNTAX_ERROR)
        self.id_at = arguments.at

    def _take_threshold(self, arguments: Arguments, strategy: int) -> None:
        if self.strategy != 0:
            raise CommandError(_TWO_STRATEGIES)
        self.approximately = False
        if arguments.left() > 1:
            self.approximately = arguments.take(b"~")
            if not self.approximately:
                arguments.take(b"=")
        self.threshold_at = arguments.at
        if strategy == _MINID:
            self.minid = parse_id(arguments.next(), 0)
        else:
            self.maxlen = arguments.integer()
            if self.maxlen < 0:
                raise CommandError(b"ERR The MAXLEN argument must be >= 0.")
        self.strategy = strategy

    def check(self, node_entries: i64) -> None:
        """Refuse a LIMIT where none is allowed; choose one if none is given."""
        if self.limit > 0 and self.strategy == 0:
            raise CommandError(LIMIT_WITHOUT_STRATEGY)
        if self.limit >= 0:
            if not self.approximately:
                raise CommandError(_LIMIT_OF_EXACT)
        elif self.approximately:
            limit = _NODES_PER_TRIM * node_entries if node_entries < _MAX_TRIMMED else _MAX_TRIMMED
            self.limit = _TRIMMED_WITHOUT_NODE_LIMIT if limit <= 0 else min(limit, _MAX_TRIMMED)
        else:
            self.limit = 0

    def exactly(self, argv: list[bytes], stream: Stream) -> list[bytes]:
        """The command to record: exact, because how much `~` trims depends on how the entries are grouped in nodes."""
        words = argv.copy()
        if self.approximately:
            words[self.threshold_at - 1] = b"="
            reached = b"%d" % int(stream.length) if self.strategy == _MAXLEN else id_text(self._first_id(stream))
            words[self.threshold_at] = reached
        return words

    @staticmethod
    def _first_id(stream: Stream) -> int:
        """The id of the first entry; the highest possible id if there is none."""
        return MAX_ID if stream.length == 0 else stream.first_id

    def trim(self, stream: Stream) -> i64:
        """Trim the stream; returns how many entries were deleted.

        With regard to references no node can be deleted as a whole, so ``~`` deletes nothing then, as in Redis.
        """
        if self.references != KEEPREF:
            if self.approximately:
                return 0
            if self.strategy == _MAXLEN:
                return trim_to_length(stream, self.maxlen, self.references)
            return trim_below(stream, self.minid, self.references) if self.strategy == _MINID else 0
        if self.strategy == _MAXLEN:
            return stream.trim_to_length(self.maxlen, self.approximately, self.limit)
        if self.strategy == _MINID:
            return stream.trim_below(self.minid, self.approximately, self.limit)
        return 0


def automatic_ms(argument: bytes) -> bytes | None:
    """The milliseconds of an id of the form ``ms-*``; None if it has another form."""
    text = c_string(argument)
    if len(argument) <= LONGEST_ID and text.endswith(b"-*") and text.count(b"-") == 1:
        return text[:-2]
    return None


def _check_new_id(argument: bytes) -> None:
    """Refuse an argument that cannot be the id of a new entry."""
    milliseconds = automatic_ms(argument)
    parse_id(argument if milliseconds is None else milliseconds, 0)
