"""When messages and replies are written, and in which order, on one connection and on several."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pyredmem.engine.core import FEW_CLIENTS, GATHERED_CLIENTS, REPLIES_AT_ONCE
from pyredmem.engine.host import Host
from tests.server.certificates import Certificates
from tests.server.processes import on_port
from tests.server.test_connection import Client, Shell
from tests.support.servers import free_port
from tests.support.wire import Array, Bulk, Integer, Wire, request


class TurnHost(Host):
    """A host whose turn of the event loop ends when the test says so."""

    def __init__(self) -> None:
        self.asked = 0

    def write_output_soon(self) -> bool:
        self.asked += 1
        return True


class Turns(Shell):
    """An engine whose output waits for the end of the turn."""

    def __init__(self, **settings: str) -> None:
        self.turn_host = TurnHost()
        super().__init__(self.turn_host, **settings)

    def subscriber(self, *, reads: bool = True) -> Client:
        """A client that speaks RESP3 and is subscribed to the channel `c`."""
        client = self.connect(reads)
        client.send("HELLO", 3)
        client.send("SUBSCRIBE", "c")
        client.transport.read()
        client.transport.sent = b""
        client.transport.writes = 0
        return client

    def end_turn(self) -> None:
        self.engine.write_output()


def push(message: str) -> bytes:
    """A message on the channel `c`, in RESP3."""
    return b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$%d\r\n%b\r\n" % (len(message), message.encode())


def test_the_messages_of_several_publishers_are_written_at_once_when_the_turn_ends() -> None:
    shell = Turns()
    subscriber, first, second = shell.subscriber(), shell.connect(), shell.connect()
    first.send("PUBLISH", "c", "1")
    second.send("PUBLISH", "c", "2")
    assert subscriber.transport.writes == 0
    shell.end_turn()
    assert (subscriber.transport.sent, subscriber.transport.writes) == (push("1") + push("2"), 1)
    assert shell.turn_host.asked == 1


def test_replies_that_come_after_a_message_are_written_after_it() -> None:
    shell = Turns()
    before, subscriber, publisher, after = shell.connect(), shell.subscriber(), shell.connect(), shell.connect()
    before.send("PING")
    publisher.send("PUBLISH", "c", "1")
    after.send("PING")
    assert before.transport.sent == b"+PONG\r\n"
    assert publisher.transport.sent == after.transport.sent == b""
    shell.end_turn()
    assert subscriber.transport.sent == push("1")
    assert publisher.transport.sent == b":1\r\n"
    assert after.transport.sent == b"+PONG\r\n"


def order_of_writes(shell: Turns, subscribers: int) -> list[str]:
    """The names of the clients in the order in which the server writes to them, after two have published."""
    order: list[str] = []

    def watch(name: str, client: Client) -> Client:
        write = client.transport.write

        def note(data: bytes) -> None:
            order.append(name)
            write(data)

        client.transport.write = note  # type: ignore[method-assign]  # this one transport also notes its writes
        return client

    for number in range(subscribers):
        watch(f"subscriber {number}", shell.subscriber())
    for name in ("publisher 0", "publisher 1"):
        watch(name, shell.connect()).send("PUBLISH", "c", "1")
    shell.end_turn()
    return order


def test_a_few_subscribers_are_written_to_before_the_publishers() -> None:
    order = order_of_writes(Turns(), FEW_CLIENTS - 2)
    assert order == [*(f"subscriber {number}" for number in range(FEW_CLIENTS - 2)), "publisher 0", "publisher 1"]


def test_many_subscribers_are_written_to_after_the_publishers_and_the_last_one_first_as_in_redis() -> None:
    order = order_of_writes(Turns(), FEW_CLIENTS)
    assert order == ["publisher 1", "publisher 0", *(f"subscriber {number}" for number in reversed(range(FEW_CLIENTS)))]


def test_replies_are_written_at_once_again_in_the_next_turn() -> None:
    shell = Turns()
    shell.subscriber()
    publisher = shell.connect()
    publisher.send("PUBLISH", "c", "1")
    shell.end_turn()
    publisher.send("PING")
    assert publisher.transport.sent == b":1\r\n+PONG\r\n"


def test_a_publisher_that_quits_gets_its_replies_before_the_connection_closes() -> None:
    shell = Turns()
    shell.subscriber()
    publisher = shell.connect()
    publisher.connection.data_received(request("PUBLISH", "c", "1") + request("QUIT"))
    assert not publisher.transport.closed
    shell.end_turn()
    assert (publisher.transport.sent, publisher.transport.closed) == (b":1\r\n+OK\r\n", True)


@pytest.mark.parametrize("how", ["lost", "killed"])
def test_a_subscriber_that_goes_before_the_turn_ends_takes_no_message_from_the_others(how: str) -> None:
    shell = Turns()
    first, goer, last = shell.subscriber(), shell.subscriber(), shell.subscriber()
    publisher = shell.connect()
    publisher.send("PUBLISH", "c", "1")
    if how == "lost":
        goer.connection.connection_lost(None)
    else:
        publisher.send("CLIENT", "KILL", "ID", goer.session.id)
    shell.end_turn()
    assert goer.transport.sent == b""
    assert first.transport.sent == last.transport.sent == push("1")
    assert shell.engine.audit().ok


def test_replies_and_messages_of_a_client_that_does_not_read_stay_in_order() -> None:
    shell = Turns()
    subscriber, publisher = shell.subscriber(reads=False), shell.connect()
    expected = b""
    for number in range(200):
        text = f"{number:04}" * 100
        publisher.send("PUBLISH", "c", text)
        subscriber.send("ECHO", text)
        if number % 3 == 0:
            shell.end_turn()
        expected += push(text) + b"$400\r\n%b\r\n" % text.encode()
    shell.end_turn()
    assert subscriber.transport.read_all() == expected
    assert shell.engine.audit().ok


def test_messages_of_one_turn_beyond_the_limit_disconnect_the_subscriber_alone() -> None:
    shell = Turns(client_output_buffer_limit="pubsub 300000 0 0")
    slow, publisher = shell.subscriber(), shell.connect()
    for _ in range(5):
        publisher.send("PUBLISH", "c", "x" * 100_000)
    assert slow.transport.aborted
    assert slow.transport.sent == b""
    shell.end_turn()
    assert publisher.transport.sent == b":1\r\n" * 4 + b":0\r\n"
    assert shell.engine.audit().ok


def test_written_messages_are_counted_as_output() -> None:
    shell = Turns()
    shell.subscriber()
    publisher = shell.connect()
    stats = shell.engine.stats
    before = (stats.net_output_bytes, stats.writes_processed)
    publisher.send("PUBLISH", "c", "1")
    shell.end_turn()
    written = (stats.net_output_bytes - before[0], stats.writes_processed - before[1])
    assert written == (len(push("1")) + len(b":1\r\n"), 2)


# Replies of many clients.


def busy(shell: Turns, clients: int) -> list[Client]:
    """Clients that have had as many replies as are written at once."""
    found = [shell.connect() for _ in range(clients)]
    for number in range(REPLIES_AT_ONCE):
        found[number % clients].send("PING")
        assert found[number % clients].transport.writes == number // clients + 1
    return found


def test_replies_to_many_clients_are_written_when_the_turn_ends() -> None:
    shell = Turns()
    clients = busy(shell, GATHERED_CLIENTS)
    for _ in range(3):
        before = [client.transport.writes for client in clients]
        for _ in range(2):
            for client in clients:
                client.send("PING")
        assert [client.transport.writes for client in clients] == before
        shell.end_turn()
        assert [client.transport.writes for client in clients] == [writes + 1 for writes in before]
    assert all(client.transport.sent == b"+PONG\r\n" * len(client.transport.sent.split()) for client in clients)


def test_replies_are_written_at_once_again_when_a_turn_had_few_clients() -> None:
    shell = Turns()
    clients = busy(shell, GATHERED_CLIENTS)
    for client in clients[1:]:
        client.send("PING")
    shell.end_turn()
    busy(shell, 2)
    clients[0].send("ECHO", "waits")
    assert b"waits" not in clients[0].transport.sent


def test_without_an_event_loop_every_reply_is_written_at_once() -> None:
    shell = Shell()
    client = shell.connect()
    for number in range(3 * REPLIES_AT_ONCE):
        client.send("PING")
        assert client.transport.writes == number + 1


def test_a_client_whose_connection_ends_before_the_turn_does_takes_no_reply_from_the_others() -> None:
    shell = Turns()
    clients = busy(shell, GATHERED_CLIENTS)
    for client in clients:
        client.send("ECHO", "last")
    clients[1].connection.connection_lost(None)
    shell.end_turn()
    assert [client.transport.sent.endswith(b"last\r\n") for client in clients] == [True, False, True, True]
    assert shell.engine.audit().ok


# On sockets.


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_slow_reader_gets_everything_in_order_through_a_full_socket(tmp_path: Path, loop: str) -> None:
    count, size = 200, 60_000
    with (
        on_port(tmp_path, "--client-output-buffer-limit", "pubsub 100mb 0 0", PYREDMEM_LOOP=loop) as (_, port),
        socket.socket() as slow,
        slow.makefile("rb") as reader,
        Wire(port) as publisher,
    ):
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # no ECHO waits for the acknowledgement of another
        slow.settimeout(20)
        slow.connect(("127.0.0.1", port))
        slow.sendall(request("HELLO", 3) + request("SUBSCRIBE", "c") + request("ECHO", "begin"))
        while reader.readline() != b"begin\r\n":
            pass
        expected = b""
        for number in range(count):
            text = f"{number:06}" * (size // 6)
            assert publisher.do("PUBLISH", "c", text) == Integer(1)
            slow.sendall(request("ECHO", f"{number:04}"))
            for _ in range(2):
                publisher.do("PING")  # the ECHO has run when the second PING is answered
            expected += push(text) + b"$4\r\n%04d\r\n" % number
        listed = publisher.do("CLIENT", "LIST", "TYPE", "pubsub")
        assert isinstance(listed, Bulk)
        assert int(listed.data.partition(b" omem=")[2].split()[0]) > 1_000_000
        assert reader.read(len(expected)) == expected


def test_a_subscriber_over_a_unix_socket_gets_the_messages_of_two_publishers_in_order(
    tmp_path: Path, loop: str
) -> None:
    path = str(tmp_path / "socket")
    with (
        on_port(tmp_path, "--unixsocket", path, PYREDMEM_LOOP=loop) as (_, port),
        Wire(path=path) as subscriber,
        Wire(port) as first,
        Wire(path=path) as second,
    ):
        subscriber.do("SUBSCRIBE", "a", "b")
        subscriber.receive()
        for publisher, channel in ((first, "a"), (second, "b")):
            publisher.send(b"".join([request("PUBLISH", channel, number) for number in range(500)]))
        got = [subscriber.receive() for _ in range(1000)]
    for name in (b"a", b"b"):
        arrived = [reply for reply in got if isinstance(reply, Array) and reply.items[1] == Bulk(name)]
        assert [reply.items[2] for reply in arrived] == [Bulk(b"%d" % number) for number in range(500)]


def test_a_subscriber_over_tls_gets_messages_and_replies_in_order(
    tmp_path: Path, certificates: Certificates, loop: str
) -> None:
    tls_port = free_port()
    with (
        on_port(tmp_path, *certificates.options(tls_port), PYREDMEM_LOOP=loop) as (_, port),
        socket.create_connection(("127.0.0.1", tls_port), timeout=10) as plain,
        certificates.client_context().wrap_socket(plain, server_hostname="localhost") as secure,
        secure.makefile("rb") as reader,
        Wire(port) as publisher,
    ):
        secure.sendall(request("SUBSCRIBE", "c"))
        subscribed = b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
        assert reader.read(len(subscribed)) == subscribed
        publisher.pipeline([("PUBLISH", "c", f"{number:04}") for number in range(1000)])
        secure.sendall(request("PING", "end"))
        expected = b"".join([push(f"{number:04}").replace(b">", b"*", 1) for number in range(1000)])
        expected += b"*2\r\n$4\r\npong\r\n$3\r\nend\r\n"
        assert reader.read(len(expected)) == expected
