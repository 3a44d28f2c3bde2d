"""The backlog: input of a client that must wait, which runs later in the order in which it arrived."""

from __future__ import annotations

from pyredmem.engine.backlog import STRETCH, Backlog
from pyredmem.protocol.request import RequestParser


def taken(backlog: Backlog, parser: RequestParser) -> list[bytes]:
    found: list[bytes] = []
    while requests := backlog.take(parser):
        assert len(requests) <= STRETCH
        found += [argv[0] for argv in requests]
    return found


def test_parsed_requests_come_before_unread_bytes() -> None:
    backlog, parser = Backlog(), RequestParser()
    backlog.keep(b"c\r\nd")
    backlog.keep(b"\r\n")
    backlog.put_back([[b"b"]])
    backlog.put_back([[b"a"]])
    assert backlog.unread_bytes == 6
    assert taken(backlog, parser) == [b"a", b"b", b"c", b"d"]
    assert (backlog.unread_bytes, backlog.has_requests()) == (0, False)


def test_a_long_backlog_is_taken_a_stretch_at_a_time() -> None:
    backlog, parser = Backlog(), RequestParser()
    words = [b"%d" % number for number in range(2 * STRETCH + 1)]
    parser.feed(b"\r\n".join(words) + b"\r\n")
    assert len(backlog.take(parser)) == STRETCH
    assert backlog.has_requests()
    assert taken(backlog, parser) == words[STRETCH:]


def test_bytes_after_a_protocol_error_are_not_read() -> None:
    backlog, parser = Backlog(), RequestParser()
    backlog.keep(b"*x\r\n")
    backlog.keep(b"PING\r\n")
    assert backlog.take(parser) == []
    assert parser.error is not None
    assert backlog.take(parser) == []
