"""Nearly correct calls, from a seed: made from the arguments that COMMAND DOCS documents, and then damaged.

Random words seldom pass the first checks of a command with many options. These calls reach the handlers. They use few
keys, so that commands meet values of every type, encodings are converted and collections become empty.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.stress.inputs import HUGE, NEVER, WORDS
from tests.support.local import LocalClient
from tests.support.specs import Value, items, pairs, value

KEYS = [b"a", b"b", b"c", b"d", b"{t}e", b""]
STRINGS = [
    *(b"a", b"b", b"c", b"1", b"2", b"-3", b"1.5", b"", b"x" * 10, b"y" * 70, b"z" * 3000, b"\x00\xff", b"*"),
    *(b"(1", b"(a", b"[a", b"[b", b"-", b"+", b"-inf", b"+inf", b"$", b">", b"0", b"0-0", b"1-1", b"2-0", b"77-*"),
]
INTEGERS = [b"0", b"1", b"2", b"3", b"-1", b"-2", b"5", b"100", b"-100", b"70000", b"9223372036854775807"]
DOUBLES = [b"0", b"1", b"2.5", b"-1.5", b"3", b"1e10", b"13.361389", b"38.115556", b"inf", b"-inf", b"1e400"]
TIMES = [b"4000000000", b"5000000000000", b"1", b"100"]
#: A call that blocks is unblocked at once, so these may be called too.
WAITING = frozenset({"BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP"})
#: It stops the time for all clients.
PAUSE = "CLIENT PAUSE"
#: Calls that delete everything are made, but rarely.
SWEEPING = ("FLUSHALL", "FLUSHDB")
#: COMMAND DOCS cannot say that the number of keys that follow must be right.
COUNTS = {"numkeys", "numfields"}


@dataclass(frozen=True)
class Argument:
    """An argument of a command, as documented."""

    name: str
    kind: str
    token: bytes | None
    flags: frozenset[str]
    parts: tuple[Argument, ...]


@dataclass
class Calls:
    """The commands of an engine, and their arguments."""

    commands: dict[str, tuple[Argument, ...]] = field(default_factory=dict)

    def learn(self, client: LocalClient) -> None:
        """Read the commands of an engine."""
        for name, documented in pairs(value(client.do("COMMAND", "DOCS"))).items():
            self._learn(name, documented)

    def _learn(self, name: str, documented: Value) -> None:
        words = name.upper().replace("|", " ")
        if words.split(" ")[0] in NEVER - WAITING or words == PAUSE:
            return
        known = pairs(documented)
        if "subcommands" in known:
            for subcommand, of_it in pairs(known["subcommands"]).items():
                self._learn(subcommand, of_it)
            return
        self.commands[words] = _arguments(known.get("arguments", []))

    def make(self, chance: random.Random) -> list[bytes]:
        """A call of a random command."""
        names = list(self.commands)
        name = chance.choice(names)
        if name in SWEEPING and chance.random() < 0.9:
            name = chance.choice(names)
        argv = name.encode().split(b" ")
        fixed = len(argv)
        for argument in self.commands[name]:
            argv += _words(chance, argument)
        if chance.random() < 0.15 and len(argv) > fixed:
            argv = _damaged(chance, argv, fixed)
        if name in HUGE:
            argv = [argv[0], *(word if len(word) < 6 else b"7" for word in argv[1:])]
        return argv


def _arguments(documented: Value) -> tuple[Argument, ...]:
    return tuple(_argument(pairs(one)) for one in items(documented))


def _argument(known: dict[str, Value]) -> Argument:
    token = known.get("token")
    return Argument(
        str(known["name"]).lower(),
        str(known["type"]),
        None if token is None else str(token).encode(),
        frozenset(str(flag) for flag in items(known.get("flags", []))),
        _arguments(known.get("arguments", [])),
    )


def _words(chance: random.Random, argument: Argument) -> list[bytes]:
    """The words of one argument, which may be left out if it is optional and repeated if it is multiple."""
    if "optional" in argument.flags and chance.random() < 0.6:
        return []
    times = chance.choice([1, 1, 2, 3]) if "multiple" in argument.flags else 1
    words = [] if argument.token is None else [argument.token]
    for at in range(times):
        if at > 0 and "multiple_token" in argument.flags and argument.token is not None:
            words.append(argument.token)
        words += _once(chance, argument)
    return words


def _once(chance: random.Random, argument: Argument) -> list[bytes]:
    if argument.kind == "oneof":
        return _words(chance, chance.choice(argument.parts))
    if argument.kind == "block":
        return [word for part in argument.parts for word in _words(chance, part)]
    if argument.kind == "pure-token":
        return []
    if argument.kind == "key":
        return [chance.choice(KEYS)]
    if argument.kind == "integer":
        if argument.name in COUNTS:
            return [chance.choice([b"1", b"1", b"2", b"3"])]
        return [chance.choice(INTEGERS)]
    if argument.kind == "double":
        # Timeouts are such numbers too; calls that block are unblocked.
        return [chance.choice(DOUBLES)]
    if argument.kind == "unix-time":
        return [chance.choice(TIMES)]
    return [chance.choice(STRINGS)]


def _damaged(chance: random.Random, argv: list[bytes], fixed: int) -> list[bytes]:
    """The call with a word dropped, doubled, replaced or moved."""
    at = chance.randrange(fixed, len(argv))
    how = chance.randrange(4)
    if how == 0:
        return argv[:at] + argv[at + 1 :]
    if how == 1:
        return argv[: at + 1] + argv[at:]
    if how == 2:
        return [*argv[:at], chance.choice(WORDS), *argv[at + 1 :]]
    rest = argv[:at] + argv[at + 1 :]
    to = chance.randrange(fixed, len(rest) + 1)
    return [*rest[:to], argv[at], *rest[to:]]
