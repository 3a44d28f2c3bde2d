"""The clients of a server: which may connect, which are closed, and when their input has to wait."""

from __future__ import annotations

import sys

import pytest

from pyredmem.config.profiles import MIXED
from pyredmem.engine.client_info import describe, flags
from pyredmem.engine.session import HOLD_CLOSING, HOLD_UNREAD, Session
from tests.support.hosted import Hosted
from tests.support.replies import NO_REPLY, OK, PONG, Error, is_error
from tests.support.wire import request
from tests.support.world import Client, World


def fields(client: Client) -> dict[str, str]:
    """A client's line as a dictionary."""
    line = describe(client.session, None, MIXED).decode()
    return dict(field.split("=", 1) for field in line.split(" "))


def stranger(world: World) -> Client:
    """A client from another machine."""
    return world.client(address="192.0.2.7:40000")


# Connecting.


def test_ids_count_up_and_are_never_used_again(world: World) -> None:
    first = world.client()
    first.leave()
    assert world.client().id == first.id + 1


def test_a_refused_client_that_disconnects_late_affects_no_other_client() -> None:
    world = World(maxclients="1")
    refused = world.client()
    world.first.leave()
    accepted = world.client()
    world.engine.release(refused.session)
    assert list(world.engine.sessions.values()) == [accepted.session]


def test_beyond_maxclients_a_client_gets_an_error_and_is_closed() -> None:
    world = World(maxclients="1")
    refused = world.client()
    assert refused.replies() == [Error(b"ERR max number of clients reached")]
    assert refused.session.is_closing()
    assert len(world.engine.sessions) == 1


def test_a_refused_client_is_counted_as_rejected_and_not_as_received() -> None:
    world = World(maxclients="1")
    world.engine.release(world.client().session)
    assert (world.engine.stats.connections_received, world.engine.stats.connections_rejected) == (1, 1)


def test_what_a_refused_client_sends_is_ignored() -> None:
    world = World(maxclients="1")
    refused = world.client()
    refused.take_output()
    refused.receive(request("SET", "k", "v"))
    assert refused.replies() == []
    assert world.do("EXISTS", "k") == 0


def test_protected_mode_refuses_strangers(world: World) -> None:
    [reply] = stranger(world).replies()
    assert is_error(reply, b"DENIED ")


def test_protected_mode_admits_clients_from_the_same_machine(world: World) -> None:
    assert not world.engine.connect("tcp", "[::1]:4000", "[::1]:6379").is_closing()
    assert not world.engine.connect("unix", "/tmp/s:0", "/tmp/s:0").is_closing()


def test_with_a_password_set_protected_mode_admits_strangers() -> None:
    assert not stranger(World(requirepass="x")).session.is_closing()


def test_without_protected_mode_strangers_are_admitted() -> None:
    assert not stranger(World(protected_mode="no")).session.is_closing()


# The timer.


def test_an_idle_client_is_closed_after_its_timeout() -> None:
    world = World(timeout="5")
    world.advance(5000)
    assert len(world.engine.sessions) == 1
    world.advance(1100)
    assert world.session.aborted
    assert not world.engine.sessions


def test_a_monitor_is_never_idle() -> None:
    world = World(timeout="5")
    world.do("MONITOR")
    world.advance(9000)
    assert not world.session.is_closing()


def test_a_blocked_client_is_never_idle() -> None:
    world = World(timeout="5")
    world.do("WAIT", 1, 60_000)
    world.advance(9000)
    assert not world.session.is_closing()


def test_every_client_is_visited_within_a_second(world: World) -> None:
    clients = [world.client() for _ in range(100)]
    for _ in range(10):
        world.tick(100)
    assert all(client.session.counted_bytes > 0 for client in clients)


# Output.


def test_output_at_the_hard_limit_closes_the_client() -> None:
    world = World(client_output_buffer_limit="normal 1000000 0 0")
    assert world.engine.clients.limit_output(world.session, 900_000, 0)
    assert not world.engine.clients.limit_output(world.session, 1_100_000, 0)
    assert world.session.aborted
    assert not world.engine.sessions


def test_the_log_says_why_a_client_was_closed() -> None:
    hosted = Hosted(client_output_buffer_limit="normal 1000000 0 0")
    hosted.engine.clients.limit_output(hosted.session, 1_100_000, 0)
    [(level, message)] = hosted.host.logged
    assert level == "warning"
    assert "id=1 addr=127.0.0.1:50000" in message
    assert message.endswith("its unsent output exceeds client-output-buffer-limit.")


