"""Turns the network settings into open listeners, at the start and at every later CONFIG SET.

If the server cannot listen somewhere at the start, it ends. If that happens at a CONFIG SET, the command is refused
with Redis's words and everything stays as it was.
"""

import ssl
from typing import Final

from pyredmem.config.settings import SettingError, Settings
from pyredmem.server.daemon import reserve_open_files
from pyredmem.server.endpoints import (
    HTTP_KINDS,
    METRICS,
    MONITOR,
    TCP,
    TLS,
    UNIX,
    Endpoint,
    describe,
    network_endpoints,
)
from pyredmem.server.errors import StartError
from pyredmem.server.listeners import Listeners
from pyredmem.server.logs import Log
from pyredmem.server.tls import TlsError, TlsOptions, server_context

PORT_REFUSED: Final = "Unable to listen on this port. Check server logs."
BIND_REFUSED: Final = "Failed to bind to specified addresses."
TLS_REFUSED: Final = "Unable to update TLS configuration. Check server logs."

TLS_SETTINGS: Final = (
    "tls-cert-file",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-ca-cert-file",
    "tls-ca-cert-dir",
    "tls-auth-clients",
    "tls-protocols",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-prefer-server-ciphers",
    "tls-dh-params-file",
)

_PORT_SETTINGS: Final = {TCP: "port", TLS: "tls-port", METRICS: "metrics-port", MONITOR: "monitor-port"}


class Network:
    """Applies the settings `bind`, `port`, `unixsocket`, `tls-*`, `tcp-*` and `maxclients` to the listeners."""

    def __init__(self, settings: Settings, listeners: Listeners, log: Log) -> None:
        self._settings = settings
        self._listeners = listeners
        self._log = log
        self._context: ssl.SSLContext | None = None

    def open(self) -> None:
        """Listen on everything that is configured, or raise StartError; then follow all later changes."""
        self._reserve_at_start()
        self._open_kind(TCP)
        self._open_tls()
        for kind in HTTP_KINDS:
            self._open_kind(kind)
        path = self._settings.text("unixsocket")
        if path:
            self._change_at_start(UNIX, [Endpoint(UNIX, path)], f"Failed opening Unix socket {path}")
        if not set(self._listeners.kinds()).difference(HTTP_KINDS):
            raise StartError("Configured to not listen anywhere, exiting.")
        self._subscribe()

    def _subscribe(self) -> None:
        subscribe = self._settings.subscribe
        subscribe("port", self._port_changed)
        subscribe("bind", self._bind_changed)
        subscribe("tcp-keepalive", self._keepalive_changed)
        subscribe("maxclients", self._maxclients_changed)
        for name in ("tls-port", *TLS_SETTINGS):
            subscribe(name, self._tls_changed)

    # At start

    def _open_tls(self) -> None:
        if not self._settings.integer("tls-port"):
            return
        try:
            self._context = server_context(self._tls_options())
        except TlsError as error:
            self._log.warning(str(error))
            raise StartError("Failed to configure TLS. Check logs for more info.") from error
        self._open_kind(TLS)

    def _open_kind(self, kind: str) -> None:
        port = self._port(kind)
        words = f"Failed listening on port {port} ({kind.upper()}), aborting."
        self._change_at_start(kind, self._wanted(kind), words)
        if port and self._settings.words("bind") and not self._listeners.addresses(kind):
            raise StartError(words)

    def _change_at_start(self, kind: str, wanted: list[Endpoint], words: str) -> None:
        try:
            self._listeners.change(kind, wanted, self._context if kind == TLS else None)
        except OSError as error:
            raise StartError(words) from error

    def _reserve_at_start(self) -> None:
        maxclients = self._settings.integer("maxclients")
        possible = reserve_open_files(maxclients)
        if possible < maxclients:
            self._log.warning(
                f"The limit on open files allows only {possible} clients: maxclients was {maxclients}, "
                f"and now is {possible}. Raise the limit with 'ulimit -n'."
            )
            self._settings.start_with("maxclients", str(possible))

    # While running

    def _port_changed(self) -> None:
        self._change(TCP, PORT_REFUSED)

    def _bind_changed(self) -> None:
        for kind in (TCP, TLS, *HTTP_KINDS):
            self._change(kind, BIND_REFUSED)

    def _tls_changed(self) -> None:
        context = None
        if self._settings.integer("tls-port"):
            try:
                context = server_context(self._tls_options())
            except TlsError as error:
                self._log.warning(str(error))
                raise SettingError(reason=TLS_REFUSED) from error
        self._context = context
        self._change(TLS, PORT_REFUSED)

    def _change(self, kind: str, refusal: str) -> None:
        try:
            self._listeners.change(kind, self._wanted(kind), self._context if kind == TLS else None)
        except OSError as error:
            self._log.warning(
                f"The server cannot listen as the new settings ask ({describe(error)}): the old settings stay."
            )
            raise SettingError(reason=refusal) from error
        finally:
            self._listeners.attach_soon()

    def _keepalive_changed(self) -> None:
        self._listeners.set_keepalive(self._settings.integer("tcp-keepalive"))

    def _maxclients_changed(self) -> None:
        maxclients = self._settings.integer("maxclients")
        possible = reserve_open_files(maxclients)
        if possible < maxclients:
            raise SettingError(
                reason="The operating system is not able to handle the specified number of clients, "
                f"try with {possible}"
            )

    # Reading the settings

    def _port(self, kind: str) -> int:
        return self._settings.integer(_PORT_SETTINGS[kind])

    def _wanted(self, kind: str) -> list[Endpoint]:
        return network_endpoints(kind, self._settings.text("bind"), self._port(kind))

    def _tls_options(self) -> TlsOptions:
        text = self._settings.text
        return TlsOptions(
            cert_file=text("tls-cert-file"),
            key_file=text("tls-key-file"),
            key_file_pass=text("tls-key-file-pass"),
            ca_cert_file=text("tls-ca-cert-file"),
            ca_cert_dir=text("tls-ca-cert-dir"),
            auth_clients=text("tls-auth-clients"),
            protocols=text("tls-protocols"),
            ciphers=text("tls-ciphers"),
            ciphersuites=text("tls-ciphersuites"),
            prefer_server_ciphers=self._settings.flag("tls-prefer-server-ciphers"),
            dh_params_file=text("tls-dh-params-file"),
        )


def somaxconn() -> int:
    """The kernel's limit on connections that wait to be accepted; 0 if it cannot be read."""
    try:
        with open("/proc/sys/net/core/somaxconn", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0
