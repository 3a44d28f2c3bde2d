from __future__ import annotations

import hashlib

import pytest

from pyredmem.config.file import ConfigFileError
from pyredmem.config.settings import Settings
from pyredmem.server.startup import is_default_user_as_it_is, refuse_impossible

HASHED = "#" + hashlib.sha256(b"secret").hexdigest()
EVERYTHING = "sanitize-payload ~* &* +@all"


@pytest.mark.parametrize(
    ("line", "password"),
    [
        (f"default on nopass {EVERYTHING}", ""),
        (f"default on {HASHED} {EVERYTHING}", "secret"),
        (f"default on >secret {EVERYTHING}", "secret"),
    ],
)
def test_a_user_line_that_repeats_the_settings_is_followed(line: str, password: str) -> None:
    assert is_default_user_as_it_is(line.split(), password)


@pytest.mark.parametrize(
    ("line", "password"),
    [
        (f"default on nopass {EVERYTHING}", "secret"),
        (f"default on {HASHED} {EVERYTHING}", ""),
        (f"default off nopass {EVERYTHING}", ""),
        ("default on nopass ~cached:* &* +@all", ""),
        ("default on nopass ~* &* +@all -flushall", ""),
        (f"ann on nopass {EVERYTHING}", ""),
    ],
)
def test_a_user_line_that_asks_for_more_is_not(line: str, password: str) -> None:
    assert not is_default_user_as_it_is(line.split(), password)


def test_defragmentation_needs_an_allocator_that_gives_hints() -> None:
    with pytest.raises(ConfigFileError, match="modified Jemalloc"):
        refuse_impossible(Settings([("activedefrag", "yes"), ("mem-allocator", "libc")]))


def test_defragmentation_of_the_bundled_allocator_is_possible() -> None:
    settings = Settings([("activedefrag", "yes")])
    refuse_impossible(settings)  # raises if it is not
    assert settings.flag("activedefrag")