def test_output_that_stays_above_the_soft_limit_for_its_seconds_closes_the_client() -> None:
    world = World(client_output_buffer_limit="normal 0 100000 3")
    session = world.session
    session.count_unsent = lambda: 500_000
    world.advance(3000)
    assert not session.aborted
    world.advance(1000)
    assert session.aborted


def test_a_client_that_reads_in_time_is_not_closed_for_the_soft_limit() -> None:
    world = World(client_output_buffer_limit="normal 0 100000 3")
    session = world.session
    session.count_unsent = lambda: 500_000
    world.advance(2000)
    session.count_unsent = lambda: 0
    world.advance(200)
    session.count_unsent = lambda: 500_000
    world.advance(2000)
    assert not session.aborted


def test_without_a_limit_a_client_that_does_not_read_runs_no_more_requests(world: World) -> None:
    world.engine.clients.note_unsent(world.session, 2_000_000)
    assert world.session.holds & HOLD_UNREAD
    assert world.do("SET", "k", "v") == NO_REPLY
    world.session.resume(HOLD_UNREAD)
    assert world.replies() == [OK]


def test_with_a_limit_a_client_that_does_not_read_goes_on_until_it_is_closed() -> None:
    world = World(client_output_buffer_limit="normal 100000000 0 0")
    world.engine.clients.note_unsent(world.session, 2_000_000)
    assert world.do("PING") == PONG


def test_the_input_of_a_client_that_must_wait_is_kept_in_order(world: World) -> None:
    world.session.holds |= HOLD_UNREAD
    data = b"".join(request("ECHO", number) for number in range(5000))
    for start in range(0, len(data), 777):
        world.first.receive(data[start : start + 777])
    world.session.resume(HOLD_UNREAD)
    assert world.replies() == [b"%d" % number for number in range(5000)]


def test_kept_input_counts_as_query_buffer(world: World) -> None:
    world.session.holds |= HOLD_UNREAD
    world.first.receive(b"x" * 300_000)
    assert world.session.memory.query_buffer.capacity() >= 300_000
    assert int(fields(world.first)["qbuf"]) == 300_000


def test_kept_input_beyond_the_query_buffer_limit_closes_the_client() -> None:
    world = World(client_query_buffer_limit="1mb")
    world.session.holds |= HOLD_UNREAD
    for _ in range(4):
        world.first.receive(b"x" * 262_144)
    assert not world.session.aborted
    world.first.receive(b"x")
    assert world.session.aborted


def test_an_unfinished_request_beyond_the_query_buffer_limit_closes_the_client() -> None:
    world = World(client_query_buffer_limit="1mb")
    data = request("SET", "k", "x" * 2_000_000)
    world.first.receive(data[:1_000_000])
    assert not world.session.aborted
    world.first.receive(data[1_000_000:1_100_000])
    assert world.session.aborted


def test_a_long_pipeline_lets_the_shell_write_in_between(world: World) -> None:
    written: list[int] = []

    def write() -> None:
        written.append(len(world.session.take_output()))

    world.session.on_full = write
    world.first.receive(request("ECHO", "x" * 2000) * 3000)
    assert len(written) >= 2
    assert sum(written) + len(world.session.take_output()) == 3000 * (2000 + 9)


def test_a_long_pipeline_stops_when_the_shell_says_so(world: World) -> None:
    def write() -> None:
        world.session.take_output()
        world.session.holds |= HOLD_UNREAD

    world.session.on_full = write
    world.first.receive(request("APPEND", "k", "x") * 10 + request("ECHO", "x" * 2000) * 3000 + request("INCR", "n"))
    other = world.client()
    assert other.do("STRLEN", "k") == 10
    assert other.do("EXISTS", "n") == 0
    world.session.on_full = None
    world.session.resume(HOLD_UNREAD)
    assert other.do("GET", "n") == b"1"


def test_the_longest_argument_allowed_follows_its_setting(world: World) -> None:
    world.do("CONFIG", "SET", "proto-max-bulk-len", "1mb")
    assert world.do("ECHO", "x" * 1_100_000) == Error(b"ERR Protocol error: invalid bulk length")


# maxmemory-clients.


