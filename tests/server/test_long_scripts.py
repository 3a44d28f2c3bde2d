"""What clients see while a script runs for long: over TCP, a unix socket and TLS, and as on a real server."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.certificates import Certificates
from tests.support.servers import Server, free_port, pyredmem_server, redis_server
from tests.support.wire import request

#: From now on other clients get BUSY (ms).
THRESHOLD = "--busy-reply-threshold", "50"
ENDLESS = "while true do end"
IN_PCALL = "while true do pcall(function() while true do end end) end"
WRITES = "redis.call('set', 'written', '1') while true do end"
BUSY = b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n"
BUSY_FUNCTION = b"-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.\r\n"
UNKILLABLE = (
    b"-UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
    b"termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.\r\n"
)
KILLED = b"-ERR Script killed by user with SCRIPT KILL... script: "
LIBRARY = "#!lua name=lib\nredis.register_function('endless', function() while true do end end)"


class Client:
    """A client that knows which bytes must come."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._reader = connected.makefile("rb")

    def send(self, *commands: tuple[str, ...]) -> None:
        self._socket.sendall(b"".join([request(*command) for command in commands]))

    def line(self) -> bytes:
        return self._reader.readline()

    def do(self, *words: str) -> bytes:
        """The first line of the reply to a command."""
        self.send(words)
        return self.line()

    def close(self) -> None:
        self._reader.close()
        self._socket.close()


class Stage:
    """A server that can be reached in one way."""

    def __init__(self, server: Server, connect: Callable[[], socket.socket], stack: contextlib.ExitStack) -> None:
        self.server = server
        self._connect = connect
        self._stack = stack

    def client(self) -> Client:
        client = Client(self._connect())
        self._stack.callback(client.close)
        return client

    def start(self, *words: str) -> Client:
        """A client whose script has been running for longer than the threshold."""
        client = self.client()
        client.send(words)
        other = self.client()
        deadline = time.monotonic() + 20
        while not other.do("PING").startswith(b"-BUSY"):
            assert time.monotonic() < deadline, "the server is not busy"
        other.close()
        return client


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.needs_redis), "tcp", "unix", "tls"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, certificates: Certificates) -> Iterator[Stage]:
    path, tls_port = str(tmp_path / "socket"), free_port()
    with contextlib.ExitStack() as stack:
        if request.param == "real":
            server = stack.enter_context(redis_server(*THRESHOLD))
        else:
            options = ["--unixsocket", path, *certificates.options(tls_port), "--tls-auth-clients", "no"]
            server = stack.enter_context(pyredmem_server(*THRESHOLD, *options))

        def connect() -> socket.socket:
            if request.param == "unix":
                connected = socket.socket(socket.AF_UNIX)
                connected.settimeout(20)
                connected.connect(path)
                return connected
            port = tls_port if request.param == "tls" else server.port
            connected = socket.create_connection(("127.0.0.1", port), timeout=20)
            if request.param == "tls":
                connected = certificates.client_context().wrap_socket(connected, server_hostname="localhost")
            return connected

        yield Stage(server, connect, stack)


@pytest.mark.parametrize("script", [ENDLESS, IN_PCALL])
def test_the_server_goes_on_answering(stage: Stage, script: str) -> None:
    runner, before, other = stage.client(), stage.client(), stage.client()
    assert before.do("SET", "k", "1") == b"+OK\r\n"
    runner.send(("SET", "first", "1"), ("EVAL", script, "0"), ("INCR", "first"), ("GET", "k"))
    while other.do("PING") != BUSY:
        pass
    assert stage.client().do("GET", "k") == BUSY
    before.send(("INCR", "k"), ("PING",), ("ECHO", "x"), ("SCRIPT", "EXISTS", "x"))
    assert [before.line() for _ in range(4)] == [BUSY] * 4
    assert other.do("EVAL", "return 1", "0") == BUSY
    assert other.do("FUNCTION", "KILL") == BUSY
    assert other.do("SCRIPT", "KILL") == b"+OK\r\n"
    assert runner.line() == b"+OK\r\n"
    assert runner.line().startswith(KILLED)
    assert [runner.line() for _ in range(2)] == [b":2\r\n", b"$1\r\n"]
    assert before.do("INCR", "k") == b":2\r\n"
    assert other.do("SCRIPT", "KILL").startswith(b"-NOTBUSY ")


def test_a_script_that_has_written_is_not_killed(stage: Stage) -> None:
    stage.start("EVAL", WRITES, "0")
    other = stage.client()
    assert other.do("SCRIPT", "KILL") == UNKILLABLE
    assert other.do("SHUTDOWN") == BUSY
    other.send(("SHUTDOWN", "NOSAVE"))
    assert other.line() == b""
    stage.server.process.wait(20)


def test_a_function_is_killed_by_its_own_command(stage: Stage) -> None:
    other = stage.client()
    other.send(("FUNCTION", "LOAD", LIBRARY))
    assert [other.line(), other.line()] == [b"$3\r\n", b"lib\r\n"]
    runner = stage.start("FCALL", "endless", "0")
    assert other.do("PING") == BUSY_FUNCTION
    assert other.do("SCRIPT", "KILL") == BUSY_FUNCTION
    assert other.do("FUNCTION", "KILL") == b"+OK\r\n"
    assert runner.line().startswith(KILLED)
    assert other.do("FUNCTION", "FLUSH") == b"+OK\r\n"


def test_a_transaction_with_an_endless_script_is_killed(stage: Stage) -> None:
    other = stage.client()
    runner = stage.client()
    runner.send(("MULTI",), ("EVAL", ENDLESS, "0"), ("EXEC",), ("ECHO", "x"))
    while other.do("PING") != BUSY:
        pass
    assert other.do("SCRIPT", "KILL") == b"+OK\r\n"
    assert [runner.line() for _ in range(3)] == [b"+OK\r\n", b"+QUEUED\r\n", b"*1\r\n"]
    assert runner.line().startswith(KILLED)
    assert runner.line() == b"$1\r\n"


def test_a_client_may_begin_a_transaction_and_authenticate_meanwhile(stage: Stage) -> None:
    runner = stage.start("EVAL", ENDLESS, "0")
    other = stage.client()
    assert other.do("MULTI") == b"+OK\r\n"
    assert other.do("GET", "k") == BUSY
    assert other.do("EXEC").startswith(b"-EXECABORT ")
    assert other.do("AUTH", "x").startswith(b"-ERR AUTH <password> called without any password")
    assert other.do("WATCH", "k") == b"+OK\r\n"
    assert other.do("RESET") == b"+RESET\r\n"
    assert other.do("SCRIPT", "KILL") == b"+OK\r\n"
    assert runner.line().startswith(KILLED)


def test_the_client_of_a_script_may_leave(stage: Stage) -> None:
    runner = stage.start("EVAL", ENDLESS, "0")
    runner.close()
    other = stage.client()
    assert other.do("PING") == BUSY
    assert other.do("SCRIPT", "KILL") == b"+OK\r\n"
    while other.do("PING") == BUSY:
        pass
    assert other.do("DBSIZE") == b":0\r\n"
