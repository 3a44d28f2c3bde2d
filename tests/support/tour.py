"""A walk through what must work on every system, run as a program; it prints what INFO says as JSON.

The first part is the double, in this process; the second is a server in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

import redis

import pyredmem

_SECONDS = 20.0


def sync_clients(server: pyredmem.Server) -> None:
    client: Any = server.client(decode_responses=True)
    assert client.set("greeting", "hello")
    assert client.get("greeting") == "hello"
    assert client.eval("return redis.call('GET', KEYS[1])", 1, "greeting") == "hello"
    later = threading.Timer(0.01, client.rpush, ["queue", "job"])
    later.start()
    assert list(client.blpop(["queue"], timeout=_SECONDS)) == ["queue", "job"]
    later.join()
    assert client.blpop(["queue"], timeout=0.01) is None
    with client.pubsub() as messages:
        messages.subscribe("news")
        assert messages.get_message(timeout=_SECONDS)["type"] == "subscribe"
        client.publish("news", "today")
        assert messages.get_message(timeout=_SECONDS)["data"] == "today"
    assert client.config_set("activedefrag", "yes")  # nothing comes of it in some places
    client.unlink("greeting")


async def async_clients(server: pyredmem.Server) -> None:
    client: Any
    other: Any
    async with server.async_client() as client, server.async_client() as other:
        waiting = asyncio.create_task(client.blpop(["queue"], timeout=_SECONDS))
        await asyncio.sleep(0)
        await other.rpush("queue", "job")
        assert list(await waiting) == [b"queue", b"job"]


def patched() -> None:
    with pyredmem.patch():
        assert redis.Redis().ping()


def real_sockets(server: pyredmem.Server) -> None:
    listener = server.listen()
    with redis.Redis.from_url(listener.url) as client:
        assert client.incr("visits") == 1
        assert client.blpop(["queue"], timeout=0.01) is None
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/socket"
        refusal = ""
        try:
            with redis.Redis.from_url(server.listen(path=path).url) as client:
                assert client.incr("visits") == 2
        except OSError as error:
            refusal = str(error)
        assert ("no Unix sockets" in refusal) is not hasattr(socket, "AF_UNIX"), refusal


def migrate(server: pyredmem.Server) -> None:
    with pyredmem.Server() as target:
        listener = target.listen()
        server.client().set("moved", "1")
        server.client().migrate(listener.host, listener.port, "moved", 0, int(_SECONDS * 1000))
        assert target.client().get("moved") == b"1"


def server_process() -> dict[str, Any]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "pyredmem", "--port", str(port), "--logfile", "log", "--dir", directory]
        process = subprocess.Popen(command)
        try:
            wait_for(port)
            info = serve(port)
            assert process.wait(_SECONDS) == 0
        finally:
            process.kill()
    return info


def wait_for(port: int) -> None:
    """Wait until something listens on a port."""
    end = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), _SECONDS).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.02)
        else:
            return


def serve(port: int) -> dict[str, Any]:
    """What INFO says when the server has worked; then it is shut down."""
    with redis.Redis(port=port, decode_responses=True, socket_timeout=_SECONDS) as client:
        assert client.set("greeting", "hello")
        assert client.eval("return redis.call('GET', KEYS[1])", 1, "greeting") == "hello"
        for number in range(100):
            client.rpush("list", *(f"{number}:{item}" for item in range(100)))
        client.unlink("list")
        info = dict(client.info("everything"))
        assert client.execute_command("MEMORY", "AUDIT") in {"OK", b"OK"}
    with redis.Redis(port=port, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0)) as client:
        client.shutdown(nosave=True)
    return info


def main() -> None:
    with pyredmem.Server() as server:
        sync_clients(server)
        asyncio.run(async_clients(server))
        real_sockets(server)
        migrate(server)
        inside = dict(server.client().info("everything"))
        report = server.engine.audit()
        assert report.ok, report.lines()
    patched()
    json.dump({"inside": inside, "server": server_process()}, sys.stdout, default=str)


if __name__ == "__main__":
    main()
