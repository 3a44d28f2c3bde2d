"""The hyperloglog group."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.differential.grammar import KEY, VALUE, form, maybe, one_of, some, words

_HEADER = b"HYLL\x01\x00\x00\x00" + bytes(7) + b"\x80"


def _series(count: int) -> list[bytes]:
    return [b"element:%d" % number for number in range(count)]


# Enough elements that a single command can fill a sparse value.
ELEMENTS = one_of(
    some(VALUE),
    some(words(*_series(60))),
    st.sampled_from([_series(100), _series(700), _series(1500)[800:], _series(3000)]),
)
# Strings that are nearly HyperLogLogs.
DAMAGED = words(
    _HEADER + b"\x7f\xff",
    _HEADER + b"\x7f\xfe\x80",
    _HEADER + b"\x7f\xfe",
    _HEADER + b"\x7f\xff\x80",
    _HEADER + b"\x7f\xff\x00",
    _HEADER + b"\x7f\xfb\xff\x83",
    _HEADER + b"\x7f\xfe\x81",
    _HEADER + b"\x40\x00" * 3 + b"\x7f\xfc",
    _HEADER,
    _HEADER[:15],
    b"HYLL" + bytes(12 + 12288),
    b"HYLL" + bytes(11) + b"\x80" + b"\xff" * 12288,
    b"HYLL" + bytes(12 + 12287),
    b"HYLL\x02" + bytes(13),
    b"hyll" + _HEADER[4:] + b"\x7f\xff",
)
# What damages a HyperLogLog to which it is appended.
DAMAGED_TAILS = (b"\x80", b"\x00")
SUBCOMMAND = words(b"DECODE", b"ENCODING", b"TODENSE", b"GETREG", b"encoding", b"x", b"GETREG\x00")

HYPERLOGLOGS = [
    form("PFADD", KEY, ELEMENTS, weight=8),
    form("PFADD", KEY),
    form("PFCOUNT", KEY, weight=3),
    form("PFCOUNT", some(KEY), weight=3),
    form("PFMERGE", some(KEY), weight=4),
    form("PFDEBUG", SUBCOMMAND, KEY, weight=2),
    form("PFDEBUG", SUBCOMMAND, KEY, maybe(KEY)),
    form("SET", KEY, DAMAGED, weight=2),
    form("SET", KEY, VALUE),
    form("APPEND", KEY, words(*DAMAGED_TAILS, b"")),
    form("COPY", KEY, KEY, words(b"REPLACE")),
    form("GET", KEY),
]
