"""From syntax lines to argument trees."""

from __future__ import annotations

import pytest

from pyredmem.engine.syntax import Argument, arguments, plain
from tests.support.world import World


def show(tree: list[Argument]) -> str:
    return ", ".join(_show(argument) for argument in tree)


def _show(argument: Argument) -> str:
    text = argument.name if argument.takes_value() else ""
    text += f":{argument.kind}"
    text += f"={argument.token}" if argument.token else ""
    text += "?" if argument.optional else ""
    text += "*" if argument.multiple else ""
    text += "*" if argument.multiple_token else ""
    text += f"#{argument.key_spec_index}" if argument.key_spec_index >= 0 else ""
    return text + (f"({show(argument.arguments)})" if argument.arguments else "")


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        ("", ""),
        ("key", "key:key#0"),
        ("key [key ...]", "key:key*#0"),
        ("[section [section ...]]", "section:string?*"),
        ("key value [key value ...]", ":block*(key:key#0, value:string)"),
        ("key [NX | XX]", "key:key#0, :oneof?(:pure-token=NX, :pure-token=XX)"),
        ("key [GET]", "key:key#0, :pure-token=GET?"),
        ("<LEFT | RIGHT>", ":oneof(:pure-token=LEFT, :pure-token=RIGHT)"),
        ("[EX seconds | KEEPTTL]", ":oneof?(seconds:integer=EX, :pure-token=KEEPTTL)"),
        ("[MATCH pattern]", "pattern:pattern=MATCH?"),
        ("[LIMIT offset count]", ":block=LIMIT?(offset:integer, count:integer)"),
        ("[AGGREGATE <SUM | MIN>]", ":oneof=AGGREGATE?(:pure-token=SUM, :pure-token=MIN)"),
        ("[WEIGHTS weight [weight ...]]", "weight:double=WEIGHTS?*"),
        ("[PREFIX prefix [PREFIX prefix ...]]", "prefix:string=PREFIX?**"),
        ("[GET encoding offset [GET encoding offset ...]]", ":block=GET?**(encoding:string, offset:integer)"),
        ("STREAMS key [key ...] id [id ...]", ":block=STREAMS(key:key*#0, id:string*)"),
        ("<host port | NO ONE>", ":oneof(:block(host:string, port:integer), :block(:pure-token=NO, :pure-token=ONE))"),
        ("GROUP group consumer [COUNT count]", ":block=GROUP(group:string, consumer:string), count:integer=COUNT?"),
        ("[A one | B two [A one | B two ...]]", ":oneof?*(one:string=A, two:string=B)"),
        ("<A one | B two> [A one | B two ...]", ":oneof*(one:string=A, two:string=B)"),
        ("start [end [BYTE | BIT]]", "start:integer, :block?(end:integer, :oneof?(:pure-token=BYTE, :pure-token=BIT))"),
        ("[<MAXLEN | MINID> [= | ~] threshold]", ":block?(:oneof(:pure-token=MAXLEN, :pure-token=MINID), "
         ":oneof?(:pure-token==, :pure-token=~), threshold:string)"),
        ("key increment:double", "key:key#0, increment:double"),
        ("ip:port", "ip:port:string"),
        ("[BY by-pattern:pattern#1]", "by-pattern:pattern=BY?#1"),
    ],
)  # fmt: skip
def test_a_line_becomes_a_tree(syntax: str, expected: str) -> None:
    assert show(arguments(syntax, 1)) == expected


def test_keys_are_numbered_like_the_key_specifications() -> None:
    assert show(arguments("destkey key [key ...]", 2)) == "destkey:key#0, key:key*#1"
    assert show(arguments("key1 key2", 1)) == "key1:key#0, key2:key#0"
    assert show(arguments("key#0 [STORE destination#2]", 3)) == "key:key#0, destination:key=STORE?#2"


def test_an_unbalanced_line_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        arguments("key ]", 1)


def test_the_line_shown_to_people_leaves_out_the_types() -> None:
    assert plain("key increment:double [ADDR ip:port]") == "key increment [ADDR ip:port]"
    assert plain("key#0 [BY by-pattern:pattern#1]") == "key [BY by-pattern]"


def test_every_command_has_a_syntax_line_that_can_be_parsed(world: World) -> None:
    for command in world.engine.commands.all():
        tree = arguments(command.spec.syntax, len(command.spec.keys))
        assert "..." not in show(tree), command.name
        assert bool(tree) == bool(command.spec.syntax)
