from __future__ import annotations

import pytest

from pyredmem.acl import rules
from pyredmem.acl.call import UsedChannel
from pyredmem.acl.catalogue import READ, WRITE
from pyredmem.acl.denial import CHANNEL, COMMAND, KEY
from pyredmem.acl.rules import RuleError
from pyredmem.acl.selector import Selector
from tests.acl.users import INDEXES, call, catalogue, selector

BOTH = READ | WRITE


def refused(chosen: Selector, rule: bytes) -> bytes:
    with pytest.raises(RuleError) as caught:
        chosen.apply(rule)
    return caught.value.reason


def denied(chosen: Selector, *arguments: tuple[bytes, int], name: bytes = b"mget") -> tuple[int, int] | None:
    found = chosen.denial(call(name, *arguments))
    return None if found is None else (found.cause, found.place)


# Commands.


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        ("", "-@all"),
        ("+@all", "+@all"),
        ("-@all +get +SET", "-@all +get +set"),
        ("+@read -get +get", "-@all +@read +get"),
        ("+@all -@read -@READ +@read", "+@all +@read"),
        ("+config|get +config|set +config", "-@all +config"),
        ("+config -config|get", "-@all +config -config|get"),
        ("+config|get -config", "-@all -config"),
        ("+select|1 +select|2 +select|1", "-@all +select|2 +select|1"),
        ("+select|ABC", "-@all +select|abc"),
        ("+select|1 -select", "-@all -select"),
        ("+get +@all", "+@all"),
        ("+@all -get allcommands nocommands", "-@all"),
        ("-bgsave", "-@all -bgsave"),
    ],
)
def test_the_rules_about_commands_are_kept_in_order_without_those_that_are_void(chosen: str, text: str) -> None:
    assert selector(chosen).commands_text() == text.encode()


@pytest.mark.parametrize(
    ("chosen", "permitted"),
    [
        ("", ""),
        ("+@all", "get set mget mset sort ping select auth config config|get config|set publish"),
        ("+@read", "get mget"),
        ("+@string -get", "set mget mset"),
        ("+@all -@slow", "get mget ping select auth publish"),
        ("+@slow", "set mset sort config config|get config|set"),
        ("+config -config|set", "config config|get"),
        ("+config|get", "config|get"),
        ("+@all -config", "get set mget mset sort ping select auth publish"),
    ],
)
def test_rules_permit_commands(chosen: str, permitted: str) -> None:
    tried = selector(chosen)
    found = {name for name, index in INDEXES.items() if tried.permits_command(index)}
    assert found == set(permitted.encode().split())


def test_a_first_argument_permits_only_calls_with_it() -> None:
    chosen = selector("+select|1 +select|ABC")
    assert chosen.denial(call(b"select", first=b"1")) is None
    assert chosen.denial(call(b"select", first=b"abc")) is None
    for other in (b"2", None):
        found = chosen.denial(call(b"select", first=other))
        assert found is not None
        assert found.cause == COMMAND


def test_a_later_rule_about_the_command_ends_a_permission_by_first_argument() -> None:
    chosen = selector("+select|1 -@connection")
    assert chosen.denial(call(b"select", first=b"1")) is not None


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (b"+nosuch", rules.UNKNOWN_NAME),
        (b"-nosuch", rules.UNKNOWN_NAME),
        (b"+", rules.UNKNOWN_NAME),
        (b"+@nosuch", rules.UNKNOWN_NAME),
        (b"+config|nosuch", rules.UNKNOWN_NAME),
        (b"-select|1", rules.UNKNOWN_NAME),
        (b"+select|1|2", rules.UNKNOWN_NAME),
        (b"+config|get|x", rules.FIRST_ARGUMENT_OF_SUBCOMMAND),
        (b"+select|", rules.SYNTAX),
        (b"on", rules.SYNTAX),
        (b"", rules.SYNTAX),
    ],
)
def test_a_bad_rule_about_commands_is_refused(rule: bytes, reason: bytes) -> None:
    assert refused(selector(), rule) == reason


def test_a_command_that_leads_to_authentication_is_always_permitted() -> None:
    assert selector("").denial(call(b"auth")) is None


# Keys.


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        ("", ""),
        ("~a ~b*", "~a ~b*"),
        ("%R~a %W~b %RW~c %wr~d", "%R~a %W~b ~c ~d"),
        ("%R~a %W~a", "~a"),
        ("%R~* %W~*", "~*"),
        ("~a ~*", "~*"),
        ("~* resetkeys ~a", "~a"),
        ("%RW~* ~a", "~* ~a"),
    ],
)
def test_patterns_of_keys_are_shown_as_rules(chosen: str, text: str) -> None:
    assert selector(chosen).keys_text() == text.encode()


