from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pyredmem.config.settings import SettingError, Settings
from pyredmem.server.app import Server
from pyredmem.server.logs import NOTHING, Log
from pyredmem.server.tls import TlsError, TlsOptions, server_context
from tests.server.certificates import Certificates
from tests.server.processes import on_port, ping, run
from tests.support.servers import free_port
from tests.support.wire import request


def ask(port: int, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"*1\r\n$4\r\nPING\r\n")
        # In TLS 1.3 the handshake ends for the client before the server checks its certificate. So the client sees a
        # refusal only as an end of data.
        reply = secure.recv(100)
        if not reply:
            raise ConnectionError("closed without a reply")
        return reply


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_the_server_listens_on_a_tls_and_a_plain_port(tmp_path: Path, certificates: Certificates, loop: str) -> None:
    tls_port = free_port()
    with on_port(tmp_path, *certificates.options(tls_port), PYREDMEM_LOOP=loop) as (process, port):
        assert ask(tls_port, certificates.client_context()) == b"+PONG\r\n"
        assert ping(port)
        assert "Ready to accept connections tls" in process.output


def test_a_large_reply_arrives_whole(tmp_path: Path, certificates: Certificates) -> None:
    tls_port, size = free_port(), 3_000_000
    with (
        on_port(tmp_path, *certificates.options(tls_port)),
        socket.create_connection(("127.0.0.1", tls_port), timeout=10) as plain,
        certificates.client_context().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(request("SET", "k", b"x" * size) + request("GET", "k"))
        expected = b"+OK\r\n$%d\r\n%b\r\n" % (size, b"x" * size)
        with secure.makefile("rb") as reader:
            assert reader.read(len(expected)) == expected


@pytest.mark.parametrize(("mode", "served"), [("yes", False), ("optional", True), ("no", True)])
def test_a_client_is_served_without_a_certificate_if_it_needs_none(
    tmp_path: Path, certificates: Certificates, mode: str, served: bool
) -> None:
    tls_port = free_port()
    with on_port(tmp_path, *certificates.options(tls_port), "--tls-auth-clients", mode):
        context = certificates.client_context(show=False)
        if served:
            assert ask(tls_port, context) == b"+PONG\r\n"
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                ask(tls_port, context)


def test_a_certificate_of_another_authority_is_refused_even_when_optional(
    tmp_path: Path, certificates: Certificates
) -> None:
    stranger = trustme.CA().issue_cert("stranger@example.org")
    tls_port = free_port()
    context = certificates.client_context(show=False)
    stranger.configure_cert(context)
    with (
        on_port(tmp_path, *certificates.options(tls_port), "--tls-auth-clients", "optional"),
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        ask(tls_port, context)


def test_only_the_protocols_in_the_settings_are_accepted(tmp_path: Path, certificates: Certificates) -> None:
    tls_port = free_port()
    with on_port(tmp_path, *certificates.options(tls_port), "--tls-protocols", "TLSv1.2"):
        context = certificates.client_context()
        assert ask(tls_port, context) == b"+PONG\r\n"
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        with pytest.raises(ssl.SSLError):
            ask(tls_port, context)


def test_the_server_does_not_start_with_a_tls_port_but_without_a_certificate() -> None:
    ended = run("--port", "0", "--tls-port", str(free_port()))
    assert ended.returncode == 1
    assert "No tls-cert-file configured!" in ended.stdout
    assert "Failed to configure TLS" in ended.stdout


def options(certificates: Certificates, **changes: object) -> TlsOptions:
    values: dict[str, object] = {
        "cert_file": str(certificates.server),
        "key_file": str(certificates.server_key),
        "ca_cert_file": str(certificates.authority),
        **changes,
    }
    return TlsOptions(**values)  # type: ignore[arg-type]  # the changes are of the right types


def test_an_unknown_protocol_is_refused(certificates: Certificates) -> None:
    with pytest.raises(TlsError, match="Invalid tls-protocols"):
        server_context(options(certificates, protocols="TLSv1.2 SSLv3"))


def test_unknown_ciphers_are_refused(certificates: Certificates) -> None:
    with pytest.raises(TlsError, match="cipher"):
        server_context(options(certificates, ciphers="NO-SUCH-CIPHER"))


def test_client_authentication_needs_an_authority(certificates: Certificates) -> None:
    with pytest.raises(TlsError, match="tls-ca-cert-file"):
        server_context(options(certificates, ca_cert_file=""))


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(certificates: Certificates) -> None:
    with pytest.raises(TlsError, match="Failed to configure TLS"):
        server_context(options(certificates, key_file=str(certificates.client_key)))


def test_the_preference_for_the_servers_ciphers_follows_the_setting(certificates: Certificates) -> None:
    for wanted in (True, False):
        context = server_context(options(certificates, prefer_server_ciphers=wanted))
        assert bool(context.options & ssl.OP_CIPHER_SERVER_PREFERENCE) == wanted


@pytest.fixture
def plain_server() -> Iterator[Server]:
    log = Log()
    log.level = NOTHING
    server = Server(Settings([("port", str(free_port())), ("bind", "127.0.0.1")]), log)
    server.start()
    yield server
    server.stop()


def test_tls_can_be_turned_on_while_the_server_is_running(plain_server: Server, certificates: Certificates) -> None:
    tls_port = free_port()
    words = certificates.options(tls_port)
    pairs = [(name.removeprefix("--"), value) for name, value in zip(words[::2], words[1::2], strict=True)]
    plain_server.call(lambda: plain_server.settings.set_many(pairs))
    assert ask(tls_port, certificates.client_context()) == b"+PONG\r\n"


def test_tls_settings_that_cannot_work_are_refused_and_change_nothing(plain_server: Server) -> None:
    settings = plain_server.settings
    with pytest.raises(SettingError, match=r"Unable to update TLS configuration\. Check server logs\."):
        plain_server.call(lambda: settings.set_many([("tls-port", str(free_port()))]))
    assert settings.text("tls-port") == "0"
    assert ping(plain_server.port)
