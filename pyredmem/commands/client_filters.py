"""The filters of CLIENT LIST and CLIENT KILL: which connections a call is about.

Redis has few of them; CLIENT LIST takes one, CLIENT KILL as many as are given. Valkey has more, the same for both, and
most of them with a counterpart: NOT-NAME chooses what NAME does not. A connection must pass all filters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import parse_integer
from pyredmem.config.kinds import INT_MAX
from pyredmem.config.profiles import CLIENT_KILL_FILTERS, CLIENT_KILL_MAXAGE
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.client_info import flags
from pyredmem.engine.clients import NORMAL, PRIMARY, PUBSUB, REPLICA
from pyredmem.engine.context import Context
from pyredmem.engine.gates import GATE_SUBSCRIBED
from pyredmem.engine.session import Session

_Test = Callable[[Session], bool]

_BAD_ID: Final = b"ERR client-id should be greater than 0"
_TYPES: Final = {b"normal": NORMAL, b"master": PRIMARY, b"slave": REPLICA, b"replica": REPLICA, b"pubsub": PUBSUB}
_PRIMARY: Final = b"primary"  # another word for a master, in Valkey
_NOT: Final = b"NOT-"
#: Filters that have no counterpart with NOT.
_ONE_WAY: Final = frozenset((b"MAXAGE", b"SKIPME", b"IDLE"))
#: The letters of FLAGS and CAPA.
_FLAGS: Final = b"ABEIMNOPRSTUbcdeirtux"
_CAPABILITIES: Final = b"r"


def listed(context: Context, argv: list[bytes]) -> list[Session]:
    """The connections that CLIENT LIST describes."""
    sessions = context.engine.sessions
    if len(argv) == 2:
        return list(sessions.values())
    if context.engine.profile.has(CLIENT_KILL_FILTERS):
        wanted = Filters(context, False)
        wanted.read(Arguments(argv, 2))
        return wanted.chosen()
    word = argv[2].upper()
    if word == b"TYPE" and len(argv) == 4:
        kind = _type(argv[3], False)
        return [session for session in sessions.values() if _kind(session) == kind]
    if word == b"ID" and len(argv) > 3:
        wanted_ids = [integer(argument, b"ERR Invalid client ID") for argument in argv[3:]]
        return [sessions[number] for number in wanted_ids if number in sessions]
    raise CommandError(SYNTAX_ERROR)


def _type(name: bytes, has_primary: bool) -> bytes:
    kind = PRIMARY if has_primary and name.lower() == _PRIMARY else _TYPES.get(name.lower())
    if kind is None:
        raise CommandError(b"ERR Unknown client type '" + name + b"'")
    return kind


def _kind(session: Session) -> bytes:
    return PUBSUB if session.gates & GATE_SUBSCRIBED else NORMAL


class Filters:
    """The filters of one call. If one is given twice, the last one counts; but all ids of Valkey's ID count."""

    def __init__(self, context: Context, skips_caller: bool) -> None:
        self._engine = context.engine
        self._caller = context.session
        self._skips_caller = skips_caller
        self._has_many = context.engine.profile.has(CLIENT_KILL_FILTERS)
        self._tests: dict[bytes, _Test] = {}
        self._ids: dict[bytes, set[int]] = {b"ID": set(), b"NOT-ID": set()}

    def require_address(self, address: bytes) -> None:
        """Let only connections from an address pass."""
        self._tests[b"ADDR"] = lambda session: _encoded(session.address) == address

    def read(self, arguments: Arguments) -> None:
        """Read the filters from the arguments."""
        if arguments.left() == 1:
            raise CommandError(SYNTAX_ERROR)
        while arguments.left() > 0:
            option = arguments.word()
            if self._has_many and option in self._ids:
                test = _with_ids(arguments, self._ids[option], option == b"ID")
            else:
                test = self._test(option, arguments.next())
            self._tests[option] = test

    def chosen(self) -> list[Session]:
        """The connections that pass all filters."""
        return [session for session in self._engine.sessions.values() if self._passes(session)]

    def _passes(self, session: Session) -> bool:
        if self._skips_caller and session is self._caller:
            return False
        for test in self._tests.values():  # noqa: SIM110 - a loop that mypyc compiles well
            if not test(session):
                return False
        return True

    def _test(self, option: bytes, value: bytes) -> _Test:
        """The test that an option and its value mean."""
        if not option.startswith(_NOT):
            return self._positive(option, value, option == b"ID" or not self._has_many)
        word = option[len(_NOT) :]
        if not self._has_many or word in _ONE_WAY:
            raise CommandError(SYNTAX_ERROR)
        refused = self._additional(word, value, option) if word in _ADDITIONAL else self._positive(word, value, False)
        return lambda session: not refused(session)

    def _positive(self, word: bytes, value: bytes, has_ids: bool) -> _Test:
        if word == b"ID" and has_ids:
            number = parse_integer(value)
            if number is None or number < 1:
                raise CommandError(_BAD_ID)
            return lambda session: int(session.id) == number
        if word == b"TYPE":
            kind = _type(value, self._has_many)
            return lambda session: _kind(session) == kind
        if word == b"ADDR":
            return lambda session: _encoded(session.address) == value
        if word == b"LADDR":
            return lambda session: _encoded(session.local_address) == value
        if word == b"USER":
            user = self._engine.access.user(value)
            if user is None:
                raise CommandError(b"ERR No such user '" + value + b"'")
            return lambda session: session.user is user
        if word == b"MAXAGE" and self._engine.profile.has(CLIENT_KILL_MAXAGE):
            age_s = _positive_number(value, b"maxage")
            return lambda session: session.age_s() >= age_s
        if word == b"SKIPME" and value.upper() in {b"YES", b"NO"}:
            self._skips_caller = value.upper() == b"YES"
            return lambda session: True
        if self._has_many:
            return self._additional(word, value, word)
        raise CommandError(SYNTAX_ERROR)

    def _additional(self, word: bytes, value: bytes, option: bytes) -> _Test:
        """A filter that only Valkey has; ``option`` is its whole name."""
        if word == b"NAME":
            return lambda session: session.name != b"" and session.name == value
        if word == b"LIB-NAME":
            return lambda session: session.library_name != b"" and session.library_name == value
        if word == b"LIB-VER":
            return lambda session: session.library_version != b"" and session.library_version == value
        if word == b"IP":
            return lambda session: _encoded(session.address).rpartition(b":")[0] == value
        if word == b"IDLE":
            idle_s = _positive_number(value, b"idle")
            return lambda session: session.idle_s() >= idle_s
        if word == b"DB":
            index = self._database(value, option)
            return lambda session: int(session.db.index) == index
        if word == b"FLAGS":
            _check_letters(value, _FLAGS, b"flags", option)
            tracking = self._engine.tracking
            return lambda session: set(value) <= set(flags(session, tracking.of(session)))
        if word == b"CAPA":
            _check_letters(value, _CAPABILITIES, b"capa", option)
            return lambda session: set(value) <= set(session.claims.capabilities)
        raise CommandError(SYNTAX_ERROR)

    def _database(self, value: bytes, option: bytes) -> int:
        number = parse_integer(value)
        if number is None or abs(number) > INT_MAX:
            raise CommandError(b"ERR " + option + b" is not an integer or out of range")
        last = len(self._engine.keyspace.databases) - 1
        if not 0 <= number <= last:
            raise CommandError(b"ERR %b number should be between 0 and %d" % (option, last))
        return number


