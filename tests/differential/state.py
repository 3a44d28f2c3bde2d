"""The data after a sequence: every key of both servers, in a form that can be compared.

Values are read with the commands of their type and put into a canonical form: lists in their order, members of sets and
fields of hashes sorted, sorted sets with scores, streams with their groups but without times from the clock. In
addition DEBUG DIGEST must be equal; if it is not, DEBUG DIGEST-VALUE shows which key differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.differential.encodings import Expectation
from tests.differential.known import Known, deliberate, same_but_for_digits
from tests.differential.rules import MILLISECONDS
from tests.support.wire import Argument, Array, Bulk, Integer, Map, Reply, Simple, Wire

# If a grammar uses more databases, they have to be added here.
DATABASES_LOOKED_AT = (0, 1, 15)
ALL_AT_ONCE = 1_000_000_000
CLOCK_READINGS = {b"seen-time", b"active-time"}  # the second is new in 7.2


@dataclass(frozen=True)
class KeyState:
    """One key."""

    kind: Reply
    value: Reply
    life: Reply
    encoding: Reply
    digest: Reply


@dataclass(frozen=True)
class State:
    """All keys by database and name, and the digest of the data set."""

    keys: dict[tuple[int, bytes], KeyState]
    digest: Reply


@dataclass(frozen=True)
class Disagreement:
    """A difference between two states."""

    where: str
    why: str
    theirs: Reply | None
    ours: Reply | None


def read_state(control: Wire) -> State:
    """Read everything in the databases, in three round trips."""
    names = _names(control)
    kinds = _ask(control, [(place, ("TYPE", place[1])) for place in names])
    questions: list[tuple[tuple[int, bytes], Sequence[Argument]]] = []
    for place, kind in zip(names, kinds, strict=True):
        name = place[1]
        reader = READERS.get(kind.text if isinstance(kind, Simple) else b"", UNKNOWN)
        questions += [(place, tuple(name if word is None else word for word in one)) for one in reader.questions]
        questions.append((place, ("PTTL", name)))
        questions.append((place, ("OBJECT", "ENCODING", name)))
        questions.append((place, ("DEBUG", "DIGEST-VALUE", name)))
    questions.append(((0, b""), ("DEBUG", "DIGEST")))
    answers = iter(_ask(control, questions))
    found: dict[tuple[int, bytes], KeyState] = {}
    for place, kind in zip(names, kinds, strict=True):
        reader = READERS.get(kind.text if isinstance(kind, Simple) else b"", UNKNOWN)
        value = reader.canonical([next(answers) for _ in reader.questions])
        found[place] = KeyState(kind, value, next(answers), next(answers), next(answers))
    return State(found, next(answers))


def _names(control: Wire) -> list[tuple[int, bytes]]:
    """All keys, sorted. SCAN also deletes the expired ones, which a digest would still contain."""
    commands: list[Sequence[Argument]] = []
    for database in DATABASES_LOOKED_AT:
        commands += [("SELECT", database), ("SCAN", 0, "COUNT", ALL_AT_ONCE)]
    replies = control.pipeline([*commands, ("SELECT", 0)])
    found: list[tuple[int, bytes]] = []
    for at, database in enumerate(DATABASES_LOOKED_AT):
        reply = replies[2 * at + 1]
        assert isinstance(reply, Array), reply
        listing = reply.items[1]
        assert isinstance(listing, Array), reply
        found += sorted((database, item.data) for item in listing.items if isinstance(item, Bulk))
    return found


def _ask(control: Wire, questions: Sequence[tuple[tuple[int, bytes], Sequence[Argument]]]) -> list[Reply]:
    """The replies to commands about keys of several databases, which are sent in one write."""
    commands: list[Sequence[Argument]] = []
    wanted: list[int] = []
    selected = 0
    for (database, _), command in questions:
        if database != selected:
            commands.append(("SELECT", database))
            selected = database
        wanted.append(len(commands))
        commands.append(command)
    if selected:
        commands.append(("SELECT", 0))
    replies = control.pipeline(commands) if commands else []
    return [replies[at] for at in wanted]


# How values are read.

Words = tuple[Argument | None, ...]  # None stands for the key


@dataclass(frozen=True)
class Reader:
    """The commands that show a value, and what makes their replies comparable."""

    questions: tuple[Words, ...]
    canonical: Callable[[list[Reply]], Reply]


def _as_it_is(replies: list[Reply]) -> Reply:
    return replies[0]


def _sorted(replies: list[Reply]) -> Reply:
    reply = replies[0]
    return Array(tuple(sorted(reply.items, key=repr))) if isinstance(reply, Array) else reply


def _flat(reply: Map) -> Array:
    return Array(tuple(part for pair in reply.pairs for part in pair))


def _pairs(reply: Reply) -> list[tuple[Reply, Reply]]:
    if isinstance(reply, Map):
        return list(reply.pairs)
    assert isinstance(reply, Array), reply
    return list(zip(reply.items[::2], reply.items[1::2], strict=True))


def _sorted_pairs(replies: list[Reply]) -> Reply:
    if not isinstance(replies[0], Array):
        return replies[0]
    return Array(tuple(Array(pair) for pair in sorted(_pairs(replies[0]), key=repr)))


def _stream(replies: list[Reply]) -> Reply:
    return Array((replies[0], without_clocks(replies[1])))


def without_clocks(reply: Reply) -> Reply:
    """XINFO STREAM FULL without times from the clock; maps become arrays."""
    if isinstance(reply, Map):
        reply = _flat(reply)
    if not isinstance(reply, Array):
        return reply
    items = reply.items
    if items and len(items) % 2 == 0 and all(isinstance(name, Bulk) for name in items[::2]):
        kept: list[Reply] = []
        for name, value in _pairs(reply):
            assert isinstance(name, Bulk)
            if name.data == b"pending" or (name.data == b"pel" and isinstance(value, Array)):
                kept += [name, _untimed(value)]
            elif name.data == b"consumers":
                kept += [name, without_clocks(_busy(value))]
            elif name.data not in CLOCK_READINGS:
                kept += [name, without_clocks(value)]
        return Array(tuple(kept))
    return Array(tuple(without_clocks(item) for item in items))


def _busy(consumers: Reply) -> Reply:
    """The consumers with pending entries: 7.2 creates a consumer before it has one, 7.0 with its first one."""
    assert isinstance(consumers, Array), consumers
    found: list[Reply] = []
    for consumer in consumers.items:
        fields = {name.data: value for name, value in _pairs(consumer) if isinstance(name, Bulk)}
        if fields[b"pel-count"] != Integer(0):
            found.append(consumer)
    return Array(tuple(found))


def _untimed(pending: Reply) -> Reply:
    """Pending entries without their delivery times, the last but one element of each."""
    if not isinstance(pending, Array):
        return pending
    return Array(
        tuple(Array(item.items[:-2] + item.items[-1:]) if isinstance(item, Array) else item for item in pending.items)
    )


READERS: dict[bytes, Reader] = {
    b"string": Reader((("GET", None),), _as_it_is),
    b"list": Reader((("LRANGE", None, "0", "-1"),), _as_it_is),
    b"set": Reader((("SMEMBERS", None),), _sorted),
    b"hash": Reader((("HGETALL", None),), _sorted_pairs),
    b"zset": Reader((("ZRANGE", None, "0", "-1", "WITHSCORES"),), _as_it_is),
    b"stream": Reader(
        (("XRANGE", None, "-", "+"), ("XINFO", "STREAM", None, "FULL", "COUNT", "0")),
        _stream,
    ),
}
UNKNOWN = Reader((("DUMP", None),), _as_it_is)


# Comparing.


def disagreement(
    theirs: State, ours: State, expectation: Expectation | None, known: tuple[Known, ...] = ()
) -> Disagreement | None:
    """The first difference between the states; encodings must be as expected, or the same but for known differences."""
    if theirs.keys.keys() != ours.keys.keys():
        return Disagreement("keys", "different", _listing(theirs), _listing(ours))
    for (database, name), their_key in theirs.keys.items():
        found = _of_key(their_key, ours.keys[database, name], expectation, known)
        if found is not None:
            where = f"key {quoted(name)} of db{database}: {found.where}"
            return Disagreement(where, found.why, found.theirs, found.ours)
    if theirs.digest != ours.digest and all(_alike(key, ours.keys[place]) for place, key in theirs.keys.items()):
        return Disagreement("DEBUG DIGEST", "different, although all values are equal", theirs.digest, ours.digest)
    return None


def _alike(theirs: KeyState, ours: KeyState) -> bool:
    """Whether values have the same text. Digests contain the text of scores, which 7.2 prints with fewer digits."""
    return theirs.value == ours.value


def _of_key(
    theirs: KeyState, ours: KeyState, expectation: Expectation | None, known: tuple[Known, ...]
) -> Disagreement | None:
    if theirs.kind != ours.kind:
        return Disagreement("TYPE", "different", theirs.kind, ours.kind)
    scored = theirs.kind == Simple(b"zset") and same_but_for_digits(theirs.value, ours.value)
    if not _alike(theirs, ours) and not scored:
        return Disagreement("value", "different", theirs.value, ours.value)
    if (why := MILLISECONDS(theirs.life, ours.life)) is not None:
        return Disagreement("PTTL", why, theirs.life, ours.life)
    if expectation is None:
        is_same = theirs.encoding == ours.encoding
        is_known = deliberate(known, (b"OBJECT", b"ENCODING"), theirs.encoding, ours.encoding)
        why = None if is_same or is_known else "different"
    else:
        why = expectation.complaint(theirs.kind, theirs.value, theirs.encoding, ours.encoding)
    if why is not None:
        return Disagreement("OBJECT ENCODING", why, theirs.encoding, ours.encoding)
    if theirs.digest != ours.digest and _alike(theirs, ours):
        return Disagreement("DEBUG DIGEST-VALUE", "different", theirs.digest, ours.digest)
    return None


def _listing(state: State) -> Reply:
    return Array(tuple(Array((Simple(b"db%d" % database), Bulk(name))) for database, name in state.keys))


def quoted(word: bytes) -> str:
    """An argument, for people to read."""
    if word and all(33 <= byte < 127 and byte not in b"\"'\\" for byte in word) and len(word) < 200:
        return word.decode()
    text = repr(word)[1:]
    return text if len(text) < 200 else f"{text[:80]}...({len(word)} bytes)"
