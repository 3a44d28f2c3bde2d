"""What a server has seen, in a few lines."""

from __future__ import annotations

from datetime import UTC, datetime

from pyredmem.client.dataset import Expiring
from pyredmem.client.failure_report import describe
from pyredmem.client.server import Server


def test_it_shows_commands_and_keys_of_all_databases() -> None:
    with Server(records_commands=True) as server:
        server.clock.freeze(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
        server.load({"b c": ["x"], "a": Expiring("1", 1.5), "\udcff": {"x"}})
        server.load({"z": "1"}, database=2)
        with server.client(db=2) as client:
            client.get("z")
        assert describe(server).splitlines() == [
            "all commands (time, client, database, command, reply):",
            "  03:04:05.000000  3  db0  SELECT 2 -> OK",
            "  03:04:05.000000  3  db2  GET z -> 1",
            "database 0: 3 keys",
            "  a: string, expires in 1.500 s",
            "  'b c': list",
            r"  '\\xff': set",
            "database 2: 1 key",
            "  z: string",
        ]


def test_a_closed_server_still_has_its_commands() -> None:
    server = Server(records_commands=True)
    with server.client() as client:
        client.set("a", "1")
    server.close()
    assert "SET a 1 -> OK" in describe(server)


def test_it_changes_nothing() -> None:
    with Server(records_commands=True) as server, server.client() as client:
        client.set("a", "1", px=1)
        server.clock.freeze()
        before = client.info("stats")
        describe(server)
        after = client.info("stats")
        assert after["expired_keys"] == before["expired_keys"]
        assert after["keyspace_hits"] == before["keyspace_hits"]
