"""The group ACL, AUTH with several users, and what a client of a restricted user may do."""

from __future__ import annotations

import hashlib

import pytest

from pyredmem.config.profiles import PROFILES
from pyredmem.engine import figures
from pyredmem.engine.gates import GATE_ACL
from tests.support.hosted import Hosted
from tests.support.replies import (
    NEEDS_AUTHENTICATION,
    NO_REPLY,
    OK,
    PONG,
    Double,
    Error,
    Map,
    Reply,
    Set,
    Simple,
    wrong_arity,
)
from tests.support.world import Client, World

HASH = hashlib.sha256(b"p").hexdigest().encode()
NO_KEY = Error(b"NOPERM No permissions to access a key")
WRONG = Error(b"WRONGPASS invalid username-password pair or user is disabled.")


def forbidden(command: str, user: str = "u") -> Error:
    return Error(f"NOPERM User {user} has no permissions to run the '{command}' command".encode())


def client_of(world: World, *rules: str, name: str = "u") -> Client:
    """A client of a user with these rules, who needs no password."""
    assert world.do("ACL", "SETUSER", name, "on", "nopass", *rules) == OK
    client = world.client()
    assert client.do("AUTH", name, "any") == OK
    return client


# SETUSER, GETUSER, LIST, USERS, DELUSER.


def test_a_user_is_described_as_a_map(world: World) -> None:
    world.set_protocol(3)
    world.do("ACL", "SETUSER", "u", "on", ">p", "~a", "%R~b", "&c", "+get", "(+set ~d)")
    assert world.do("ACL", "GETUSER", "u") == Map(
        {
            b"flags": Set([b"on", b"sanitize-payload"]),
            b"passwords": [HASH],
            b"commands": b"-@all +get",
            b"keys": b"~a %R~b",
            b"channels": b"&c",
            b"selectors": [Map({b"commands": b"-@all +set", b"keys": b"~d", b"channels": b""})],
        }
    )


def test_an_unknown_user_is_null(world: World) -> None:
    assert world.do("ACL", "GETUSER", "nobody") is None


def test_users_are_listed_in_the_order_of_their_names(world: World) -> None:
    for name in ("b", "a", "c", ""):
        world.do("ACL", "SETUSER", name)
    assert world.do("ACL", "USERS") == [b"", b"a", b"b", b"c", b"default"]
    assert world.do("ACL", "LIST")[-1] == b"user default on nopass sanitize-payload ~* &* +@all"


def test_a_refused_rule_changes_nothing(world: World) -> None:
    world.do("ACL", "SETUSER", "u", "on", "+get")
    before = world.do("ACL", "LIST")
    assert world.do("ACL", "SETUSER", "u", "off", "+set", "bad", "+mget") == Error(
        b"ERR Error in ACL SETUSER modifier 'bad': Syntax error"
    )
    assert world.do("ACL", "SETUSER", "v", "on", "bad") == Error(
        b"ERR Error in ACL SETUSER modifier 'bad': Syntax error"
    )
    assert world.do("ACL", "LIST") == before


def test_a_selector_without_end_is_refused(world: World) -> None:
    assert world.do("ACL", "SETUSER", "u", "on", "(+get", "~a") == Error(
        b"ERR Unmatched parenthesis in acl selector starting at '(+get'."
    )


def test_a_name_with_blanks_is_refused(world: World) -> None:
    for name in ("a b", "a\0b", "a\n"):
        assert world.do("ACL", "SETUSER", name) == Error(b"ERR Usernames can't contain spaces or null characters")


def test_the_clients_of_a_deleted_user_are_disconnected(world: World) -> None:
    client, other = client_of(world, "+@all", "~*"), client_of(world, "+@all", name="v")
    assert world.do("ACL", "DELUSER", "u", "nobody") == 1
    assert client.session.is_closing()
    assert not client.session.is_connected
    assert other.do("PING") == PONG


def test_a_client_that_deletes_its_own_user_gets_the_reply_first(world: World) -> None:
    client = client_of(world, "+@all", "~*")
    assert client.do("ACL", "DELUSER", "u") == 1
    assert client.session.is_closing()


def test_the_default_user_cannot_be_deleted_and_then_nobody_is(world: World) -> None:
    world.do("ACL", "SETUSER", "u")
    assert world.do("ACL", "DELUSER", "u", "default") == Error(b"ERR The 'default' user cannot be removed")
    assert world.do("ACL", "USERS") == [b"default", b"u"]


def test_rules_may_name_commands_that_this_server_lacks(world: World) -> None:
    assert world.do("ACL", "SETUSER", "u", "+@all", "-bgsave", "+cluster|addslots", "-psync") == OK
    assert world.do("ACL", "GETUSER", "u")[5] == b"+@all -bgsave +cluster|addslots -psync"


