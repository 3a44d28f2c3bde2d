"""Clients as a server has them: who may connect, who is closed, what holds a session."""

from __future__ import annotations

import sys

import pytest

from pyredmem.engine.client_info import describe, flags
from pyredmem.engine.session import HOLD_CLOSING, HOLD_UNREAD, Session
from tests.support.engine import World, do, encode
from tests.support.hosted import Hosted


def fields(session: Session) -> dict[str, str]:
    """A client's line as a dictionary."""
    line = describe(session, None).decode()
    return dict(field.split("=", 1) for field in line.split(" "))


def stranger(world: World) -> Session:
    """A client from another machine."""
    return world.engine.connect("tcp", "192.0.2.7:40000", "192.0.2.1:6379")


# Connecting.


def test_ids_count_up_and_are_never_used_again(world: World) -> None:
    first = world.connect()
    world.engine.disconnect(first)
    assert world.connect().id == first.id + 1


def test_a_refused_client_that_leaves_late_takes_nobody_with_it() -> None:
    world = World(maxclients="1")
    refused = world.connect()
    world.engine.disconnect(world.session)
    accepted = world.connect()
    world.engine.release(refused)
    assert list(world.engine.sessions.values()) == [accepted]


def test_beyond_maxclients_a_client_gets_an_error_and_is_closed() -> None:
    world = World(maxclients="1")
    refused = world.connect()
    assert refused.take_output() == b"-ERR max number of clients reached\r\n"
    assert refused.is_closing()
    assert len(world.engine.sessions) == 1


def test_a_refused_client_is_counted_as_rejected_and_not_as_received() -> None:
    world = World(maxclients="1")
    world.engine.release(world.connect())
    assert (world.engine.stats.connections_received, world.engine.stats.connections_rejected) == (1, 1)


def test_what_a_refused_client_sends_is_ignored() -> None:
    world = World(maxclients="1")
    refused = world.connect()
    refused.take_output()
    refused.receive(encode(["SET", "k", "v"]))
    assert refused.take_output() == b""
    assert world.do("EXISTS", "k") == b":0\r\n"


def test_protected_mode_refuses_strangers(world: World) -> None:
    assert stranger(world).take_output().startswith(b"-DENIED ")


def test_protected_mode_lets_its_own_machine_in(world: World) -> None:
    assert not world.engine.connect("tcp", "[::1]:4000", "[::1]:6379").is_closing()
    assert not world.engine.connect("unix", "/tmp/s:0", "/tmp/s:0").is_closing()


def test_a_password_opens_the_server_to_strangers() -> None:
    assert not stranger(World(requirepass="x")).is_closing()


def test_without_protected_mode_strangers_may_come() -> None:
    assert not stranger(World(protected_mode="no")).is_closing()


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


def test_a_client_that_waits_is_never_idle() -> None:
    world = World(timeout="5")
    world.do("WAIT", 1, 60_000)
    world.advance(9000)
    assert not world.session.is_closing()


