"""Where the server listens, and TLS."""

from __future__ import annotations

from typing import Final

from pyredmem.config.composites import Addresses
from pyredmem.config.kinds import INT_MAX, Choice, Integer, Octal, Text, YesNo
from pyredmem.config.parameter import NO_CLUSTER, NO_REPLICATION, Parameter, Section

PORTS: Final = Integer(0, 65535)

NETWORK: Final = Section(
    "Network",
    (
        Parameter(
            "bind",
            Addresses(),
            "* -::*",
            "Addresses to listen on. * means every IPv4 address, ::* every IPv6 address. With a - before an address it "
            "is not an error if the address does not exist.",
        ),
        Parameter(
            "bind-source-addr",
            Text(optional=True),
            "",
            "Local address of outgoing connections.",
            no_effect="the server opens no connections",
        ),
        Parameter("port", PORTS, "6379", "TCP port; 0 means none."),
        Parameter(
            "alerts",
            YesNo(),
            "no",
            "Look once a second for what somebody should know of, and tell the log and `__redis__:alert`.",
            immutable=True,
            hidden=True,
        ),
        Parameter(
            "alerts-file",
            Text(optional=True),
            "",
            "A table of alerts in place of the usual one.",
            immutable=True,
            hidden=True,
        ),
        Parameter(
            "alerts-webhook",
            Text(optional=True),
            "",
            "URL to which each alert that begins or ends is posted as JSON.",
            immutable=True,
            hidden=True,
        ),
        Parameter(
            "metrics-port",
            PORTS,
            "0",
            "TCP port of /metrics, for Prometheus, and of /healthz; 0 means none. Needs the extra `monitor`.",
            immutable=True,
            hidden=True,
        ),
        Parameter(
            "monitor-port",
            PORTS,
            "0",
            "TCP port of a web page that shows the memory live; 0 means none. Needs the extra `monitor`.",
            immutable=True,
            hidden=True,
        ),
        Parameter(
            "protected-mode",
            YesNo(),
            "yes",
            "Refuse connections from other machines as long as the default user has no password.",
        ),
        Parameter(
            "tcp-backlog",
            Integer(0, INT_MAX),
            "511",
            "The most connections that wait to be accepted.",
            immutable=True,
        ),
        Parameter(
            "tcp-keepalive",
            Integer(0, INT_MAX),
            "300",
            "Seconds between keepalive probes of an idle connection; 0 means no probes.",
        ),
        Parameter(
            "timeout",
            Integer(0, INT_MAX),
            "0",
            "Seconds after which an idle client is disconnected; 0 means never.",
        ),
        Parameter(
            "unixsocket",
            Text(optional=True),
            "",
            "Path of a Unix socket to listen on too.",
            immutable=True,
        ),
        Parameter(
            "unixsocketperm",
            Octal(0, 0o777),
            "0",
            "Permissions of the Unix socket; 0 leaves them to the umask.",
            immutable=True,
        ),
        Parameter(
            "socket-mark-id",
            Integer(0, 2**32 - 1),
            "0",
            "Mark of the listening sockets for packet filters; 0 means none.",
            no_effect="sockets are not marked",
            immutable=True,
        ),
        Parameter(
            "max-new-connections-per-cycle",
            Integer(1, 1000),
            "10",
            "The most connections accepted in one turn of the event loop.",
            no_effect="the event loop accepts all connections that wait",
        ),
        Parameter(
            "max-new-tls-connections-per-cycle",
            Integer(1, 1000),
            "1",
            "The most TLS connections accepted in one turn of the event loop.",
            no_effect="the event loop accepts all connections that wait",
        ),
    ),
)


def _tls_text(name: str, text: str, sensitive: bool = False, no_effect: str = "") -> Parameter:
    """A TLS setting that is optional text."""
    return Parameter(name, Text(optional=True), "", text, sensitive=sensitive, no_effect=no_effect)


_OUTGOING: Final = "the server opens no connections"

TLS: Final = Section(
    "TLS",
    (
        Parameter("tls-port", PORTS, "0", "TCP port for TLS; 0 means none."),
        _tls_text("tls-cert-file", "Certificate of the server, PEM."),
        _tls_text("tls-key-file", "Private key of the certificate, PEM."),
        _tls_text("tls-key-file-pass", "Password of the private key.", sensitive=True),
        _tls_text("tls-client-cert-file", "Certificate for outgoing connections.", no_effect=_OUTGOING),
        _tls_text("tls-client-key-file", "Private key for outgoing connections.", no_effect=_OUTGOING),
        _tls_text("tls-client-key-file-pass", "Password of that key.", sensitive=True, no_effect=_OUTGOING),
        _tls_text("tls-dh-params-file", "Diffie-Hellman parameters, for old OpenSSL versions."),
        _tls_text("tls-ca-cert-file", "Certificates of the authorities that clients are checked against."),
        _tls_text("tls-ca-cert-dir", "Directory with certificates of such authorities."),
        Parameter(
            "tls-auth-clients",
            Choice("no", "yes", "optional"),
            "yes",
            "Whether clients must present a certificate; optional means that one is checked if presented.",
        ),
        _tls_text("tls-protocols", 'Protocol versions to allow, as in "TLSv1.2 TLSv1.3".'),
        _tls_text("tls-ciphers", "Ciphers for TLS 1.2 and older, in OpenSSL's notation."),
        _tls_text(
            "tls-ciphersuites",
            "Cipher suites for TLS 1.3.",
            no_effect="only the newest Pythons can select them",
        ),
        Parameter(
            "tls-prefer-server-ciphers",
            YesNo(),
            "no",
            "The order of the server's ciphers decides, not that of the client's.",
        ),
        Parameter(
            "tls-session-caching",
            YesNo(),
            "yes",
            "Let clients resume TLS sessions.",
            no_effect="OpenSSL's own cache is used",
        ),
        Parameter(
            "tls-session-cache-size",
            Integer(0, INT_MAX),
            "20480",
            "The most TLS sessions kept; 0 means no limit.",
            no_effect="OpenSSL's own size is used",
        ),
        Parameter(
            "tls-session-cache-timeout",
            Integer(0, INT_MAX),
            "300",
            "Seconds for which a TLS session is kept.",
            no_effect="OpenSSL's own timeout is used",
        ),
        Parameter("tls-replication", YesNo(), "no", "Use TLS for the link to a primary.", no_effect=NO_REPLICATION),
        Parameter("tls-cluster", YesNo(), "no", "Use TLS on the cluster bus.", no_effect=NO_CLUSTER),
    ),
)