def test_rules_may_not_name_commands_of_later_versions() -> None:
    unknown = Error(b"ERR Error in ACL SETUSER modifier '+vadd': Unknown command or category name in ACL")
    for profile in PROFILES.values():
        reply = World(redis_version=profile.name).do("ACL", "SETUSER", "u", "+vadd")
        assert reply == (OK if profile.until >= (8, 0, 0) else unknown), profile.name


# CAT, GENPASS, WHOAMI, DRYRUN.


def test_categories_and_their_commands(world: World) -> None:
    assert b"keyspace" in world.do("ACL", "CAT")
    assert {b"get", b"object|encoding"} <= set(world.do("ACL", "CAT", "READ"))
    assert world.do("ACL", "CAT", "nosuch") == Error(b"ERR Unknown category 'nosuch'")


@pytest.mark.parametrize(("bits", "digits"), [((), 64), (("1",), 1), (("4",), 1), (("5",), 2), (("4096",), 1024)])
def test_a_password_has_the_asked_for_length(world: World, bits: tuple[str, ...], digits: int) -> None:
    made = world.do("ACL", "GENPASS", *bits)
    assert len(made) == digits
    assert set(made) <= set(b"0123456789abcdef")
    assert digits < 64 or world.do("ACL", "GENPASS", *bits) != made


def test_a_server_takes_passwords_from_the_operating_system() -> None:
    world = Hosted()
    world.host.entropy = b"\xab\xcd"
    assert world.do("ACL", "GENPASS", "16") == b"abcd"


@pytest.mark.parametrize("bits", ["0", "-1", "4097"])
def test_a_password_cannot_have_any_length(world: World, bits: str) -> None:
    assert world.do("ACL", "GENPASS", bits) == Error(
        b"ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
    )


def test_whoami_names_the_user(world: World) -> None:
    assert world.do("ACL", "WHOAMI") == b"default"
    assert client_of(world, "+acl|whoami").do("ACL", "WHOAMI") == b"u"


@pytest.mark.parametrize(
    ("call", "reply"),
    [
        (["get", "a"], OK),
        (["GET", "b"], b"User u has no permissions to access the 'b' key"),
        (["set", "a", "1"], b"User u has no permissions to run the 'set' command"),
        (["config", "get", "a"], b"User u has no permissions to run the 'config|get' command"),
        (["get"], wrong_arity("get")),
        (["nosuch"], Error(b"ERR Command 'nosuch' not found")),
        (["config", "nosuch"], Error(b"ERR Command 'config' not found")),
    ],
)
def test_a_dry_run_says_what_would_happen(world: World, call: list[str], reply: Reply) -> None:
    world.do("ACL", "SETUSER", "u", "+get", "~a")
    assert world.do("ACL", "DRYRUN", "u", *call) == reply
    assert world.do("ACL", "LOG") == []


def test_a_dry_run_of_nobody_is_an_error(world: World) -> None:
    assert world.do("ACL", "DRYRUN", "nobody", "get", "a") == Error(b"ERR User 'nobody' not found")


# What a restricted client may do.


def test_commands_and_keys_are_checked(world: World) -> None:
    client = client_of(world, "+get", "+mget", "~a*")
    assert client.do("GET", "a1") is None
    assert client.do("GET", "b") == NO_KEY
    assert client.do("MGET", "a1", "b") == NO_KEY
    assert client.do("SET", "a1", "1") == forbidden("set")
    assert client.do("CONFIG", "GET", "port") == forbidden("config|get")


def test_what_a_command_does_with_a_key_depends_on_its_options(world: World) -> None:
    client = client_of(world, "+set", "%W~a")
    assert client.do("SET", "a", "1") == OK
    assert client.do("SET", "a", "1", "GET") == NO_KEY


def test_a_client_without_rights_can_authenticate_and_leave(world: World) -> None:
    client = client_of(world)
    assert client.do("PING") == forbidden("ping")
    assert client.do("AUTH", "u", "x") == OK
    assert client.do("RESET") == Simple(b"RESET")
    assert client.do("PING") == PONG


def test_rules_take_effect_at_once(world: World) -> None:
    client = client_of(world, "+@all", "~*")
    assert client.do("SET", "k", "v") == OK
    world.do("ACL", "SETUSER", "u", "-set")
    assert client.do("SET", "k", "v") == forbidden("set")
    world.do("ACL", "SETUSER", "u", "+set", "resetkeys")
    assert client.do("SET", "k", "v") == NO_KEY


def test_only_a_client_of_a_restricted_user_has_a_gate(world: World) -> None:
    client = client_of(world, "+@all", "~*", "&*")
    assert client.session.gates == 0
    world.do("ACL", "SETUSER", "u", "-debug")
    assert client.session.gates == GATE_ACL
    world.do("ACL", "SETUSER", "u", "+@all")
    assert client.session.gates == 0
    world.do("ACL", "SETUSER", "u", "-debug")
    client.do("RESET")
    assert client.session.gates == 0


