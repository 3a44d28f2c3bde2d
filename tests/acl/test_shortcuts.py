from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.acl.catalogue import READ, WRITE
from tests.acl.users import INDEXES, call, user


def permitted(rules: str, name: bytes, *arguments: bytes) -> bool:
    return user(rules).shortcuts().permit(INDEXES[name], [name, *arguments])


@pytest.mark.parametrize(
    ("rules", "name", "arguments", "expected"),
    [
        ("+ping", b"ping", (), True),
        ("+get", b"ping", (), False),
        ("", b"auth", (b"x",), True),
        ("+get,~a*", b"get", (b"a1",), True),
        ("+get,~a*", b"get", (b"b",), False),
        ("+get,~*", b"get", (b"b",), True),
        ("+get,%W~a", b"get", (b"a",), False),
        ("+get,%R~a", b"get", (b"a",), True),
        ("+set,%R~a", b"set", (b"a", b"1"), False),
        ("~b,(+get ~a)", b"get", (b"a",), True),
        ("+mget,~*", b"mget", (b"a", b"b"), True),
        ("+mget,~a,~b", b"mget", (b"a", b"b"), True),
        ("+mget,~a,~b", b"mget", (b"a", b"b", b"c"), False),
        ("+mget,~a,(+mget ~b)", b"mget", (b"a", b"b"), False),
        ("+mset,~a,~b", b"mset", (b"a", b"1", b"b", b"2"), True),
        ("+mset,~a", b"mset", (b"a", b"1", b"b", b"2"), False),
        ("+sort,~*", b"sort", (b"a",), True),
        ("+sort,~a", b"sort", (b"a",), False),
        ("+publish,&*", b"publish", (b"a",), True),
        ("+select|1", b"select", (b"1",), False),
        ("+publish,~*,&a", b"publish", (b"a",), False),
    ],
)
def test_what_a_shortcut_permits(rules: str, name: bytes, arguments: tuple[bytes, ...], expected: bool) -> None:
    assert permitted(rules, name, *arguments) is expected


def test_a_changed_rule_changes_the_shortcuts() -> None:
    made = user("+get,~a")
    assert made.shortcuts().permit(INDEXES[b"get"], [b"get", b"a"])
    made.apply(b"-get")
    assert not made.shortcuts().permit(INDEXES[b"get"], [b"get", b"a"])


FIRST = ["+get", "-get", "+@all", "-@all", "+set", "+@read", "~*", "~a*", "%R~b", "%W~b", "resetkeys"]
RULES = st.sampled_from([*FIRST, "(+get %R~c)", "(+@all ~d)"])


@given(st.lists(RULES, max_size=6), st.sampled_from([b"a1", b"b", b"c", b"d", b""]))
def test_a_shortcut_permits_nothing_that_the_rules_deny(chosen: list[str], key: bytes) -> None:
    made = user()
    for rule in chosen:
        if not (made.selectors[0].all_keys and rule[0] in "~%" and rule != "~*"):
            made.apply(rule.encode())
    for name, access in ((b"get", READ), (b"set", WRITE)):
        if made.shortcuts().permit(INDEXES[name], [name, key]):
            assert made.denial(call(name, (key, access))) is None


def test_many_selectors_are_left_to_the_rules() -> None:
    made = user(",".join(["(+set ~x)"] * 70 + ["(+get ~a)"]))
    assert not made.shortcuts().permit(INDEXES[b"get"], [b"get", b"a"])
    assert made.denial(call(b"get", (b"a", READ))) is None
