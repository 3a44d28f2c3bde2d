"""`Server.memory`: the figures of INFO and MEMORY USAGE."""

from __future__ import annotations

import pytest

from pyredmem.client.server import Server


def test_it_says_what_info_says(server: Server) -> None:
    with server.client() as client:
        client.set("a", "x" * 1_000_000)
        client.delete("a")
        info = client.info("memory")
        assert abs(server.memory.used - info["used_memory"]) < 50_000  # INFO counts its own request
        assert server.memory.peak == info["used_memory_peak"]
        assert server.memory.peak > server.memory.used + 900_000


def test_it_says_what_memory_usage_says(server: Server) -> None:
    with server.client() as client:
        client.rpush("l", *range(1000))
        client.set("other", "x")
        assert server.memory.of("l") == client.memory_usage("l", samples=0)
        assert server.memory.of("l") > server.memory.of("other")


def test_a_key_that_does_not_exist_is_an_error(server: Server) -> None:
    server.load({"a": "1"}, database=1)
    assert server.memory.of("a", database=1) > 0
    with pytest.raises(KeyError, match="a"):
        server.memory.of("a")
