"""The asyncio protocol of a connection, on a transport that only keeps what is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from socket import SO_SNDBUF, SOL_SOCKET, socket, socketpair
from typing import Any, cast

import pytest

from pyredmem.assembly import create_engine
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.host import Host
from pyredmem.engine.session import Session
from pyredmem.server.connection import HIGH_WATER, Connection
from tests.support.wire import request


class FakeTransport:
    """Keeps what is written until its client reads, which may be at once or only when the test says so."""

    def __init__(self, connection: Connection, peer: object, reads: bool, own: socket | None) -> None:
        self._connection = connection
        self._own = own
        self._peer = peer
        self.reads = reads
        self.sent = b""
        self.unsent: list[bytes] = []
        self.writes = 0
        self.closed = False
        self.aborted = False
        self._high = 65536
        self._paused = False

    def get_extra_info(self, name: str) -> object:
        return {"peername": self._peer, "sockname": ("127.0.0.1", 6379), "socket": self._own}.get(name)

    def set_write_buffer_limits(self, high: int) -> None:
        self._high = high

    def get_write_buffer_size(self) -> int:
        return sum(len(part) for part in self.unsent)

    def write(self, data: bytes) -> None:
        self.writelines([data])

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.writes += 1
        self.unsent += parts
        if self.reads:
            self.read()
        elif self.get_write_buffer_size() > self._high and not self._paused:
            self._paused = True
            self._connection.pause_writing()

    def read(self) -> bytes:
        """Let the client read everything that is unsent."""
        read = b"".join(self.unsent)
        self.sent += read
        self.unsent = []
        if self._paused:
            self._paused = False
            self._connection.resume_writing()
        return read

    def read_all(self) -> bytes:
        """Let the client read until nothing more comes."""
        read = b""
        while part := self.read():
            read += part
        return read

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True
        self._connection.connection_lost(None)


class Shell:
    """An engine and connections to it. ``host`` is the process around it, if the test needs one."""

    def __init__(self, host: Host | None = None, **settings: str) -> None:
        self.clock = ManualClock()
        pairs = [(name.replace("_", "-"), value) for name, value in settings.items()]
        self.engine = create_engine(Settings(pairs), self.clock, Random(1), host)

    def connect(
        self,
        reads: bool = True,
        peer: object = ("127.0.0.1", 50000),
        kind: str = "tcp",
        own: socket | None = None,
    ) -> Client:
        """Connect a client; ``own`` is the socket of its transport, if that has one."""
        return Client(self, reads, peer, kind, own)


class Client:
    """One connection with its fake transport."""

    def __init__(self, shell: Shell, reads: bool, peer: object, kind: str, own: socket | None) -> None:
        self.shell = shell
        self.connection = Connection(shell.engine, kind, lambda connection: None)
        self.transport = FakeTransport(self.connection, peer, reads, own)
        before = set(shell.engine.sessions)
        self.connection.connection_made(cast(asyncio.Transport, self.transport))
        self.numbers = set(shell.engine.sessions) - before

    @property
    def session(self) -> Session:
        [number] = self.numbers
        return self.shell.engine.sessions[number]

    def send(self, *words: str | int) -> None:
        self.connection.data_received(request(*words))


def test_all_replies_to_one_read_are_sent_by_one_write() -> None:
    client = Shell().connect()
    client.connection.data_received(request("PING") * 10)
    assert (client.transport.sent, client.transport.writes) == (b"+PONG\r\n" * 10, 1)


@pytest.fixture
def ends() -> Iterator[tuple[socket, socket]]:
    """Both ends of a connection; the server's takes little at once."""
    near, far = socketpair()
    with near, far:
        near.setsockopt(SOL_SOCKET, SO_SNDBUF, 1)
        near.setblocking(False)
        far.setblocking(False)
        yield near, far


@pytest.fixture
def connect(ends: tuple[socket, socket]) -> Iterator[Callable[..., Client]]:
    """Connects the client of these ends, which is disconnected at the end of the test."""
    clients: list[Client] = []

    def connected(**options: Any) -> Client:
        clients.append(Shell().connect(own=ends[0], **options))
        return clients[-1]

    yield connected
    for client in clients:
        client.connection.connection_lost(None)


