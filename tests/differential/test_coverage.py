"""The grammars are complete: they generate every command of every type, with every option that is documented."""

from __future__ import annotations

import contextlib
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.differential.grammar import Form, affordable
from tests.differential.grammar_newer import NEWER
from tests.differential.test_sequences import GROUPS
from tests.stress.calls import Argument, Calls
from tests.support.local import local_engine
from tests.support.specs import pairs, value

#: Groups of COMMAND DOCS all of whose commands must occur in the sequences.
COVERED = {"string", "bitmap", "list", "hash", "set", "sorted-set", "stream", "hyperloglog", "geo"}
OTHER_JUDGE = "another server judges it, see test_field_times.py"
#: Commands that no grammar has, and why.
ABSENT = {
    **dict.fromkeys(
        (
            *("HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT", "HPERSIST"),
            *("HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME", "HGETDEL", "HGETEX", "HSETEX"),
        ),
        OTHER_JUDGE,
    ),
    "PFSELFTEST": "replies with nothing that could differ",
    "XGROUP HELP": "has its own syntax",
    "XINFO HELP": "has its own syntax",
}
#: Options that no grammar has, and why.
ABSENT_OPTIONS: dict[tuple[str, str], str] = {}
DRAWS = 400


def _documented() -> dict[str, set[str]]:
    """The options of each command and subcommand, by its name."""
    client = local_engine(("redis-version", "8.2.3")).client()
    calls = Calls()
    calls.learn(client)
    groups = {
        name.upper(): str(pairs(described)["group"])
        for name, described in pairs(value(client.do("COMMAND", "DOCS"))).items()
    }
    return {
        name: {token for argument in arguments for token in _tokens(argument)}
        for name, arguments in calls.commands.items()
        if groups[name.split(" ")[0]] in COVERED
    }


def _tokens(argument: Argument) -> set[str]:
    own = {argument.token.decode().upper()} if argument.token and argument.token.isalnum() else set()
    return own.union(*map(_tokens, argument.parts))


def _forms() -> dict[str, list[Form]]:
    found = defaultdict(list)
    for forms in (*[forms for forms, _ in GROUPS.values()], *NEWER.values()):
        for one in forms:
            found[one.name].append(one)
    return found


class Found(Exception):  # noqa: N818 - ends the search
    """Every option has occurred."""


def _missing(forms: list[Form], tokens: set[str]) -> set[str]:
    """The options that do not occur among the arguments of many commands of these forms."""
    missing = set(tokens)

    @seed(1)
    @settings(
        max_examples=DRAWS,
        derandomize=False,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of([one.arguments for one in forms]))
    def collect(words: list[bytes]) -> None:
        missing.difference_update(word.decode("latin-1").upper() for word in words)
        if not missing:
            raise Found

    with contextlib.suppress(Found):
        collect()
    return missing


def test_every_command_of_every_type_is_generated() -> None:
    assert set(_documented()) - set(_forms()) == ABSENT.keys()


def test_every_option_of_every_command_is_generated() -> None:
    forms = _forms()
    missing = {
        (name, token)
        for name, tokens in _documented().items()
        if tokens and name in forms
        for token in _missing(forms[name], tokens)
    }
    assert missing == ABSENT_OPTIONS.keys()


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("SETRANGE a 400000000 v", "SETRANGE a 10000 v"),
        ("setbit a 4294967295 1", "setbit a 80000 1"),
        ("SETBIT a 4294967296 1", "SETBIT a 4294967296 1"),
        ("BITFIELD a SET u8 #99999999 1", "BITFIELD a SET u8 80000 1"),
        ("SRANDMEMBER a -2147483648", "SRANDMEMBER a -7"),
        ("HRANDFIELD a -4611686018427387904", "HRANDFIELD a -7"),
        ("HRANDFIELD a -4611686018427387904 withvalues", "HRANDFIELD a -4611686018427387904 withvalues"),
        ("ZRANDMEMBER a -9223372036854775808", "ZRANDMEMBER a -9223372036854775808"),
        ("LPOP a 9223372036854775807", "LPOP a 9223372036854775807"),
    ],
)
def test_no_command_makes_a_server_use_gigabytes(call: str, expected: str) -> None:
    assert affordable(call.encode().split(b" ")) == expected.encode().split(b" ")
