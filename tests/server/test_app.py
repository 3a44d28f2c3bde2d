from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pyredmem.config.settings import SettingError, Settings
from pyredmem.server.app import Server
from pyredmem.server.errors import StartError
from pyredmem.server.logs import NOTHING, Log
from tests.server.processes import ping, wait_until
from tests.server.test_endpoints import UNASSIGNED
from tests.support.servers import free_port
from tests.support.wire import Simple, Wire


def server_on(port: int, *pairs: tuple[str, str]) -> Server:
    log = Log()
    log.level = NOTHING
    return Server(Settings([("port", str(port)), ("bind", "127.0.0.1"), *pairs]), log)


@pytest.fixture
def server() -> Iterator[Server]:
    one = server_on(free_port())
    one.start()
    yield one
    one.stop()


def change(server: Server, *pairs: tuple[str, str]) -> None:
    server.call(lambda: server.settings.set_many(list(pairs)))


def unsent(server: Server) -> int:
    return sum(int(session.memory.reply_buffer.unsent) for session in server.engine.sessions.values())


def refuses(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_started_server_answers(server: Server) -> None:
    assert ping(server.port)


def test_a_stopped_server_has_freed_its_port() -> None:
    port = free_port()
    for _ in range(2):
        server = server_on(port)
        server.start()
        assert ping(port)
        server.stop()
    assert refuses(port)


def test_stop_disconnects_clients() -> None:
    server = server_on(free_port())
    server.start()
    with Wire(server.port) as wire:
        wire.do("PING")
        server.stop()
        assert wire.receive_until_closed() == []


def test_stop_drops_a_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyredmem.server.app.LINGER_SECONDS", 0.05)
    server = server_on(free_port())
    server.start()
    with Wire(server.port) as wire:
        wire.do("SET", "big", b"x" * 8_000_000)
        wire.send(b"GET big\r\n" * 4)
        wait_until(lambda: server.call(lambda: unsent(server)) > 0, "output that is not read")
        server.stop()
        assert not server.engine.sessions


def test_two_servers_in_one_process_share_nothing(server: Server) -> None:
    other = server_on(free_port())
    other.start()
    try:
        with Wire(server.port) as first, Wire(other.port) as second:
            first.do("SET", "k", "v")
            assert second.do("GET", "k") != first.do("GET", "k")
    finally:
        other.stop()


def test_start_raises_what_kept_it_from_listening(server: Server) -> None:
    with pytest.raises(StartError, match=f"Failed listening on port {server.port}"):
        server_on(server.port).start()


def test_a_new_port_is_served_and_the_old_one_closed(server: Server) -> None:
    old, new = server.port, free_port()
    with Wire(old) as connected:
        change(server, ("port", str(new)))
        assert ping(new)
        assert refuses(old)
        assert connected.do("PING") == Simple(b"PONG")


def test_port_zero_closes_the_port(server: Server) -> None:
    old = server.port
    change(server, ("port", "0"))
    assert refuses(old)
    assert server.port == 0


def test_a_port_that_cannot_be_had_is_refused_and_nothing_changes(server: Server) -> None:
    old = server.port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingError) as caught:
            change(server, ("port", str(taken.getsockname()[1])))
    expected = "(possibly related to argument 'port') - Unable to listen on this port. Check server logs."
    assert str(caught.value).endswith(expected)
    assert server.settings.integer("port") == old
    assert ping(old)


def test_new_bind_addresses_are_served(server: Server) -> None:
    change(server, ("bind", "127.0.0.2"))
    with Wire(server.port, "127.0.0.2") as wire:
        assert wire.do("PING") == Simple(b"PONG")
    assert refuses(server.port)


def test_bind_addresses_that_cannot_be_had_are_refused(server: Server) -> None:
    with pytest.raises(SettingError, match=r"'bind'\) - Failed to bind to specified addresses\."):
        change(server, ("bind", f"127.0.0.2 {UNASSIGNED}"))
    assert server.settings.text("bind") == "127.0.0.1"
    assert ping(server.port)


def test_a_change_of_several_settings_is_undone_as_a_whole(server: Server) -> None:
    old = server.port
    with pytest.raises(SettingError):
        change(server, ("maxclients", "50"), ("port", str(free_port())), ("bind", UNASSIGNED))
    assert server.settings.integer("maxclients") == 10000
    assert server.port == old
    assert ping(old)


def test_keepalive_changes_for_new_connections(server: Server) -> None:
    change(server, ("tcp-keepalive", "77"))
    assert server.listeners.options.keepalive_seconds == 77
    assert ping(server.port)


def test_the_engine_can_ask_the_server_to_end(server: Server) -> None:
    with Wire(server.port) as wire:
        wire.do("PING")
        server.call(server.engine.host.shut_down)
        assert wire.receive_until_closed() == []


def test_the_host_describes_the_listeners(server: Server) -> None:
    host = server.engine.host
    assert server.call(host.listeners) == [f"name=tcp,bind=127.0.0.1,port={server.port}"]
    assert server.call(host.tcp_port) == server.port
    assert server.call(host.event_loop_name) in {"uvloop", "asyncio"}


def test_the_host_tells_what_the_system_says_of_the_process(server: Server) -> None:
    host = server.engine.host
    assert host.resident_bytes() > 1_000_000
    assert host.peak_resident_bytes() >= host.resident_bytes() // 2
    assert host.cpu_seconds()[1] > 0


def test_without_a_configuration_file_there_is_nothing_to_rewrite(server: Server) -> None:
    with pytest.raises(OSError, match="without a config file"):
        server.engine.host.write_config("")
