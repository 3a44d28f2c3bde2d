"""One server of the eviction benchmark, used as a cache in front of a slow store.

A batch of keys is read (GET), and the missing ones are written (SET) before the next batch. The replies to the SETs are
read together with those of the next batch, so all servers work at once while this process goes from one to the next.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import hiredis
from processes import Connection, Contender, Process, encode, running

BATCH = 64  # keys; the replies to them fit into a client's reply buffer of 16 KiB
VALUE = b"v" * 200
LIFETIME = b"100000"  # seconds; no key expires while the benchmark runs
PINNED = b"pinned:%08d"


@dataclass(frozen=True)
class Policy:
    """What a server evicts."""

    name: str
    samples: int

    @property
    def label(self) -> str:
        """The policy's name in tables, with the number of samples where samples have an effect."""
        return self.name if self.name.endswith("random") else f"{self.name}, {self.samples} samples"

    @property
    def volatile(self) -> bool:
        """Whether only keys with an expire time are evicted."""
        return self.name.startswith("volatile-")


def key_word(key: int) -> bytes:
    """A key as an argument of a request."""
    return b"$12\r\nkey:%08d\r\n" % key


class Lane:
    """A connection to a server with a policy, and its hits."""

    def __init__(self, name: str, policy: Policy, process: Process) -> None:
        self.name = name
        self.policy = policy
        self.hits = 0
        self.errors = 0
        self._process = process
        self._socket = socket.create_connection(("127.0.0.1", process.port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()
        self._unread = 0  # replies to SETs that are still to be read
        words = 5 if policy.volatile else 3
        tail = b"$2\r\nEX\r\n$%d\r\n%b\r\n" % (len(LIFETIME), LIFETIME) if policy.volatile else b""
        self._before = b"*%d\r\n$3\r\nSET\r\n" % words
        self._after = b"$%d\r\n%b\r\n" % (len(VALUE), VALUE) + tail

    def pin(self, keys: int) -> None:
        """Write keys without an expire time."""
        for number in range(keys):
            self._socket.sendall(encode(("SET", PINNED % number, VALUE)))
            self._unread += 1
            if number % BATCH == 0:
                self.settle()

    def fill(self, keys: int) -> None:
        """Write the first keys."""
        for start in range(0, keys, BATCH):
            self.put(range(start, min(start + BATCH, keys)))
            self.settle()

    def put(self, keys: Sequence[int]) -> None:
        """Write keys, and leave the replies for later."""
        self._unread += len(keys)
        self._socket.sendall(b"".join([self._before + key_word(key) + self._after for key in keys]))

    def ask(self, request: bytes) -> None:
        """Send the GETs of a batch."""
        self._socket.sendall(request)

    def answer(self, keys: Sequence[int]) -> None:
        """Read the replies to a batch, and write the keys that were missing."""
        self.settle()
        missing = [key for key in keys if self._reply() is None]
        self.hits += len(keys) - len(missing)
        if missing:
            self.put(list(dict.fromkeys(missing)))

    def settle(self) -> None:
        """Read the replies to the SETs."""
        for _ in range(self._unread):
            self.errors += isinstance(self._reply(), Exception)
        self._unread = 0

    def _reply(self) -> object:
        while (reply := self._reader.gets()) is False:
            data = self._socket.recv(1 << 17)
            if not data:
                raise ConnectionError(f"{self.name}, {self.policy.label}: closed by the server")
            self._reader.feed(data)
        return reply

    def figures(self) -> dict[str, int]:
        """The figures that the server itself counts."""
        self.settle()
        connection = Connection(self._process.port)
        try:
            text = connection.do("INFO", "everything")
        finally:
            connection.close()
        found = dict(line.split(b":", 1) for line in text.split(b"\r\n") if b":" in line)
        keys = dict(pair.split(b"=") for pair in found.get(b"db0", b"keys=0,expires=0").split(b","))
        return {
            "keys": int(keys[b"keys"]),
            "expires": int(keys[b"expires"]),
            "evicted": int(found[b"evicted_keys"]),
            "used_memory": int(found[b"used_memory"]),
        }

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def lane(name: str, contender: Contender, policy: Policy, maxmemory: int) -> Iterator[Lane]:
    """Start a server and connect to it; the server ends with the block."""
    settings = {"maxmemory": maxmemory, "maxmemory-policy": policy.name, "maxmemory-samples": policy.samples}
    options = [word for setting, value in settings.items() for word in (f"--{setting}", str(value))]
    with running(contender, *options) as process:
        opened = Lane(name, policy, process)
        try:
            yield opened
        finally:
            opened.close()


def memory_for(contender: Contender, policy: Policy, keys: int, pinned: int) -> int:
    """The maxmemory with which a server can hold ``keys`` keys."""
    with lane("calibration", contender, policy, 0) as found:
        found.ask(b"*2\r\n$3\r\nGET\r\n" + key_word(0))
        found.answer([0])
        found.pin(pinned)
        found.fill(keys)
        return found.figures()["used_memory"]
