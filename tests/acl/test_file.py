from __future__ import annotations

import pytest

from pyredmem.acl.file import AclFileError, read_users, written_users
from pyredmem.acl.user import User
from tests.acl.users import catalogue

UNCHANGED = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"


def users(text: str, all_channels: bool = False) -> dict[bytes, User]:
    return read_users(text.encode(), b"u.acl", catalogue(), all_channels)


def report(text: str) -> str:
    with pytest.raises(AclFileError) as caught:
        users(text)
    return caught.value.report.decode()


def test_each_line_is_a_user() -> None:
    found = users("user a on +get ~x\n\n  user b off  (+set ~y)\t\r\n")
    assert [user.text() for user in found.values()] == [
        b"a on sanitize-payload ~x resetchannels -@all +get",
        b"b off sanitize-payload resetchannels -@all (~y resetchannels -@all +set)",
    ]


def test_quotes_mean_nothing() -> None:
    assert list(users('user "a" on')) == [b'"a"']


def test_new_users_follow_the_default_for_channels() -> None:
    assert users("user a on", all_channels=True)[b"a"].selectors[0].all_channels


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("foo", "u.acl:1 should start with user keyword followed by the username. "),
        ("\nuser", "u.acl:2 should start with user keyword followed by the username. "),
        ("# note", "u.acl:1 should start with user keyword followed by the username. "),
        ("user a\nuser a", "WARNING: Duplicate user 'a' found on line 2. "),
        ("user a\0b on", "u.acl:1: username 'a\0b' contains invalid characters. "),
        ("user a bad worse", "u.acl:1: Syntax error. "),
        (
            "user a +nosuch bad -other",
            "u.acl:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. "
            "u.acl:1: Syntax error. "
            "u.acl:1: Error in applying operation '-other': Unknown command or category name in ACL. ",
        ),
        ("user a (+get", "u.acl:1: Unmatched parenthesis in selector definition. "),
        ("user a bad\nuser b bad", "u.acl:1: Syntax error. u.acl:2: Syntax error. "),
    ],
)
def test_all_errors_are_reported(text: str, errors: str) -> None:
    assert report(text) == errors + UNCHANGED


def test_what_is_written_is_read_again() -> None:
    first = users("user a on >p ~x %R~y &z +@all -get (+set ~w)\nuser b nopass allkeys\n")
    text = written_users(list(first.values()))
    again = read_users(text, b"u.acl", catalogue(), False)
    assert written_users(list(again.values())) == text
