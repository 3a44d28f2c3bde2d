"""Commands as data, from which sequences are generated.

A grammar is a list of `Form`s: the name of a command and the parts of its arguments. A part produces a list of words.
Words come from small pools. They are chosen so that keys collide, and so that numbers, lengths and encodings lie at the
edges of ranges, because that is where servers disagree. One command in a dozen is *bent* afterwards: an argument is
dropped, doubled or replaced, so that arity and syntax errors are compared too. Upper and lower case are mixed.

    Form("SET", KEY, VALUE, options(["NX"], ["XX"], ["GET"], EXPIRY))

Hypothesis shrinks what it finds, first to fewer commands, then to earlier alternatives. So parts list the simple
alternatives first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.differential.harness import Step
from tests.differential.rules import Rule, exactly, same_type

Words = list[bytes]
Part = st.SearchStrategy[Words]

KEYS = [b"a", b"b", b"c", b"key:0000000001", b"{t}x", b"", b"bin\x00\xff\r\n", b"k" * 40]
INTEGERS = [
    *(b"0", b"1", b"-1", b"2", b"7", b"10", b"100", b"9999", b"10000", b"-10"),
    *(b"2147483647", b"-2147483648", b"4294967296"),
    *(b"9223372036854775807", b"-9223372036854775808", b"9223372036854775806", b"4611686018427387904"),
]
NOT_INTEGERS = [
    *(b"", b"x", b" 1", b"1 ", b"+1", b"01", b"-0", b"1.0", b"0x10", b"1e3", b"-"),
    *(b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1\x00"),
]
FLOATS = [
    *(b"0", b"1", b"1.5", b"-1.5", b"0.1", b"3.0", b"3.14159265358979", b"1e10", b"1e-10", b"5.0e3", b"-0"),
    *(b"1e17", b"123456789.123456789", b"99999999999999999.5", b".5", b"5.", b"0x1p3", b"1e300", b"1e-300"),
]
NOT_FLOATS = [
    b"",
    b"x",
    b"nan",
    b"inf",
    b"-inf",
    b"infinity",
    b" 1.5",
    b"1.5 ",
    b"1e",
    b"1e5000",
    b"1,5",
    b"--1",
]
TEXTS = [
    *(b"", b"v", b"hello", b"OK", b"x" * 20, b"y" * 44, b"z" * 45, b"w" * 200, b"Hello World", b"foobar"),
    *(b"\x00", b"\xff\xf0\x0f", b"\x00\x00\x00\x80", b"a\r\nb", b"$5\r\nhello\r\n", b"w" * 3000, b"ohmytext"),
]
# Never a small positive time to live: chance would decide whether it has passed at the next command.
SECONDS_FROM_NOW = [
    b"100",
    b"1000",
    b"86400",
    b"0",
    b"-1",
    b"-100",
    b"9223372036854775807",
    b"9223372036854775",
]
MILLISECONDS_FROM_NOW = [b"100000", b"1000000", b"0", b"-1", b"9223372036854775807", b"-9223372036854775808"]
SECONDS_OF_CLOCK = [b"4000000000", b"5000000000", b"1", b"0", b"-1", b"9223372036854775807"]
MILLISECONDS_OF_CLOCK = [b"4000000000000", b"5000000000000", b"1", b"0", b"-5", b"9223372036854775807"]
OFFSETS = [
    b"0",
    b"1",
    b"2",
    b"5",
    b"7",
    b"8",
    b"31",
    b"63",
    b"64",
    b"100",
    b"1000",
    b"-1",
    b"4294967296",
    b"x",
]
RANGE_ENDS = [
    b"0",
    b"-1",
    b"1",
    b"2",
    b"5",
    b"-2",
    b"-100",
    b"100",
    b"9223372036854775807",
    b"-9223372036854775808",
]
PATTERNS = [
    b"*",
    b"a",
    b"[ab]",
    b"?",
    b"key:*",
    b"k*k",
    b"[^a]",
    b"\\*",
    b"[",
    b"*\x00*",
    b"[a-c]",
    b"",
    b"h?llo*",
]
TYPES = [b"string", b"list", b"STRING", b"hash", b"zset", b"set", b"stream", b"nosuchtype"]


@dataclass(frozen=True)
class Form:
    """A command and its possible arguments."""

    name: str
    arguments: Part
    rule: Rule = exactly
    weight: int = 1


def form(name: str, *parts: Part, rule: Rule = exactly, weight: int = 1) -> Form:
    """A form whose arguments are these parts, in this order; the name may include a subcommand."""
    return Form(name, sequence(*parts), rule, weight)


def sequence(*parts: Part) -> Part:
    """These parts, in this order."""
    return st.tuples(*parts).map(lambda lists: [word for words in lists for word in words])


def words(*alternatives: bytes | Sequence[bytes]) -> Part:
    """One of these words, or lists of words."""
    return st.sampled_from([[one] if isinstance(one, bytes) else list(one) for one in alternatives])


def one_of(*parts: Part) -> Part:
    """One of these parts."""
    return st.one_of(*parts)


def maybe(part: Part) -> Part:
    """The part, or nothing."""
    return st.one_of(st.just([]), part)


def some(part: Part, least: int = 1, most: int = 4) -> Part:
    """The part several times."""
    return st.lists(part, min_size=least, max_size=most).map(lambda lists: [w for words in lists for w in words])


def options(*parts: Part | Sequence[str]) -> Part:
    """A few of these options in any order, sometimes repeated or contradictory: the server must handle that."""
    given = [one if isinstance(one, st.SearchStrategy) else words([word.encode() for word in one]) for one in parts]
    return some(st.one_of(*given), least=0, most=3)


def option(name: str, part: Part) -> Part:
    """A name followed by its argument."""
    return sequence(words(name.encode()), part)


def _edges(good: Sequence[bytes], bad: Sequence[bytes]) -> Part:
    """Mostly good words, and one bad word in ten: enough to test refusals, and few enough for commands to succeed."""
    return st.integers(0, 9).flatmap(lambda die: words(*bad) if die == 9 else words(*good))


def _values() -> Part:
    return st.one_of(
        words(*TEXTS),
        words(*INTEGERS),
        words(*NOT_INTEGERS),
        words(*FLOATS),
        st.binary(max_size=80).map(lambda data: [data]),
        st.integers(-(2**63), 2**63 - 1).map(lambda number: [b"%d" % number]),
    )


KEY = words(*KEYS)
VALUE = _values()
INTEGER = _edges(INTEGERS, NOT_INTEGERS)
FLOAT = _edges(FLOATS, NOT_FLOATS)
OFFSET = words(*OFFSETS)
RANGE_END = _edges(RANGE_ENDS, NOT_INTEGERS)
PATTERN = words(*PATTERNS)
DATABASE = words(b"0", b"1", b"1", b"0", b"15", b"16", b"-1", b"x", b"")
EXPIRY = st.one_of(
    option("EX", _edges(SECONDS_FROM_NOW, NOT_INTEGERS)),
    option("PX", _edges(MILLISECONDS_FROM_NOW, NOT_INTEGERS)),
    option("EXAT", _edges(SECONDS_OF_CLOCK, NOT_INTEGERS)),
    option("PXAT", _edges(MILLISECONDS_OF_CLOCK, NOT_INTEGERS)),
)
SECONDS_TO_LIVE = _edges(SECONDS_FROM_NOW, NOT_INTEGERS)
MILLISECONDS_TO_LIVE = _edges(MILLISECONDS_FROM_NOW, NOT_INTEGERS)
SECOND = _edges(SECONDS_OF_CLOCK, NOT_INTEGERS)
MILLISECOND = _edges(MILLISECONDS_OF_CLOCK, NOT_INTEGERS)


def _mixed_case(word: bytes, choice: int) -> bytes:
    if choice == 0 or len(word) > 12:
        return word
    if choice == 1:
        return word.lower()
    return bytes(b ^ 32 if i % 2 and chr(b).isalpha() and b < 128 else b for i, b in enumerate(word))


# With other arguments the result of these commands would depend on chance.
CHOOSING = {"SPOP"}


@st.composite
def steps_of(draw: st.DrawFn, forms: Sequence[Form], connections: Sequence[str] = ("main",)) -> Step:
    """One command of these forms over one of these connections."""
    chosen = draw(st.sampled_from([one for one in forms for _ in range(one.weight)]))
    name = [word.encode() for word in chosen.name.split(" ")]
    case = draw(st.integers(0, 2))
    argv = [_mixed_case(word, case) for word in name] + draw(chosen.arguments)
    rule = chosen.rule
    if draw(st.integers(0, 11)) == 11 and argv[len(name) :] and chosen.name not in CHOOSING:
        argv = draw(_bent(argv, len(name)))
        rule = rule if rule is exactly else same_type
    return Step(tuple(affordable(argv)), draw(st.sampled_from(list(connections))), rule)


@st.composite
def _bent(draw: st.DrawFn, argv: list[bytes], fixed: int) -> list[bytes]:
    """The command with an argument dropped, doubled or replaced, or with its case changed."""
    at = draw(st.integers(fixed, len(argv) - 1))
    how = draw(st.integers(0, 3))
    if how == 0:
        return argv[:at] + argv[at + 1 :]
    if how == 1:
        return [*argv[: at + 1], *argv[at:]]
    if how == 2:
        return argv[:at] + [_timeless(word) for word in draw(VALUE)] + argv[at + 1 :]
    return [*argv[:at], _mixed_case(argv[at], 2), *argv[at + 1 :]]


def _timeless(word: bytes) -> bytes:
    """The word, or another one if as a time to live it might pass before the next command."""
    return b"x" if word.isdigit() and len(word) < 6 and int(word) else word


# The size that a command may ask for: a string as long as its offset, a reply as long as its count.
MOST_BYTES = 10_000
MOST_BITS = 8 * MOST_BYTES
MOST_DRAWS = 1_000
SPREADING = {b"SETRANGE": MOST_BYTES, b"SETBIT": MOST_BITS, b"BITFIELD": MOST_BITS}
LONGEST_STRING = 512 * 1024 * 1024
DRAWING = {b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER"}
LOWEST = -(2**63)


def affordable(argv: Sequence[bytes]) -> list[bytes]:
    """The command without numbers that would make a server use gigabytes; numbers that it refuses stay."""
    name = argv[0].upper() if argv else b""
    if name in SPREADING:
        most = SPREADING[name]
        beyond = LONGEST_STRING * most // MOST_BYTES
        return [argv[0], *(b"%d" % most if most < _number(word) < beyond else word for word in argv[1:])]
    if name in DRAWING:
        # With values, counts beyond half of the range are refused.
        lowest = LOWEST // 2 if argv[-1].upper() in {b"WITHVALUES", b"WITHSCORES"} else LOWEST
        return [argv[0], *(b"-7" if lowest < _number(word) < -MOST_DRAWS else word for word in argv[1:])]
    return list(argv)


def _number(word: bytes) -> int:
    """The number in a word or in an offset such as #3; 0 if there is none."""
    digits = word.removeprefix(b"#")
    return int(digits) if digits.removeprefix(b"-").isdigit() else 0


@st.composite
def sequences(
    draw: st.DrawFn, forms: Sequence[Form], connections: Sequence[str] = ("main",), least: int = 15, most: int = 50
) -> list[Step]:
    """Sequences of commands, some of them in a transaction."""
    steps = draw(st.lists(steps_of(forms, connections), min_size=least, max_size=most))
    if draw(st.integers(0, 3)) == 3:
        first = draw(st.integers(0, len(steps) - 1))
        last = draw(st.integers(first + 1, len(steps)))
        where = steps[first].connection
        steps[last:last] = [Step((b"EXEC",), where)]
        steps[first:first] = [Step((b"MULTI",), where)]
    return steps


FEW_NAMES = dict(zip(KEYS, (b"a", b"b", b"c", b"a", b"b", b"", b"c", b"a"), strict=True))


def with_few_names(steps: list[Step]) -> list[Step]:
    """The same commands with very few names for keys, so that they meet each other's values."""
    return [Step(tuple(FEW_NAMES.get(word, word) for word in one.argv), one.connection, one.rule) for one in steps]