def test_every_client_is_visited_within_a_second(world: World) -> None:
    sessions = [world.connect() for _ in range(100)]
    for _ in range(10):
        world.clock.advance_ms(100)
        world.engine.tick(world.clock.now_us() // 1000)
    assert all(session.counted_bytes > 0 for session in sessions)


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


def test_output_above_the_soft_limit_closes_the_client_after_its_seconds() -> None:
    world = World(client_output_buffer_limit="normal 0 100000 3")
    session = world.session
    session.count_unsent = lambda: 500_000
    world.advance(3000)
    assert not session.aborted
    world.advance(1000)
    assert session.aborted


def test_reading_in_time_forgets_the_soft_limit() -> None:
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
    assert world.do("SET", "k", "v") == b""
    world.session.resume(HOLD_UNREAD)
    assert world.session.take_output() == b"+OK\r\n"


def test_with_a_limit_it_runs_on_until_it_is_closed() -> None:
    world = World(client_output_buffer_limit="normal 100000000 0 0")
    world.engine.clients.note_unsent(world.session, 2_000_000)
    assert world.do("PING") == b"+PONG\r\n"


def test_input_of_a_held_session_is_kept_in_order(world: World) -> None:
    world.session.holds |= HOLD_UNREAD
    data = b"".join(encode(["ECHO", number]) for number in range(5000))
    for start in range(0, len(data), 777):
        world.session.receive(data[start : start + 777])
    world.session.resume(HOLD_UNREAD)
    expected = b"".join(b"$%d\r\n%d\r\n" % (len(str(number)), number) for number in range(5000))
    assert world.session.take_output() == expected


def test_kept_input_is_in_the_query_buffer(world: World) -> None:
    world.session.holds |= HOLD_UNREAD
    world.session.receive(b"x" * 300_000)
    assert world.session.memory.query_buffer.capacity() >= 300_000
    assert int(fields(world.session)["qbuf"]) == 300_000


def test_kept_input_beyond_the_query_buffer_limit_closes_the_client() -> None:
    world = World(client_query_buffer_limit="1mb")
    world.session.holds |= HOLD_UNREAD
    for _ in range(4):
        world.session.receive(b"x" * 262_144)
    assert not world.session.aborted
    world.session.receive(b"x")
    assert world.session.aborted


def test_an_unfinished_request_beyond_the_query_buffer_limit_closes_the_client() -> None:
    world = World(client_query_buffer_limit="1mb")
    request = encode(["SET", "k", "x" * 2_000_000])
    world.session.receive(request[:1_000_000])
    assert not world.session.aborted
    world.session.receive(request[1_000_000:1_100_000])
    assert world.session.aborted


def test_a_long_pipeline_lets_the_shell_write_in_between(world: World) -> None:
    written: list[int] = []

    def write() -> None:
        written.append(len(world.session.take_output()))

    world.session.on_full = write
    world.session.receive(encode(["ECHO", "x" * 2000]) * 3000)
    assert len(written) >= 2
    assert sum(written) + len(world.session.take_output()) == 3000 * (2000 + 9)


def test_a_long_pipeline_stops_when_the_shell_says_so(world: World) -> None:
    def write() -> None:
        world.session.take_output()
        world.session.holds |= HOLD_UNREAD

    world.session.on_full = write
    world.session.receive(
        encode(["APPEND", "k", "x"]) * 10 + encode(["ECHO", "x" * 2000]) * 3000 + encode(["INCR", "n"])
    )
    other = world.connect()
    assert do(other, "STRLEN", "k") == b":10\r\n"
    assert do(other, "EXISTS", "n") == b":0\r\n"
    world.session.on_full = None
    world.session.resume(HOLD_UNREAD)
    assert do(other, "GET", "n") == b"$1\r\n1\r\n"


def test_the_longest_argument_follows_its_setting(world: World) -> None:
    world.do("CONFIG", "SET", "proto-max-bulk-len", "1mb")
    assert do(world.session, "ECHO", "x" * 1_100_000) == b"-ERR Protocol error: invalid bulk length\r\n"


# maxmemory-clients.


def test_the_biggest_clients_are_closed_first_when_all_are_too_big() -> None:
    world = World(maxmemory_clients="1mb")
    small, big = world.connect(), world.connect()
    do(big, "ECHO", "x" * 900_000)
    big.holds |= HOLD_UNREAD
    big.receive(b"x" * 1_500_000)
    world.engine.clients.visit_some()
    world.engine.clients.visit_some()
    assert do(small, "PING") == b"+PONG\r\n"
    assert big.aborted
    assert not small.aborted
    assert world.engine.clients.eviction.evicted == 1


def test_a_client_that_grows_between_commands_is_closed_before_the_server_sleeps() -> None:
    world = World(maxmemory_clients="1mb")
    world.session.receive(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n" + b"x" * 1_500_000)
    assert not world.session.aborted
    world.engine.run_tasks()
    assert world.session.aborted


def test_a_new_limit_holds_for_what_clients_have_already() -> None:
    world = World()
    world.session.receive(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n" + b"x" * 1_500_000)
    world.engine.settings.set_many([("maxmemory-clients", "1mb")])
    world.engine.run_tasks()
    assert world.session.aborted


def test_no_evict_spares_a_client() -> None:
    world = World(maxmemory_clients="1mb")
    big = world.connect()
    do(big, "CLIENT", "NO-EVICT", "ON")
    big.holds |= HOLD_UNREAD
    big.receive(b"x" * 2_000_000)
    world.engine.clients.visit_some()
    world.do("PING")
    assert not big.aborted


def test_a_client_that_evicts_itself_gets_no_reply() -> None:
    world = World(maxmemory_clients="1mb")
    assert do(world.session, "ECHO", "x" * 2_000_000) == b""
    assert world.session.aborted


# Lines.


def test_a_line_has_the_fields_of_redis_72_in_order(world: World) -> None:
    assert " ".join(fields(world.session)) == (
        "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll "
        "omem tot-mem events cmd user redir resp lib-name lib-ver"
    )


def test_a_new_client_has_run_nothing(world: World) -> None:
    line = fields(world.connect())
    assert (line["cmd"], line["qbuf"], line["qbuf-free"], line["flags"], line["multi"]) == ("NULL", "0", "4", "N", "-1")


def test_age_and_idle_time_are_in_seconds(world: World) -> None:
    world.advance(5000)
    world.do("PING")
    world.advance(2500)
    line = fields(world.session)
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
def test_letters_tell_the_state(world: World, words: list[str], letters: str) -> None:
    world.do(*words)
    assert flags(world.session, world.engine.tracking.of(world.session)) == letters.encode()


def test_unsent_output_shows(world: World) -> None:
    world.session.memory.reply_buffer.set_unsent(16384 + 100)
    line = fields(world.session)
    assert (line["obl"], line["oll"], line["omem"], line["events"]) == ("16384", "1", "20504", "rw")


# Closing.


def give_a_shell(session: Session) -> None:
    session.on_output = session.output_ready


def test_a_released_session_is_freed_without_the_garbage_collector(world: World) -> None:
    session = world.connect()
    give_a_shell(session)
    references = sys.getrefcount(session)
    world.engine.release(session)
    assert session.on_output is None
    assert sys.getrefcount(session) < references


def test_disconnecting_twice_is_harmless(world: World) -> None:
    session = world.connect()
    world.engine.disconnect(session)
    world.engine.disconnect(session)
    world.engine.release(session)
    assert len(world.engine.sessions) == 1


def test_bytes_written_are_counted(world: World) -> None:
    world.do("PING")
    assert (world.engine.stats.net_output_bytes, world.engine.stats.writes_processed) == (7, 1)


def test_a_closing_session_keeps_no_input(world: World) -> None:
    world.session.holds |= HOLD_CLOSING
    world.session.receive(b"x" * 100_000)
    assert world.session.held_input() == 0
