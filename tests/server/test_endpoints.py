from __future__ import annotations

import errno
import socket
import stat
from pathlib import Path

import pytest

from pyredmem.server.endpoints import (
    TCP,
    UNIX,
    Endpoint,
    network_endpoints,
    open_endpoint,
    remove_unix_socket,
    set_keepalive,
)
from tests.support.servers import free_port

UNASSIGNED = "192.0.2.1"  # reserved for documentation: no machine has it


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")


def tcp(address: str, *, optional: bool = False) -> Endpoint:
    return Endpoint(TCP, address, free_port(), optional)


def opened(endpoint: Endpoint, permissions: int = 0) -> socket.socket:
    return open_endpoint(endpoint, 16, 300, permissions)


def test_a_bind_list_gives_an_endpoint_for_each_address() -> None:
    assert network_endpoints(TCP, "127.0.0.1 ::1", 7) == [Endpoint(TCP, "127.0.0.1", 7), Endpoint(TCP, "::1", 7)]


def test_a_minus_makes_an_address_optional() -> None:
    assert network_endpoints(TCP, "* -::*", 7)[1] == Endpoint(TCP, "::*", 7, optional=True)


def test_port_zero_means_no_endpoint() -> None:
    assert network_endpoints(TCP, "*", 0) == []


def test_an_address_given_twice_counts_once() -> None:
    assert len(network_endpoints(TCP, "127.0.0.1 127.0.0.1", 7)) == 1


def test_a_star_accepts_on_every_ipv4_address() -> None:
    endpoint = tcp("*")
    with opened(endpoint):
        for address in ("127.0.0.1", "127.0.0.2"):
            with socket.create_connection((address, endpoint.port)) as client:
                assert client.getpeername() == (address, endpoint.port)


@needs_ipv6
def test_both_families_can_have_the_same_port() -> None:
    port = free_port()
    with opened(Endpoint(TCP, "*", port)), opened(Endpoint(TCP, "::*", port)):
        for address in ("::1", "127.0.0.1"):
            with socket.create_connection((address, port)) as client:
                assert client.getpeername()[:2] == (address, port)


def test_a_host_name_is_resolved() -> None:
    endpoint = tcp("localhost")
    with opened(endpoint) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_port_in_use_is_refused() -> None:
    endpoint = tcp("127.0.0.1")
    with opened(endpoint), pytest.raises(OSError, match="in use") as caught:
        opened(endpoint)
    assert caught.value.errno == errno.EADDRINUSE


def test_an_unassigned_address_may_fail_only_when_optional() -> None:
    with pytest.raises(OSError, match="assign") as caught:
        opened(tcp(UNASSIGNED))
    assert not tcp(UNASSIGNED).may_fail_with(caught.value)
    assert tcp(UNASSIGNED, optional=True).may_fail_with(caught.value)


def test_a_missing_address_family_may_always_fail() -> None:
    assert tcp("::1").may_fail_with(OSError(errno.EAFNOSUPPORT, "no IPv6"))


def test_accepted_connections_inherit_the_keepalive_interval() -> None:
    endpoint = tcp("127.0.0.1")
    with opened(endpoint) as listener:
        set_keepalive(listener, 90)
        listener.setblocking(True)
        with socket.create_connection(("127.0.0.1", endpoint.port)), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 90
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 30


def test_accepted_connections_send_small_packets_at_once() -> None:
    endpoint = tcp("127.0.0.1")
    with opened(endpoint) as listener:
        listener.setblocking(True)
        with socket.create_connection(("127.0.0.1", endpoint.port)), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_keepalive_zero_turns_probes_off() -> None:
    with open_endpoint(tcp("127.0.0.1"), 16, 0, 0) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0


def test_an_interval_beyond_the_system_s_bounds_leaves_its_own() -> None:
    with open_endpoint(tcp("127.0.0.1"), 16, 2147483647, 0) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        set_keepalive(listener, 2147483647)


def test_a_unix_socket_gets_the_permissions_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with opened(Endpoint(UNIX, str(path)), 0o700):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    endpoint = Endpoint(UNIX, str(tmp_path / "s"))
    opened(endpoint).close()
    with opened(endpoint), socket.socket(socket.AF_UNIX) as client:
        client.connect(endpoint.address)
        assert client.getpeername() == endpoint.address


def test_a_file_that_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        opened(Endpoint(UNIX, str(path)))
    remove_unix_socket(str(path))
    assert path.read_text() == "precious"