def test_a_permitted_call_is_counted_like_any_other(world: World) -> None:
    client = client_of(world, "+get", "~a")
    client.do("GET", "a")
    client.do("GET", "a")
    client.do("GET", "b")
    counters = world.counters("get")
    assert (counters.calls(), counters.rejected) == (2, 1)


def test_a_permitted_call_out_of_memory_is_refused() -> None:
    world = World(maxmemory="1")
    client = client_of(world, "+set", "+get", "~*")
    assert client.do("SET", "k", "v") == Error(b"OOM command not allowed when used memory > 'maxmemory'.")
    assert client.do("GET", "k") is None


def test_multi_refuses_a_command_when_it_is_queued(world: World) -> None:
    client = client_of(world, "+@all", "-del", "~k")
    client.do("MULTI")
    assert client.do("DEL", "k") == forbidden("del")
    assert client.do("EXEC") == Error(b"EXECABORT Transaction discarded because of previous errors.")


def test_exec_checks_the_queued_commands_again(world: World) -> None:
    client = client_of(world, "+@all", "~k")
    client.pipeline(["MULTI"], ["SET", "k", "1"], ["GET", "k"], ["DEL", "k"])
    world.do("ACL", "SETUSER", "u", "-get")
    replies = client.do("EXEC")
    assert replies[0] == OK
    assert replies[1] == Error(
        b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command "
        b"is no longer allowed for the following reason: no permission to execute the command or subcommand"
    )
    assert replies[2] == 1
    assert world.engine.stats.errors[b"NOPERM"] == 1


def test_exec_itself_may_be_forbidden(world: World) -> None:
    client = client_of(world, "+@all", "-exec", "~*")
    client.pipeline(["MULTI"], ["SET", "k", "1"])
    assert client.do("EXEC") == Error(
        b"EXECABORT Transaction discarded because of: NOPERM User u has no permissions to run the 'exec' command"
    )
    assert client.do("GET", "k") is None


def test_a_blocked_client_is_checked_again_when_it_could_be_served(world: World) -> None:
    client = client_of(world, "+@all", "~*")
    assert client.do("BLPOP", "k", "0") == NO_REPLY
    world.do("ACL", "SETUSER", "u", "-blpop")
    world.do("RPUSH", "k", "v")
    assert client.replies() == [forbidden("blpop")]
    assert world.do("LLEN", "k") == 1
    assert world.counters("blpop").rejected == 1


def test_sort_reads_other_keys_only_with_all_keys(world: World) -> None:
    client = client_of(world, "+@all", "~l", "%R~w*")
    world.do("RPUSH", "l", "2", "1")
    assert client.do("SORT", "l") == [b"1", b"2"]
    assert client.do("SORT", "l", "BY", "nosort") == [b"2", b"1"]
    assert client.do("SORT", "l", "BY", "w*") == Error(
        b"ERR BY option of SORT denied due to insufficient ACL permissions."
    )
    assert client.do("SORT", "l", "GET", "#") == Error(
        b"ERR GET option of SORT denied due to insufficient ACL permissions."
    )
    world.do("ACL", "SETUSER", "u", "%R~*")
    assert client.do("SORT", "l", "BY", "w*", "GET", "#") == [b"1", b"2"]


def test_sort_is_checked_inside_a_transaction_too(world: World) -> None:
    client = client_of(world, "+@all", "~l")
    client.pipeline(["MULTI"], ["SORT", "l", "GET", "w*"])
    assert client.do("EXEC") == [Error(b"ERR GET option of SORT denied due to insufficient ACL permissions.")]


# AUTH and the default user.


def test_a_user_authenticates_with_any_of_its_passwords(world: World) -> None:
    world.do("ACL", "SETUSER", "u", "on", ">p", ">q", "+ping")
    client = world.client()
    assert client.do("AUTH", "u", "x") == WRONG
    assert client.do("AUTH", "u", "p") == OK
    assert client.do("AUTH", "u", "q") == OK
    world.do("ACL", "SETUSER", "u", "off")
    assert client.do("AUTH", "u", "p") == WRONG
    assert client.do("PING") == PONG


def test_requirepass_is_the_password_of_the_default_user(world: World) -> None:
    world.do("CONFIG", "SET", "requirepass", "p")
    assert world.do("ACL", "LIST") == [b"user default on sanitize-payload #" + HASH + b" ~* &* +@all"]
    world.do("CONFIG", "SET", "requirepass", "")
    assert world.do("ACL", "LIST") == [b"user default on nopass sanitize-payload ~* &* +@all"]


