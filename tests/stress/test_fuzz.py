"""Random input for the engine: no exception, no stuck session, no error in the ledger.

The seeds are fixed, so a failure can be repeated; the message names the input. The short runs belong to every
test run; the suite says how many inputs the long ones make.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.stress.inputs import NEVER, random_arguments, random_bytes, split
from tests.support.local import LocalEngine, local_engine
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import Array, Bulk, Closed, Decoder, Error, Reply, Set, Simple, request
from tests.support.world import LAYOUT_VERSIONS

SEED = 20240607
QUICK = 3000
AUDIT_EVERY = 5000


@pytest.fixture(params=LAYOUT_VERSIONS)
def local(request: pytest.FixtureRequest) -> Iterator[LocalEngine]:
    engine = local_engine(("enable-debug-command", "yes"), ("redis-version", request.param))
    yield engine
    engine.assert_sound()


def _served(local: LocalEngine) -> list[bytes]:
    client = local.client()
    reply = client.do("COMMAND", "LIST")
    local.drop(client)
    assert isinstance(reply, Array | Set), reply
    names = [item.data.decode().upper() for item in reply.items if isinstance(item, Bulk)]
    return sorted(name.encode() for name in names if name not in NEVER)


def _fuzz_bytes(local: LocalEngine, count: int) -> None:
    chance = random.Random(SEED)
    for number in range(count):
        data = random_bytes(chance)
        client = local.client()
        try:
            for piece in split(chance, data):
                if client.session.is_closing():
                    break
                client.raw(piece)
        except Exception as error:
            error.add_note(f"input {number}: {data!r}")
            raise
        assert client.session.is_closing() or client.session.holds == 0, f"input {number} is stuck: {data!r}"
        local.drop(client)
        if number % AUDIT_EVERY == AUDIT_EVERY - 1:
            local.assert_sound()


def _fuzz_arguments(local: LocalEngine, count: int) -> None:
    chance = random.Random(SEED + 1)
    names = _served(local)
    client = local.client()
    for number in range(count):
        argv = random_arguments(chance, names)
        try:
            client.raw(request(*argv))
        except Exception as error:
            error.add_note(f"input {number}: {argv!r}")
            raise
        if client.session.is_closing() or number % 50 == 49:
            local.drop(client)
            client = local.client(chance.choice([2, 3]))
        if number % 20 == 19:
            local.pass_time(chance.choice([1, 100, 1000]))
        if number % AUDIT_EVERY == AUDIT_EVERY - 1:
            local.assert_sound()
    local.drop(client)


def test_random_bytes_leave_everything_sound(local: LocalEngine) -> None:
    _fuzz_bytes(local, QUICK)


def test_random_arguments_leave_everything_sound(local: LocalEngine) -> None:
    _fuzz_arguments(local, QUICK)


@pytest.mark.slow
@time_limit(900)
def test_a_long_run_of_random_bytes_leaves_everything_sound(local: LocalEngine) -> None:
    _fuzz_bytes(local, SUITE.inputs)


@pytest.mark.slow
@time_limit(900)
def test_a_long_run_of_random_commands_leaves_everything_sound(local: LocalEngine) -> None:
    _fuzz_arguments(local, SUITE.inputs)


def _answer(pieces: list[bytes]) -> tuple[bytes, bool]:
    local = local_engine()
    session = local.engine.connect("tcp", "127.0.0.1:1", "127.0.0.1:2")
    output = b""
    for piece in pieces:
        if session.is_closing():
            break
        session.receive(piece)
        output += session.take_output()
    return output, session.is_closing()


def test_any_split_of_the_same_bytes_gives_the_same_replies() -> None:
    chance = random.Random(SEED + 2)
    for _ in range(60):
        data = random_bytes(chance) + request("SET", "a", b"\r\n$5\r\n") + b"GET a\r\n" + random_bytes(chance)
        whole = _answer([data])
        assert _answer(split(chance, data)) == whole, data
        assert _answer([data[at : at + 1] for at in range(len(data))]) == whole, data


def _decoded(data: bytes) -> list[Reply]:
    decoder = Decoder()
    decoder.feed(data)
    return decoder.take_all()


def _over_a_socket(server: Server, data: bytes) -> tuple[list[Reply], bool]:
    """The replies to these bytes and to a mark after them, and whether the server closed the connection."""
    replies: list[Reply] = []
    with server.connect(timeout=8.0) as wire:
        try:
            wire.send(data + b"\r\n" + request("PING", "the mark"))
            while (reply := wire.receive()) != Bulk(b"the mark"):
                replies.append(reply)
        except Closed:
            return replies, True
    return replies, False


PROTOCOL_ERRORS = [
    *(
        b"*x\r\n",
        b"*1048577\r\n",
        b"*-2\r\nPING\r\n",
        b"*1\r\nx\r\n",
        b"*1\r\n:1\r\n",
        b"*1\r\n$x\r\n",
        b"*1\r\n$-1\r\n",
    ),
    *(b"*1\r\n$536870913\r\n", b"*1\r\n$\r\n", b'GET "a\r\n', b"GET 'a\r\n", b'GET "a"b\r\n', b"*99999999999\r\n"),
    *(
        b"\r\n\r\nPING\r\n",
        b"*0\r\nPING\r\n",
        b"*-1\r\nPING\r\n",
        b"PING\n",
        b'ECHO "\\x41\\n\\q"\r\n',
        b"ECHO 'a\\'b'\r\n",
    ),
    *(b"x" * 70_000, b"*" + b"1" * 70_000, b"*1\r\n$" + b"1" * 70_000, b"GET\r\n", b"get a b\r\n"),
    *(b"*1\r\n$4\r\nPINGxx", b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", b"*1\r\n$0\r\n\r\n", b" \t \r\nPING\r\n", b"*\r\n"),
    *(b"POST / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n", b"*+1\r\n$4\r\nPING\r\n", b"*01\r\n$4\r\nPING\r\n"),
]


@pytest.mark.needs_redis
@pytest.mark.parametrize("data", PROTOCOL_ERRORS, ids=lambda data: repr(data[:24]))
def test_protocol_errors_are_those_of_redis(real: Server, ours: Server, data: bytes) -> None:
    assert _over_a_socket(ours, data) == _over_a_socket(real, data)


@pytest.mark.needs_redis
def test_random_bytes_get_the_replies_of_redis(real: Server, ours: Server) -> None:
    chance = random.Random(SEED + 3)
    for _ in range(400):
        data = random_bytes(chance)
        # In an inline request Redis takes a NUL for the end of what it has received, and waits.
        # The rest of a damaged request may be a command of replication, which we do not have.
        named = {word.upper().decode("latin-1") for word in data.split()}
        if b"\x00" in data or named & NEVER or _waits_for_more(data):
            continue
        assert _over_a_socket(ours, data) == _over_a_socket(real, data), data


def _waits_for_more(data: bytes) -> bool:
    """Whether the mark would become part of an unfinished request, so that both servers wait for more."""
    local = local_engine()
    session = local.engine.connect("tcp", "127.0.0.1:1", "127.0.0.1:2")
    session.receive(data + b"\r\n" + request("PING", "the mark"))
    replies = _decoded(session.take_output())
    return not session.is_closing() and Bulk(b"the mark") not in replies


def test_a_protocol_error_gets_an_error_reply_and_closes_the_session(local: LocalEngine) -> None:
    client = local.client()
    replies = client.raw(b"*1\r\n$x\r\n" + request("PING"))
    assert replies == [Error(b"ERR Protocol error: invalid bulk length")]
    assert client.session.is_closing()
    local.drop(client)


def test_requests_before_a_protocol_error_get_their_replies(local: LocalEngine) -> None:
    client = local.client()
    assert client.raw(request("PING") + b"*x\r\n")[0] == Simple(b"PONG")
    local.drop(client)