_ADDITIONAL: Final = frozenset((b"NAME", b"LIB-NAME", b"LIB-VER", b"IP", b"DB", b"FLAGS", b"CAPA"))


def _with_ids(arguments: Arguments, numbers: set[int], wanted: bool) -> _Test:
    """The test of Valkey's ID and NOT-ID: all numbers that follow are ids. There may be none."""
    while arguments.left() > 0:
        number = parse_integer(arguments.argv[arguments.at])
        if number is None:
            break
        if number < 1:
            raise CommandError(_BAD_ID)
        numbers.add(number)
        arguments.next()
    return lambda session: (int(session.id) in numbers) == wanted


def _positive_number(value: bytes, name: bytes) -> int:
    number = integer(value, b"ERR " + name + b" is not an integer or out of range")
    if number < 1:
        raise CommandError(b"ERR " + name + b" should be greater than 0")
    return number


def _check_letters(value: bytes, known: bytes, what: bytes, option: bytes) -> None:
    """Refuse letters that no connection has."""
    if not set(value) <= set(known):
        filter_name = b"the " + option + b" filter" if option.startswith(_NOT) else b"the provided filter"
        raise CommandError(b"ERR Unknown " + what + b" found in " + filter_name + b": " + value)


def _encoded(address: str) -> bytes:
    return address.encode("utf-8", "surrogateescape")