def test_every_key_must_match_a_pattern() -> None:
    chosen = selector("+mget ~a* ~b")
    assert denied(chosen, (b"a1", READ), (b"b", READ)) is None
    assert denied(chosen, (b"a1", READ), (b"b1", READ), (b"c", READ)) == (KEY, 2)


def test_a_pattern_permits_the_access_that_it_names() -> None:
    chosen = selector("+mget %R~r* %W~w* ~b*")
    assert denied(chosen, (b"r", READ), (b"w", WRITE), (b"b", BOTH)) is None
    assert denied(chosen, (b"r", WRITE)) == (KEY, 1)
    assert denied(chosen, (b"w", READ)) == (KEY, 1)
    assert denied(chosen, (b"r", BOTH)) == (KEY, 1)


def test_a_key_that_is_neither_read_nor_written_needs_any_pattern() -> None:
    chosen = selector("+mget %R~r* %W~w*")
    assert denied(chosen, (b"r", 0), (b"w", 0)) is None
    assert denied(chosen, (b"x", 0)) == (KEY, 1)


@pytest.mark.parametrize(
    ("chosen", "access", "permitted"),
    [("~*", BOTH, True), ("%R~*", READ, True), ("%R~*", WRITE, False), ("~a ~b", READ, False), ("%RW~*", BOTH, True)],
)
def test_all_keys_are_permitted_by_a_star(chosen: str, access: int, permitted: bool) -> None:
    assert selector(chosen).permits_all_keys(access) is permitted


@pytest.mark.parametrize("rule", [b"%", b"%~a", b"%X~a", b"%RR~a", b"%RWR~a", b"~a b", b"%R~a\tb", b"~\0"])
def test_a_bad_pattern_of_keys_is_refused(rule: bytes) -> None:
    assert refused(selector(), rule) == rules.SYNTAX


def test_a_pattern_after_all_keys_is_refused() -> None:
    assert refused(selector("~*"), b"~a") == rules.AFTER_ALL_KEYS
    assert refused(selector("allkeys"), b"%X") == rules.AFTER_ALL_KEYS


# Channels.


def test_channels_must_match_a_pattern() -> None:
    chosen = selector("+publish &news.*")
    assert chosen.denial(call(b"publish", channels=(b"news.a",))) is None
    found = chosen.denial(call(b"publish", channels=(b"news.a", b"other")))
    assert found is not None
    assert (found.cause, found.place) == (CHANNEL, 2)


def test_a_pattern_of_channels_must_be_permitted_literally() -> None:
    chosen = selector("+publish &news.*")
    assert chosen.permits_channel(UsedChannel(1, b"news.*", True))
    assert not chosen.permits_channel(UsedChannel(1, b"news.a*", True))
    assert selector("&*").permits_channel(UsedChannel(1, b"x*", True))


def test_channels_are_shown_as_rules() -> None:
    assert selector("&a &b* &a").channels_text() == b"&a &b*"
    assert selector("&a &*").channels_text() == b"&*"
    assert selector("&* resetchannels").channels_text() == b""


def test_a_bad_pattern_of_channels_is_refused() -> None:
    assert refused(selector(), b"&a b") == rules.SYNTAX
    assert refused(selector("&*"), b"&a") == rules.AFTER_ALL_CHANNELS


# All of it.


@pytest.mark.parametrize("chosen", ["", "+@all -get +set ~a %R~b &c", "~* &* +@all", "+get|x +config|get ~a"])
def test_the_text_gives_the_same_selector_again(chosen: str) -> None:
    first = selector(chosen)
    again = selector(first.text().decode())
    assert again.text() == first.text()


def test_only_a_selector_without_any_limit_permits_everything() -> None:
    assert selector("~* &* +@all").permits_everything()
    for limited in ("~* &* +@all -get", "~* +@all", "&* +@all", "~* &* +get"):
        assert not selector(limited).permits_everything()


def test_a_copy_is_independent() -> None:
    first = selector("+get ~a &b +select|1")
    text = first.text()
    copy = first.copy()
    for rule in (b"+set", b"%R~c", b"%W~a", b"&d", b"+select|2", b"-get"):
        copy.apply(rule)
    assert first.text() == text
    assert first.denial(call(b"select", first=b"2")) is not None


def test_a_new_selector_gets_all_channels_if_it_is_told_to() -> None:
    assert Selector(catalogue(), True).channels_text() == b"&*"