def read_of(far: socket) -> bytes:
    """What has been sent to an end of a connection."""
    read = b""
    try:
        while part := far.recv(1 << 16):
            read += part
    except BlockingIOError:
        pass
    return read


@pytest.mark.parametrize("kind", ["tcp", "unix", "tls"])
def test_output_is_sent_past_the_transport_unless_that_encrypts_it(
    ends: tuple[socket, socket], connect: Callable[..., Client], kind: str
) -> None:
    client = connect(kind=kind)
    client.send("PING")
    expected = (b"", b"+PONG\r\n") if kind == "tls" else (b"+PONG\r\n", b"")
    assert (read_of(ends[1]), client.transport.sent) == expected


def test_what_the_socket_does_not_take_is_left_to_the_transport_in_order(
    ends: tuple[socket, socket], connect: Callable[..., Client]
) -> None:
    client = connect(reads=False)
    expected = b""
    for number in range(20):
        client.send("ECHO", str(number) * 1000)
        text = str(number).encode() * 1000
        expected += b"$%d\r\n%s\r\n" % (len(text), text)
    sent = read_of(ends[1])
    assert 0 < len(sent) < len(expected)
    client.send("PING")  # the socket has room again, but the transport has not sent everything
    assert read_of(ends[1]) == b""
    assert sent + client.transport.read_all() == expected + b"+PONG\r\n"
    client.send("PING")
    assert read_of(ends[1]) == b"+PONG\r\n"


def test_much_output_that_waits_in_the_transport_is_not_overtaken(
    ends: tuple[socket, socket], connect: Callable[..., Client]
) -> None:
    client = connect(reads=False)
    client.send("ECHO", "x" * (HIGH_WATER + 1))
    client.send("PING")
    assert read_of(ends[1]) == b""
    assert client.transport.read_all().endswith(b"x\r\n+PONG\r\n")


def test_a_connection_that_closes_leaves_its_socket_to_the_transport(
    ends: tuple[socket, socket], connect: Callable[..., Client]
) -> None:
    client = connect()
    session = client.session
    client.send("QUIT")
    session.output.bulk(b"too late")
    client.connection.flush()
    assert read_of(ends[1]) == b"+OK\r\n"
    client.connection.connection_lost(None)
    assert ends[0].send(b"still open") > 0


def test_without_a_reply_nothing_is_written() -> None:
    client = Shell().connect()
    client.connection.data_received(b"*1\r\n$4\r\nPI")
    assert client.transport.writes == 0


def test_addresses_have_the_form_of_redis() -> None:
    shell = Shell()
    assert shell.connect(peer=("127.0.0.1", 5, 0, 0)).session.address == "127.0.0.1:5"
    assert shell.connect(peer=("::1", 5, 0, 0)).session.address == "[::1]:5"


def test_a_refused_client_gets_an_error_and_is_disconnected() -> None:
    shell = Shell(maxclients="1")
    shell.connect()
    refused = shell.connect()
    assert refused.transport.sent == b"-ERR max number of clients reached\r\n"
    assert refused.transport.closed


def test_the_reply_to_quit_is_sent_before_the_connection_closes() -> None:
    client = Shell().connect()
    client.send("QUIT")
    assert (client.transport.sent, client.transport.closed) == (b"+OK\r\n", True)


def test_commands_after_quit_do_not_run() -> None:
    client = Shell().connect()
    client.connection.data_received(request("QUIT") + request("PING"))
    assert client.transport.sent == b"+OK\r\n"


def test_a_client_that_kills_itself_gets_the_reply_before_the_connection_closes() -> None:
    client = Shell().connect()
    client.send("CLIENT", "KILL", "ID", client.session.id, "SKIPME", "no")
    assert (client.transport.sent, client.transport.closed) == (b":1\r\n", True)