def test_the_biggest_clients_are_closed_first_when_all_are_too_big() -> None:
    world = World(maxmemory_clients="1mb")
    small, big = world.client(), world.client()
    big.do("ECHO", "x" * 900_000)
    big.session.holds |= HOLD_UNREAD
    big.receive(b"x" * 1_500_000)
    world.engine.clients.visit_some()
    world.engine.clients.visit_some()
    assert small.do("PING") == PONG
    assert big.session.aborted
    assert not small.session.aborted
    assert world.engine.clients.eviction.evicted == 1


def test_a_client_that_grows_between_commands_is_closed_before_the_server_sleeps() -> None:
    world = World(maxmemory_clients="1mb")
    world.first.receive(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n" + b"x" * 1_500_000)
    assert not world.session.aborted
    world.run_tasks()
    assert world.session.aborted


def test_a_new_limit_applies_to_memory_that_clients_have_already() -> None:
    world = World()
    world.first.receive(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n" + b"x" * 1_500_000)
    world.engine.settings.set_many([("maxmemory-clients", "1mb")])
    world.run_tasks()
    assert world.session.aborted


def test_a_client_with_no_evict_on_is_not_evicted() -> None:
    world = World(maxmemory_clients="1mb")
    big = world.client()
    big.do("CLIENT", "NO-EVICT", "ON")
    big.session.holds |= HOLD_UNREAD
    big.receive(b"x" * 2_000_000)
    world.engine.clients.visit_some()
    world.do("PING")
    assert not big.session.aborted


def test_a_client_that_evicts_itself_gets_no_reply() -> None:
    world = World(maxmemory_clients="1mb")
    assert world.do("ECHO", "x" * 2_000_000) == NO_REPLY
    assert world.session.aborted


# The lines of CLIENT LIST.


def test_a_line_has_the_fields_of_redis_74_in_order(world: World) -> None:
    assert " ".join(fields(world.first)) == (
        "id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem multi-mem rbs rbp "
        "obl oll omem tot-mem events cmd user redir resp lib-name lib-ver"
    )


def test_a_new_client_has_run_nothing(world: World) -> None:
    line = fields(world.client())
    assert (line["cmd"], line["qbuf"], line["qbuf-free"], line["flags"], line["multi"]) == ("NULL", "0", "4", "N", "-1")


def test_age_and_idle_time_are_in_seconds(world: World) -> None:
    world.advance(5000)
    world.do("PING")
    world.advance(2500)
    line = fields(world.first)
    assert (line["age"], line["idle"]) == ("7", "2")


@pytest.mark.parametrize(
    ("words", "letters"),
    [
        (["MULTI"], "x"),
        (["CLIENT", "TRACKING", "ON"], "t"),
        (["CLIENT", "TRACKING", "ON", "BCAST"], "tB"),
        (["CLIENT", "NO-EVICT", "ON"], "e"),
        (["CLIENT", "NO-TOUCH", "ON"], "T"),
        (["MONITOR"], "O"),
        (["WAIT", "1", "0"], "b"),
    ],
)
def test_flags_show_the_state_of_a_client(world: World, words: list[str], letters: str) -> None:
    world.do(*words)
    assert flags(world.session, world.engine.tracking.of(world.session)) == letters.encode()


def test_unsent_output_is_shown(world: World) -> None:
    world.session.memory.reply_buffer.set_unsent(16384 + 100)
    line = fields(world.first)
    assert (line["obl"], line["oll"], line["omem"], line["events"]) == ("16384", "1", "20504", "rw")


# Closing.


def give_a_shell(session: Session) -> None:
    session.on_output = session.output_ready


def test_a_released_session_is_freed_without_the_garbage_collector(world: World) -> None:
    session = world.client().session
    give_a_shell(session)
    references = sys.getrefcount(session)
    world.engine.release(session)
    assert session.on_output is None
    assert sys.getrefcount(session) < references


def test_disconnecting_twice_is_harmless(world: World) -> None:
    client = world.client()
    client.leave()
    client.leave()
    world.engine.release(client.session)
    assert len(world.engine.sessions) == 1


def test_bytes_written_are_counted(world: World) -> None:
    world.do("PING")
    assert (world.engine.stats.net_output_bytes, world.engine.stats.writes_processed) == (7, 1)


def test_a_closing_session_keeps_no_input(world: World) -> None:
    world.session.holds |= HOLD_CLOSING
    world.first.receive(b"x" * 100_000)
    assert world.session.held_input() == 0
