"""Output that was counted as unsent while a batch ran counts no longer once it has been sent."""

from __future__ import annotations

from tests.server.test_connection import Client, Shell


def client_with_small_buffer() -> Client:
    """A client whose reply buffer has been shrunk, since it was used little for a while."""
    shell = Shell()
    client = shell.connect()
    for _ in range(100):
        shell.clock.advance_ms(100)
        shell.engine.tick(shell.clock.now_us() // 1000)
    assert client.session.memory.buffer_size < 2000
    return client


def test_a_reply_larger_than_the_shrunk_buffer_leaves_nothing_unsent() -> None:
    client = client_with_small_buffer()
    used = client.shell.engine.allocator.used_memory
    client.send("ECHO", "x" * 5000)
    assert client.session.memory.output_bytes() == 0
    assert client.session.memory.unsent == 0
    assert client.shell.engine.allocator.used_memory == used


def test_it_stays_counted_while_the_client_does_not_read() -> None:
    client = client_with_small_buffer()
    client.transport.reads = False
    client.send("ECHO", "x" * 5000)
    assert client.session.memory.unsent == 5000 + len("$5000\r\n\r\n")
    assert client.session.memory.output_bytes() > 0
