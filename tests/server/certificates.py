"""Certificates of an authority that exists only for the tests."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass
class Certificates:
    """The files of one authority, and the certificates that it has issued to the server and to a client."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path

    def options(self, port: int) -> list[str]:
        pairs = [
            ("--tls-port", str(port)),
            ("--tls-cert-file", str(self.server)),
            ("--tls-key-file", str(self.server_key)),
            ("--tls-ca-cert-file", str(self.authority)),
        ]
        return [word for pair in pairs for word in pair]

    def client_context(self, *, show: bool = True) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority))
        if show:
            context.load_cert_chain(self.client, self.client_key)
        return context


def issue(directory: Path) -> Certificates:
    """Write the files of a new authority into a directory."""
    authority = trustme.CA()
    result = Certificates(*(directory / name for name in ("ca", "server", "server.key", "client", "client.key")))
    authority.cert_pem.write_to_path(result.authority)
    server = authority.issue_cert("localhost", "127.0.0.1")
    server.cert_chain_pems[0].write_to_path(result.server)
    server.private_key_pem.write_to_path(result.server_key)
    client = authority.issue_cert("client@example.org")
    client.cert_chain_pems[0].write_to_path(result.client)
    client.private_key_pem.write_to_path(result.client_key)
    return result
