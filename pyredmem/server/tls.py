"""Turns the `tls-*` settings into an `ssl.SSLContext`.

asyncio loads the ssl module in any case, so to import it here costs a server without TLS nothing.

Python's ssl module limits two settings. `tls-ciphersuites` (the suites of TLS 1.3) has an effect only if
`SSLContext.set_ciphersuites` exists; otherwise it is accepted, and OpenSSL's defaults apply. The settings for the cache
of sessions have no effect: OpenSSL manages that cache itself.
"""

import ssl
from dataclasses import dataclass
from typing import Final

# From oldest to newest: a context takes the first and the last one, and an option for each gap between them.
PROTOCOLS: Final = {
    "tlsv1": (ssl.TLSVersion.TLSv1, ssl.OP_NO_TLSv1),
    "tlsv1.1": (ssl.TLSVersion.TLSv1_1, ssl.OP_NO_TLSv1_1),
    "tlsv1.2": (ssl.TLSVersion.TLSv1_2, ssl.OP_NO_TLSv1_2),
    "tlsv1.3": (ssl.TLSVersion.TLSv1_3, ssl.OP_NO_TLSv1_3),
}
DEFAULT_PROTOCOLS: Final = "tlsv1.2 tlsv1.3"

VERIFY_MODES: Final = {"yes": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "no": ssl.CERT_NONE}


class TlsError(Exception):
    """No usable context can be made from the settings; the text says why."""


@dataclass(frozen=True)
class TlsOptions:
    """The values of the settings from which a context is made."""

    cert_file: str = ""
    key_file: str = ""
    key_file_pass: str = ""
    ca_cert_file: str = ""
    ca_cert_dir: str = ""
    auth_clients: str = "yes"
    protocols: str = ""
    ciphers: str = ""
    ciphersuites: str = ""
    prefer_server_ciphers: bool = False
    dh_params_file: str = ""


def server_context(options: TlsOptions) -> ssl.SSLContext:
    """A context to accept connections with. Raises TlsError if the settings do not allow one."""
    _require_files(options)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _limit_protocols(context, options.protocols)
        _load_identity(context, options)
        _load_authorities(context, options)
        context.verify_mode = VERIFY_MODES[options.auth_clients]
        _choose_ciphers(context, options)
        if options.dh_params_file:
            context.load_dh_params(options.dh_params_file)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise TlsError(f"Failed to configure TLS: {error}") from error
    return context


def _require_files(options: TlsOptions) -> None:
    if not options.cert_file:
        raise TlsError("No tls-cert-file configured!")
    if not options.key_file:
        raise TlsError("No tls-key-file configured!")
    if options.auth_clients != "no" and not (options.ca_cert_file or options.ca_cert_dir):
        raise TlsError("tls-auth-clients needs tls-ca-cert-file or tls-ca-cert-dir to check certificates with")


def _limit_protocols(context: ssl.SSLContext, protocols: str) -> None:
    wanted = set((protocols or DEFAULT_PROTOCOLS).lower().split())
    if not wanted or not wanted <= PROTOCOLS.keys():
        raise TlsError(f"Invalid tls-protocols specified: {protocols}")
    names = list(PROTOCOLS)
    positions = [position for position, name in enumerate(names) if name in wanted]
    first, last = positions[0], positions[-1]
    context.minimum_version = PROTOCOLS[names[first]][0]
    context.maximum_version = PROTOCOLS[names[last]][0]
    for name in names[first:last]:
        if name not in wanted:
            context.options |= PROTOCOLS[name][1]


def _load_identity(context: ssl.SSLContext, options: TlsOptions) -> None:
    # A callable, so that OpenSSL never asks for a password on the terminal of a server.
    context.load_cert_chain(options.cert_file, options.key_file, password=lambda: options.key_file_pass)


def _load_authorities(context: ssl.SSLContext, options: TlsOptions) -> None:
    if options.ca_cert_file or options.ca_cert_dir:
        context.load_verify_locations(options.ca_cert_file or None, options.ca_cert_dir or None)


def _choose_ciphers(context: ssl.SSLContext, options: TlsOptions) -> None:
    if options.ciphers:
        context.set_ciphers(options.ciphers)
    if options.ciphersuites and hasattr(context, "set_ciphersuites"):
        context.set_ciphersuites(options.ciphersuites)
    if options.prefer_server_ciphers:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
