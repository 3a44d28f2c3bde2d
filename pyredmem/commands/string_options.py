"""The options of the commands that set or get strings, and the expire times that they give."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import INT64_MAX
from pyredmem.base.xxh3 import DIGEST_DIGITS, xxh3_digest
from pyredmem.config.profiles import SET_COMPARISONS, SET_IFEQ, Profile
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.context import Context

# Options of SET, GETEX and MSETEX.
NX: Final = 1
XX: Final = 2
GET: Final = 4
KEEP_TTL: Final = 8
PERSIST: Final = 16
_EX: Final = 32
_PX: Final = 64
_EXAT: Final = 128
_PXAT: Final = 256
_IFEQ: Final = 512
_IFNE: Final = 1024
_IFDEQ: Final = 2048
_IFDNE: Final = 4096
COMPARISONS: Final = _IFEQ | _IFNE | _IFDEQ | _IFDNE
#: The comparisons that a missing key fulfils.
TRUE_OF_NONE: Final = _IFNE | _IFDNE
_OF_DIGESTS: Final = _IFDEQ | _IFDNE
EXPIRY: Final = _EX | _PX | _EXAT | _PXAT
_IN_SECONDS: Final = _EX | _EXAT
_RELATIVE: Final = _EX | _PX
_LIFETIME: Final = EXPIRY | KEEP_TTL | PERSIST

#: The options that each option excludes. An option may be repeated: the last value counts.
_EXCLUDED: Final = {
    NX: XX | COMPARISONS,
    XX: NX | COMPARISONS,
    **dict.fromkeys((_IFEQ, _IFNE, _IFDEQ, _IFDNE), NX | XX | COMPARISONS),
    GET: 0,
    KEEP_TTL: _LIFETIME & ~KEEP_TTL,
    PERSIST: _LIFETIME & ~PERSIST,
    _EX: _LIFETIME & ~_EX,
    _PX: _LIFETIME & ~_PX,
    _EXAT: _LIFETIME & ~_EXAT,
    _PXAT: _LIFETIME & ~_PXAT,
}
_EXPIRY_OPTIONS: Final = {b"EX": _EX, b"PX": _PX, b"EXAT": _EXAT, b"PXAT": _PXAT}
_CONDITIONS: Final = {b"NX": NX, b"XX": XX, b"KEEPTTL": KEEP_TTL}
#: Options of SET that compare the old value, or its digest, with a value; DELEX has them too.
COMPARISON_OPTIONS: Final = {b"IFEQ": _IFEQ, b"IFNE": _IFNE, b"IFDEQ": _IFDEQ, b"IFDNE": _IFDNE}
SET_OPTIONS: Final = {**_CONDITIONS, b"GET": GET, **COMPARISON_OPTIONS, **_EXPIRY_OPTIONS}
MSETEX_OPTIONS: Final = {**_CONDITIONS, **_EXPIRY_OPTIONS}
GETEX_OPTIONS: Final = {b"PERSIST": PERSIST, **_EXPIRY_OPTIONS}

_BAD_DIGEST: Final = b"ERR must be exactly 16 hexadecimal characters"

EXPIRY_SYNTAX: Final = "EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds"


class StringOptions:
    """The options of SET, GETEX and MSETEX: which of them were given, and their values."""

    def __init__(self, argv: list[bytes], start: i64, known: dict[bytes, int]) -> None:
        self.given = 0
        self.expiry = b""
        self.compared = b""  # with the old value, or with its digest
        arguments = Arguments(argv, start)
        while arguments.left() > 0:
            option = known.get(arguments.word(), 0)
            if option == 0 or self.given & _EXCLUDED[option]:
                raise CommandError(SYNTAX_ERROR)
            self.given |= option
            if option & EXPIRY:
                self.expiry = arguments.next()
            elif option & COMPARISONS:
                self.compared = arguments.next()

    def deadline_ms(self, context: Context, command: bytes) -> i64:
        """The requested expire time, in unix milliseconds."""
        unit_ms = 1000 if self.given & _IN_SECONDS else 1
        return expiry_deadline_ms(context, self.expiry, unit_ms, self.given & _RELATIVE != 0, command)


def known_comparisons(profile: Profile) -> int:
    """The comparisons that SET of a version knows."""
    if profile.has(SET_COMPARISONS):
        return COMPARISONS
    return _IFEQ if profile.has(SET_IFEQ) else 0


def is_fulfilled(comparison: int, compared: bytes, value: bytes) -> bool:
    """Whether the value of a key fulfils a comparison. Of a digest only the length is checked, as in Redis."""
    if comparison & _OF_DIGESTS:
        if len(compared) != DIGEST_DIGITS:
            raise CommandError(_BAD_DIGEST)
        is_equal = xxh3_digest(value) == compared.lower()
    else:
        is_equal = value == compared
    return is_equal == (comparison & TRUE_OF_NONE == 0)


def expiry_deadline_ms(context: Context, argument: bytes, unit_ms: int, relative: bool, command: bytes) -> i64:
    """An argument as an expire time in unix milliseconds; an error if it is not positive or does not fit 64 bits."""
    number = integer(argument)
    base: int = context.keyspace.now_ms() if relative else 0
    if number <= 0 or number * unit_ms > INT64_MAX - base:
        raise errors.invalid_expire(command)
    return base + number * unit_ms
