"""Access control without the commands that change it: channels, subscriptions, scripts, and who is told of changes."""

from __future__ import annotations

import pytest

from pyredmem.acl.denial import CHANNEL
from pyredmem.acl.user import User
from pyredmem.assembly import command_groups, create_engine
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine import subscriptions
from pyredmem.engine.access_control import AccessControl
from pyredmem.engine.command import ChannelSpec, Command, Group, Registry
from pyredmem.engine.context import Context
from pyredmem.engine.engine import Engine
from pyredmem.engine.session import Session
from tests.support.world import World

posting = Group("pubsub")


@posting.command("post", arity=3, flags=0, since="1.0.0", complexity="O(1)", summary="Posts.", channels=ChannelSpec())
def post(context: Context, argv: list[bytes]) -> None:
    context.reply.ok()


@posting.command(
    "listen",
    arity=-2,
    flags=0,
    since="1.0.0",
    complexity="O(1)",
    summary="Listens.",
    channels=ChannelSpec(to_end=True, are_patterns=True),
)
def listen(context: Context, argv: list[bytes]) -> None:
    context.reply.ok()


@pytest.fixture
def engine() -> Engine:
    """An engine with two commands that have channels."""
    registry = Registry([*command_groups(), posting])
    return create_engine(Settings(), ManualClock(), Random(1), registry=registry)


def command(engine: Engine, name: bytes) -> Command:
    found = engine.commands.by_full_name(name)
    assert found is not None
    return found


def set_user(access: AccessControl, *rules: str) -> User:
    draft = access.new_user(b"u")
    for rule in rules:
        draft.apply(rule.encode())
    access.set_user(draft)
    made = access.user(b"u")
    assert made is not None
    return made


# Channels.


def test_the_channel_of_a_call_must_match_a_pattern(engine: Engine) -> None:
    user = set_user(engine.access, "+post", "&news.*")
    denial = engine.access.denial
    assert denial(user, command(engine, b"post"), [b"POST", b"news.a", b"x"]) is None
    found = denial(user, command(engine, b"post"), [b"POST", b"other", b"x"])
    assert found is not None
    assert found.cause == CHANNEL
    assert found.message(b"u", b"post") == b"No permissions to access a channel"
    assert found.full_message(b"u", b"post", [b"POST", b"other", b"x"]) == (
        b"User u has no permissions to access the 'other' channel"
    )


def test_patterns_of_channels_must_be_permitted_literally(engine: Engine) -> None:
    user = set_user(engine.access, "+listen", "&news.*", "&a")
    denial = engine.access.denial
    assert denial(user, command(engine, b"listen"), [b"LISTEN", b"news.*", b"a"]) is None
    found = denial(user, command(engine, b"listen"), [b"LISTEN", b"a", b"news.b"])
    assert found is not None
    assert found.place == 2


def test_a_user_with_all_channels_is_asked_for_none(engine: Engine) -> None:
    user = set_user(engine.access, "+post", "allchannels", "allkeys")
    assert engine.access.denial(user, command(engine, b"post"), [b"POST", b"any", b"x"]) is None


# Clients that lose a channel.


def subscribed_clients(world: World, *rules: str) -> list[Session]:
    """Three clients of a user, of whom the first is subscribed to a channel and the second to a pattern."""
    access = world.engine.access
    user = set_user(access, *rules)
    sessions = [world.client().session for _ in range(3)]
    for session in sessions:
        access.log_in(session, user)
    world.engine.pubsub.subscribe(sessions[0], subscriptions.CHANNEL, b"news.a")
    world.engine.pubsub.subscribe(sessions[1], subscriptions.PATTERN, b"news.*")
    return sessions


def losing(world: World, *rules: str) -> list[Session]:
    """The clients that lose something when the user has only these rules."""
    draft = world.engine.access.new_user(b"u")
    for rule in rules:
        draft.apply(rule.encode())
    return world.engine.access.set_user(draft)


def test_clients_lose_what_the_new_rules_forbid(world: World) -> None:
    sessions = subscribed_clients(world, "&*")
    assert losing(world, "&news.*") == []
    assert losing(world, "&news.a") == [sessions[1]]
    assert losing(world) == sessions[:2]  # the second one is still there, since nobody has disconnected it


def test_nobody_loses_anything_if_the_rules_permit_as_much_as_before(world: World) -> None:
    subscribed_clients(world, "&other")
    assert losing(world, "&other", "+get") == []
    assert losing(world, "(&other)") == []
    assert losing(world, "&*") == []


def test_a_client_of_another_user_loses_nothing(world: World) -> None:
    subscribed_clients(world, "&*")
    world.engine.pubsub.subscribe(world.session, subscriptions.CHANNEL, b"other")
    assert world.session not in losing(world)


def test_a_client_that_loses_a_channel_is_disconnected_by_setuser(world: World) -> None:
    sessions = subscribed_clients(world, "&*")
    world.do("ACL", "SETUSER", "u", "resetchannels", "&news.a")
    assert [session.is_connected for session in sessions] == [True, False, True]


# Scripts.


def test_a_call_of_a_script_is_logged_as_such(world: World) -> None:
    access = world.engine.access
    user = set_user(access, "+get", "~a")
    session = world.client().session
    access.log_in(session, user)
    get = command(world.engine, b"get")
    assert access.refusal_in_script(session, get, [b"GET", b"a"]) is None
    refused = access.refusal_in_script(session, get, [b"GET", b"b"])
    assert refused == b"ERR ACL failure in script: No permissions to access a key"
    assert [(entry.context, entry.what) for entry in access.log.entries] == [(b"lua", b"b")]


def test_nobody_in_particular_may_do_everything(world: World) -> None:
    get = command(world.engine, b"get")
    assert world.engine.access.denial(None, get, [b"GET", b"b"]) is None
