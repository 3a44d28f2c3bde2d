"""The states that faults pretend: they refuse the commands that a real server refuses in them, with its words.

The real server is brought into the state by what causes it: a master that is not there, a directory that is gone ...
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator

import pytest

from pyredmem.client.faults import StateName
from pyredmem.client.server import Server
from tests.support import servers
from tests.support.wire import Error, Reply, Wire, info, request

pytestmark = pytest.mark.needs_redis

#: Commands of all kinds: those that read, write, need memory, belong to the server, the connection, or Pub/Sub.
COMMANDS = (
    *("PING", "ECHO hi", "SELECT 0", "CLIENT ID", "CLIENT SETNAME me", "COMMAND COUNT"),
    *("GET k", "EXISTS k", "TTL k", "TYPE k", "STRLEN k", "SCAN 0", "DBSIZE", "RANDOMKEY", "OBJECT ENCODING k"),
    *("SET k v", "DEL k", "UNLINK k", "EXPIRE k 9", "INCR n", "APPEND k v", "GETDEL k", "RENAME k l", "FLUSHALL"),
    *("LPUSH l v", "LPOP l", "LRANGE l 0 1", "LMOVE l m LEFT LEFT", "SADD s v", "SREM s v", "SPOP s", "SMEMBERS s"),
    *("HSET h f v", "HDEL h f", "HGET h f", "ZADD z 1 m", "ZREM z m", "ZPOPMIN z", "ZRANGE z 0 1", "XADD x * f v"),
    *("XLEN x", "SETBIT b 1 1", "PFADD p v", "PFCOUNT p", "SORT l", "SORT l STORE m", "GEOADD g 1 1 m", "COPY k l"),
    *("INFO server", "CONFIG GET port", "CONFIG RESETSTAT", "MEMORY USAGE k", "MEMORY STATS", "SLOWLOG GET"),
    *("LATENCY LATEST", "TIME", "LASTSAVE", "ROLE", "ACL WHOAMI", "SCRIPT EXISTS a", "PUBLISH c m", "PUBSUB CHANNELS"),
    *("WATCH k", "UNWATCH", "MULTI", "EXEC", "DISCARD", "WAIT 0 1", "AUTH wrong", "FUNCTION LIST", "RESET"),
    "EVAL 'return 1' 0",
    "BLPOP l 0.01",
)
#: In MULTI: what may be queued, and what EXEC does then.
TRANSACTIONS = (
    ("MULTI", "GET k", "EXEC"),
    ("MULTI", "SET k v", "EXEC"),
    ("MULTI", "DEL k", "PING", "EXEC"),
    ("MULTI", "PUBLISH c m", "DISCARD"),
)
#: The errors of the states. A replica without its master refuses writes because it is a replica.
CODES = (
    b"BUSY",
    b"CROSSSLOT",
    b"LOADING",
    b"MASTERDOWN",
    b"MISCONF",
    b"MOVED",
    b"NOAUTH",
    b"NOREPLICAS",
    b"OOM",
    b"READONLY",
)


def refusals(wire: Wire) -> list[tuple[str, Reply]]:
    """Each command, with its reply if that is the error of the state or says that a transaction was refused."""
    found: list[tuple[str, Reply]] = []
    for line in [*COMMANDS, *(one for transaction in TRANSACTIONS for one in transaction)]:
        words = line.replace("'return 1'", "return|1").split()
        reply = wire.do(*(word.replace("|", " ") for word in words))
        if isinstance(reply, Error) and reply.text.startswith((*CODES, b"EXECABORT")):
            found.append((line, reply))
    return found


@contextlib.contextmanager
def real(name: StateName) -> Iterator[Wire]:
    """A client of a real server that is in a state."""
    options = {
        "masterdown": ("--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"),
        "misconf": ("--save", "3600 1"),
        "noauth": ("--requirepass", "secret"),
        "noreplicas": ("--min-replicas-to-write", "1"),
        "oom": ("--maxmemory", "1"),
        "readonly": ("--replicaof", "127.0.0.1 1"),
    }.get(name, ())
    with servers.redis_server(*options) as server, server.connect() as wire:
        if name == "misconf":
            shutil.rmtree(server.directory)
            wire.do("BGSAVE")
            while info(wire, "persistence")["rdb_last_bgsave_status"] != "err":
                pass
            server.directory.mkdir()
            server.log_path.touch()
        yield wire


@pytest.mark.parametrize("name", ["masterdown", "misconf", "noauth", "noreplicas", "oom", "readonly"])
def test_a_state_refuses_what_a_real_server_refuses(name: StateName) -> None:
    with real(name) as wire:
        expected = refusals(wire)
    assert expected
    with Server() as server, Wire(server.listen().port) as wire, server.faults.state(name):
        assert refusals(wire) == expected


def test_a_busy_server_refuses_what_a_real_server_refuses() -> None:
    with servers.redis_server("--busy-reply-threshold", "1") as real_server, real_server.connect() as runner:
        runner.send(request("EVAL", "while true do end", 0))
        with real_server.connect() as wire:
            while not isinstance(wire.do("GET", "k"), Error):
                pass
            expected = refusals(wire)
            wire.do("SCRIPT", "KILL")
    with Server() as server, Wire(server.listen().port) as wire, server.faults.state("busy"):
        assert refusals(wire) == expected


def test_a_loading_server_refuses_what_a_real_server_refuses() -> None:
    slowly = ("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024", "--rdbcompression", "no")
    with servers.redis_server(*slowly) as real_server, real_server.connect() as loader:
        loader.do("DEBUG", "POPULATE", "2000", "key", "1000")
        loader.send(request("DEBUG", "RELOAD"))
        with real_server.connect() as wire:
            while not isinstance(wire.do("GET", "k"), Error):
                pass
            expected = refusals(wire)
            assert isinstance(wire.do("GET", "k"), Error), "it has loaded everything meanwhile"
    with Server() as server, Wire(server.listen().port) as wire, server.faults.state("loading"):
        assert refusals(wire) == expected


@contextlib.contextmanager
def cluster() -> Iterator[tuple[Wire, str]]:
    """A client of a real node without the slots that the commands need, and the address of the node that has them."""
    options = ("--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--cluster-port")
    buses = [str(servers.free_port()) for _ in range(2)]  # by default a fixed one, which may be taken
    with (
        servers.redis_server(*options, buses[0]) as owner,
        servers.redis_server(*options, buses[1]) as other,
        other.connect() as wire,
    ):
        with owner.connect() as one:
            one.do("CLUSTER", "ADDSLOTSRANGE", 0, 16382)
            wire.do("CLUSTER", "ADDSLOTS", 16383)
            one.do("CLUSTER", "SET-CONFIG-EPOCH", 1)
            wire.do("CLUSTER", "SET-CONFIG-EPOCH", 2)
            one.do("CLUSTER", "MEET", "127.0.0.1", other.port, buses[1])
        deadline = time.monotonic() + 20
        while b"cluster_state:ok" not in str(wire.do("CLUSTER", "INFO")).encode():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield wire, f"127.0.0.1:{owner.port}"


def test_a_node_without_slots_redirects_what_a_real_node_redirects() -> None:
    with cluster() as (wire, owner):
        expected = refusals(wire)
    assert expected
    with Server() as server, Wire(server.listen().port) as wire, server.faults.moved(owner):
        assert refusals(wire) == expected
