from __future__ import annotations

import pytest

from pyredmem.acl.rules import UnmatchedParenthesisError, has_spaces, merged_selectors


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ([], []),
        ([b"on", b"+get"], [b"on", b"+get"]),
        ([b"(+get ~a)", b"on"], [b"(+get ~a)", b"on"]),
        ([b"(+get", b"~a)", b"on"], [b"(+get ~a)", b"on"]),
        ([b"(", b"+get", b")"], [b"( +get )"]),
        ([b"()", b")"], [b"()", b")"]),
        ([b"(a", b"(b)", b"c)"], [b"(a (b)", b"c)"]),
    ],
)
def test_a_selector_that_blanks_have_split_is_put_together(arguments: list[bytes], rules: list[bytes]) -> None:
    assert merged_selectors(arguments) == rules


@pytest.mark.parametrize(("arguments", "place"), [([b"(on"], 0), ([b"on", b"(+get", b"~a"], 1), ([b"(a) b"], 0)])
def test_a_selector_without_end_is_refused(arguments: list[bytes], place: int) -> None:
    with pytest.raises(UnmatchedParenthesisError) as caught:
        merged_selectors(arguments)
    assert caught.value.place == place


def test_blanks_and_nul_count_as_spaces() -> None:
    assert all(has_spaces(b"a" + blank + b"b") for blank in (b" ", b"\t", b"\n", b"\v", b"\f", b"\r", b"\0"))
    assert not has_spaces(b"a\xa0b\x1f")
