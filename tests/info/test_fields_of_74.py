"""Fields that Redis 7.4 added."""

from __future__ import annotations

from tests.support.hosted import Hosted


def test_watched_keys_and_those_who_watch_them() -> None:
    hosted = Hosted()
    other = hosted.client(address="127.0.0.1:50001")
    hosted.do("WATCH", "a", "b")
    other.do("WATCH", "b", "c")
    clients = hosted.info("clients")
    assert (clients["watching_clients"], clients["total_watched_keys"]) == ("2", "3")
    hosted.do("UNWATCH")
    clients = hosted.info("clients")
    assert (clients["watching_clients"], clients["total_watched_keys"]) == ("1", "2")


def test_a_client_says_how_many_keys_it_watches() -> None:
    hosted = Hosted()
    hosted.do("WATCH", "a", "b")
    assert " multi=-1 watch=2 qbuf=" in str(hosted.do("CLIENT", "INFO"))


def test_hashes_with_field_times_are_counted() -> None:
    hosted = Hosted()
    hosted.do("HSET", "h", "a", "1", "b", "2")
    hosted.do("HSET", "i", "a", "1")
    hosted.do("HEXPIRE", "h", "100", "FIELDS", "1", "a")
    assert hosted.info("keyspace")["db0"].endswith(",subexpiry=1")
    hosted.do("HPERSIST", "h", "FIELDS", "1", "a")
    assert hosted.info("keyspace")["db0"].endswith(",subexpiry=0")


def test_expired_fields_are_counted_until_a_reset() -> None:
    hosted = Hosted()
    hosted.do("HSET", "h", "a", "1", "b", "2", "c", "3")
    hosted.do("HPEXPIRE", "h", "10", "FIELDS", "2", "a", "b")
    for _ in range(3):
        hosted.tick()
    assert hosted.info("stats")["expired_subkeys"] == "2"
    assert hosted.info("stats")["expired_keys"] == "0"
    hosted.do("CONFIG", "RESETSTAT")
    assert hosted.info("stats")["expired_subkeys"] == "0"


def test_disconnections_because_of_limits_are_counted_until_a_reset() -> None:
    hosted = Hosted(client_output_buffer_limit="normal 100000 0 0", client_query_buffer_limit="1048576")
    hosted.do("SET", "big", "x" * 90_000)
    hosted.do("RPUSH", "list", *["x" * 10] * 50_000)
    after_a_command, inside_one, greedy = (
        hosted.engine.connect("tcp", f"127.0.0.1:{port}", "127.0.0.1:6379") for port in (50001, 50002, 50003)
    )
    after_a_command.receive(b"GET big\r\n" * 3)
    inside_one.receive(b"LRANGE list 0 -1\r\n")
    greedy.receive(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n" + b"x" * 2_000_000)
    stats = hosted.info("stats")
    assert stats["client_output_buffer_limit_disconnections"] == "2"
    assert stats["client_query_buffer_limit_disconnections"] == "1"
    hosted.do("CONFIG", "RESETSTAT")
    stats = hosted.info("stats")
    assert stats["client_output_buffer_limit_disconnections"] == "0"
    assert stats["client_query_buffer_limit_disconnections"] == "0"
