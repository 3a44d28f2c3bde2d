from __future__ import annotations

import hashlib

import pytest

from pyredmem.acl import rules
from pyredmem.acl.call import UsedChannel
from pyredmem.acl.catalogue import READ, WRITE
from pyredmem.acl.denial import COMMAND, KEY
from pyredmem.acl.rules import RuleError
from pyredmem.acl.user import loses_channels
from tests.acl.users import call, user

HASH = hashlib.sha256(b"p").hexdigest()


def test_a_new_user_is_off_and_may_do_nothing() -> None:
    made = user()
    assert made.text() == b"u off sanitize-payload resetchannels -@all"
    assert not made.accepts(b"")
    assert not made.is_unrestricted()


@pytest.mark.parametrize(
    ("chosen", "flags"),
    [
        ("on", "on sanitize-payload"),
        ("on,nopass", "on nopass sanitize-payload"),
        ("on,nopass,resetpass", "on sanitize-payload"),
        ("nopass,>p", "off sanitize-payload"),
        ("ON,Skip-Sanitize-Payload", "on skip-sanitize-payload"),
        ("skip-sanitize-payload,sanitize-payload", "off sanitize-payload"),
        ("on,nopass,skip-sanitize-payload,reset", "off sanitize-payload"),
    ],
)
def test_flags(chosen: str, flags: str) -> None:
    assert b" ".join(user(chosen).flags()) == flags.encode()


# Passwords.


def test_any_of_several_passwords_is_accepted() -> None:
    made = user("on,>p,>q")
    assert made.accepts(b"p")
    assert made.accepts(b"q")
    assert not made.accepts(b"r")
    assert not made.accepts(b"")


def test_a_password_may_be_given_as_its_hash() -> None:
    made = user(f"on,#{HASH}")
    assert made.accepts(b"p")
    assert made.passwords == [HASH.encode()]


def test_a_password_is_removed_by_itself_or_by_its_hash() -> None:
    assert user("on,>p,<p").passwords == []
    assert user(f"on,>p,!{HASH}").passwords == []


def test_the_same_password_is_kept_once() -> None:
    assert user(f">p,>p,#{HASH}").passwords == [HASH.encode()]


def test_a_user_without_password_accepts_any() -> None:
    assert user("on,nopass").accepts(b"anything")


def test_a_disabled_user_accepts_none() -> None:
    assert not user("nopass").accepts(b"")
    assert not user("on,>p,off").accepts(b"p")


@pytest.mark.parametrize("mark", ["#", "!"])
@pytest.mark.parametrize("digits", ["", "abc", "A" * 64, "0" * 63, "0" * 65, "g" * 64])
def test_a_bad_hash_is_refused(mark: str, digits: str) -> None:
    with pytest.raises(RuleError) as caught:
        user(mark + digits)
    assert caught.value.reason == rules.BAD_HASH


def test_an_unknown_password_cannot_be_removed() -> None:
    with pytest.raises(RuleError) as caught:
        user(">p,<q")
    assert caught.value.reason == rules.NO_SUCH_PASSWORD


# Selectors.


def test_selectors_are_shown_after_the_rules_of_the_user() -> None:
    made = user("on,+get,( ~a  +set ),(),(%R~b +@all)")
    assert made.text() == (
        b"u on sanitize-payload resetchannels -@all +get (~a resetchannels -@all +set) (resetchannels -@all) "
        b"(%R~b resetchannels +@all)"
    )


def test_a_selector_takes_no_rule_about_the_user() -> None:
    for rule in ("(on)", "(>p)", "(reset)", "(nopass)", "((+get))"):
        with pytest.raises(RuleError) as caught:
            user(rule)
        assert caught.value.reason == rules.SYNTAX


def test_the_words_of_a_selector_may_be_quoted() -> None:
    assert user("(\"~a\" '+get')").selectors[1].text() == b"~a resetchannels -@all +get"