def test_a_disabled_default_user_lets_only_connected_clients_stay(world: World) -> None:
    world.do("ACL", "SETUSER", "default", "off")
    assert world.do("PING") == PONG
    assert is_locked_out(world.client())
    world.do("ACL", "SETUSER", "default", "on")
    assert world.client().do("PING") == PONG


def is_locked_out(client: Client) -> bool:
    reply: Reply = client.do("PING")
    return bool(reply == NEEDS_AUTHENTICATION)


def test_clients_are_listed_with_their_users_and_killed_by_them(world: World) -> None:
    client = client_of(world, "+ping")
    assert b" user=u " in world.do("CLIENT", "LIST")
    assert world.do("CLIENT", "KILL", "USER", "nobody") == Error(b"ERR No such user 'nobody'")
    assert world.do("CLIENT", "KILL", "USER", "u") == 1
    assert not client.session.is_connected


# LOG.


def log_of(world: World) -> list[tuple[object, ...]]:
    names = [b"count", b"reason", b"context", b"object", b"username"]
    entries = world.do("ACL", "LOG")
    return [tuple(dict(zip(entry[::2], entry[1::2], strict=True))[name] for name in names) for entry in entries]


def test_denials_are_logged_and_counted(world: World) -> None:
    client = client_of(world, "+get", "+multi", "+exec", "~a")
    client.do("GET", "b")
    client.do("GET", "b")
    client.do("SET", "a", "1")
    client.do("AUTH", "nobody", "x")
    client.do("MULTI")
    client.do("GET", "c")
    assert log_of(world) == [
        (1, b"key", b"multi", b"c", b"u"),
        (1, b"auth", b"toplevel", b"AUTH", b"nobody"),
        (1, b"command", b"toplevel", b"set", b"u"),
        (2, b"key", b"toplevel", b"b", b"u"),
    ]
    value = world.engine.figures.value
    assert (value(figures.DENIED_KEYS), value(figures.DENIED_COMMANDS), value(figures.DENIED_AUTH)) == (3, 1, 1)


def test_an_entry_tells_its_age_and_its_times(world: World) -> None:
    world.set_protocol(3)
    began_ms = world.now_ms
    world.do("AUTH", "nobody", "x")
    world.advance(1500)
    world.do("AUTH", "nobody", "x")
    world.advance(250)
    [entry] = world.do("ACL", "LOG")
    assert entry[b"age-seconds"] == Double(b"0.25")
    assert entry[b"timestamp-created"] == began_ms
    assert entry[b"timestamp-last-updated"] == began_ms + 1500
    assert entry[b"entry-id"] == 0
    assert b" cmd=auth user=default " in entry[b"client-info"]


def test_the_log_is_emptied_by_reset(world: World) -> None:
    world.do("AUTH", "nobody", "x")
    assert world.do("ACL", "LOG", "Reset") == OK
    assert world.do("ACL", "LOG") == []


def test_the_log_has_at_most_so_many_entries(world: World) -> None:
    world.do("CONFIG", "SET", "acllog-max-len", "2")
    for name in ("a", "b", "c"):
        world.do("AUTH", name, "x")
    assert [entry[4] for entry in log_of(world)] == [b"c", b"b"]
    world.do("CONFIG", "SET", "acllog-max-len", "0")
    world.do("AUTH", "d", "x")
    assert log_of(world) == []
    assert world.engine.figures.value(figures.DENIED_AUTH) == 4


def test_the_counts_of_denials_outlive_a_reset_of_the_statistics(world: World) -> None:
    world.do("AUTH", "nobody", "x")
    world.do("CONFIG", "RESETSTAT")
    assert world.engine.figures.value(figures.DENIED_AUTH) == 1


# The ledger.


def test_users_are_in_the_ledger_and_leave_it(world: World) -> None:
    world.do("ACL", "LIST")  # the first call of a command allocates its histogram
    world.do("ACL", "SETUSER", "u")
    world.do("ACL", "DELUSER", "u")
    before = world.used_memory
    world.do("ACL", "SETUSER", "u", ">p", "~a", "%R~b", "&c", "+get", "(+set ~d)")
    grown = world.used_memory
    assert grown - before > 900
    world.do("ACL", "SETUSER", "u", "+select|1")
    assert world.used_memory - grown > 8192
    world.check()
    world.do("ACL", "DELUSER", "u")
    assert world.used_memory == before


def test_the_default_user_takes_nothing_until_it_changes(world: World) -> None:
    world.do("ACL", "SETUSER", "default", "nopass")
    before = world.used_memory
    world.do("ACL", "SETUSER", "default", ">p")
    assert world.used_memory > before
    world.do("ACL", "SETUSER", "default", "nopass")
    assert world.used_memory == before