def test_a_killed_client_is_disconnected_at_once() -> None:
    shell = Shell()
    killer, victim = shell.connect(), shell.connect()
    killer.send("CLIENT", "KILL", "ID", victim.session.id)
    assert victim.transport.aborted
    assert len(shell.engine.sessions) == 1


def test_a_lost_connection_is_forgotten() -> None:
    shell = Shell()
    client = shell.connect()
    client.connection.connection_lost(None)
    assert not shell.engine.sessions
    client.connection.flush()


def test_output_bytes_are_counted() -> None:
    shell = Shell()
    shell.connect().send("PING")
    assert (shell.engine.stats.net_output_bytes, shell.engine.stats.writes_processed) == (7, 1)


def test_a_large_string_is_written_as_a_part_of_its_own() -> None:
    client = Shell().connect(reads=False)
    value = "x" * 100_000
    client.send("SET", "k", value)
    client.transport.read()
    client.send("GET", "k")
    assert [len(part) for part in client.transport.unsent] == [9, 100_000, 2]


def test_unsent_output_is_in_the_ledger_until_it_is_read() -> None:
    shell = Shell()
    client = shell.connect(reads=False)
    client.send("ECHO", "x" * 100_000)
    assert client.session.memory.reply_buffer.blocks_bytes() > 80_000
    client.transport.read_all()
    assert client.session.memory.reply_buffer.blocks_bytes() == 0
    assert shell.engine.audit().ok


def test_a_small_amount_of_unsent_output_is_in_the_reply_buffer() -> None:
    client = Shell().connect(reads=False)
    client.send("ECHO", "x" * 10_000)
    client.shell.engine.clients.visit_some()
    assert client.session.memory.reply_buffer.blocks_bytes() == 0
    assert client.session.memory.reply_buffer.used() == 10_010


def test_a_slow_reader_is_disconnected_at_its_hard_limit_and_others_go_on() -> None:
    shell = Shell(client_output_buffer_limit="normal 300000 0 0")
    slow, other = shell.connect(reads=False), shell.connect()
    for _ in range(5):
        slow.send("ECHO", "x" * 100_000)
        if slow.transport.aborted:
            break
    assert slow.transport.aborted
    assert slow.transport.get_write_buffer_size() < 310_000
    other.send("PING")
    assert other.transport.sent == b"+PONG\r\n"
    assert shell.engine.audit().ok


def test_a_reply_beyond_the_hard_limit_disconnects_a_fast_reader_too() -> None:
    client = Shell(client_output_buffer_limit="normal 300000 0 0").connect()
    client.send("ECHO", "x" * 400_000)
    assert client.transport.aborted


def test_a_huge_pipeline_without_a_limit_neither_deadlocks_nor_makes_output_grow_endlessly() -> None:
    client = Shell().connect(reads=False)
    client.send("SET", "k", "x" * 2000)
    client.transport.read()
    data = request("GET", "k") * 10_000
    most = 0
    for start in range(0, len(data), 65536):
        client.connection.data_received(data[start : start + 65536])
        most = max(most, client.transport.get_write_buffer_size())
    assert most < 4_000_000
    read = client.transport.read_all()
    assert len(read) == 10_000 * 2009
    client.send("PING")
    assert client.transport.read() == b"+PONG\r\n"


def test_small_writes_to_a_slow_reader_are_accounted_for() -> None:
    client = Shell().connect(reads=False)
    client.send("ECHO", "x" * HIGH_WATER)
    before = client.session.memory.reply_buffer.unsent
    client.send("PING")
    assert client.session.memory.reply_buffer.unsent == before + 7


def test_a_client_in_monitor_gets_its_lines_after_the_batch_of_another_client() -> None:
    shell = Shell()
    monitor, other = shell.connect(), shell.connect()
    monitor.send("MONITOR")
    other.connection.data_received(request("PING") * 3)
    assert monitor.transport.sent.count(b'"PING"') == 3
    assert monitor.transport.writes == 2


def test_the_descriptor_is_that_of_the_socket() -> None:
    assert Shell().connect().session.descriptor == -1