def test_a_selector_with_unbalanced_quotes_is_empty() -> None:
    assert user('(~a "+get)').selectors[1].text() == b"resetchannels -@all"


def test_selectors_can_be_cleared() -> None:
    assert user("(+get),+set,clearselectors").text().endswith(b" resetchannels -@all +set")
    assert len(user("(+get),reset").selectors) == 1


def test_new_selectors_and_reset_follow_the_default_for_channels() -> None:
    made = user("(+get)", all_channels=True)
    assert [selector.all_channels for selector in made.selectors] == [True, True]
    made.apply(b"resetchannels")
    made.apply(b"reset")
    assert made.selectors[0].all_channels


# What is permitted.


def test_one_selector_must_permit_the_whole_call() -> None:
    made = user("+get,~a,(+mget ~b)")
    assert made.denial(call(b"get", (b"a", READ))) is None
    assert made.denial(call(b"mget", (b"b", READ))) is None
    assert made.denial(call(b"get", (b"b", READ))) is not None
    assert made.denial(call(b"mget", (b"a", READ), (b"b", READ))) is not None


def test_a_denied_key_says_more_than_a_denied_command_and_a_later_key_more_than_an_earlier() -> None:
    made = user("+get,~x,(+mget ~a),(+mget ~a ~b)")
    found = made.denial(call(b"mget", (b"a", READ), (b"b", READ), (b"c", READ)))
    assert found is not None
    assert (found.cause, found.place) == (KEY, 3)
    found = made.denial(call(b"ping"))
    assert found is not None
    assert found.cause == COMMAND


def test_all_keys_must_be_permitted_by_a_selector_that_permits_the_call() -> None:
    sort = call(b"get", (b"a", READ))
    assert user("+get,%R~*").permits_with_all_keys(sort, READ)
    assert user("(+get ~*)").permits_with_all_keys(sort, READ)
    assert not user("+get,~a,(+set ~*)").permits_with_all_keys(sort, READ)
    assert not user("+get,%W~*,~a").permits_with_all_keys(sort, READ)
    assert user("+get,~*").permits_with_all_keys(sort, READ | WRITE)


@pytest.mark.parametrize("chosen", ["~*,&*,+@all", "(~* &* +@all)", "-@all,(~* &* +@all),(+get)"])
def test_a_user_with_one_selector_without_limits_is_unrestricted(chosen: str) -> None:
    assert user(chosen).is_unrestricted()


def test_a_draft_takes_all_rules_or_none() -> None:
    made = user("on,>p,+get,~a,(+set ~b)")
    text = made.text()
    draft = user()
    draft.take(made)
    draft.apply(b"+mget")
    draft.apply(b"off")
    draft.apply(b">q")
    assert made.text() == text
    assert draft.text() != text
    made.take(draft)
    assert made.text() == draft.text()


# Channels.


@pytest.mark.parametrize(
    ("old", "new", "loses"),
    [
        ("&*", "&*", False),
        ("&*", "&a", True),
        ("&a", "&a,&b", False),
        ("&a,&b", "&b", True),
        ("&a", "(&a)", False),
        ("&a,(&*)", "&a", True),
        ("", "", False),
        ("&a", "(&*)", False),
    ],
)
def test_rules_that_forbid_nothing_new_lose_no_channel(old: str, new: str, loses: bool) -> None:
    assert loses_channels(user(old), user(new)) is loses


def test_each_subscription_must_be_permitted_by_some_selector() -> None:
    made = user("&a,(&b*)")
    assert made.permits_channels([UsedChannel(0, b"a", False), UsedChannel(0, b"bc", False)])
    assert made.permits_channels([UsedChannel(0, b"b*", True)])
    assert not made.permits_channels([UsedChannel(0, b"a", False), UsedChannel(0, b"c", False)])
    assert not made.permits_channels([UsedChannel(0, b"bc*", True)])
