"""Profiles: what is different from one version of the server to the next, as data.

The setting ``redis-version`` chooses a profile at the start. A profile is declared as what it changes of the one before
it. Nobody else compares versions: code asks the profile for a named fact, or whether it has an option.

Commands say themselves since which version they exist. Options that an older command got later are declared here, so
that one declaration decides what is accepted and what COMMAND DOCS shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from pyredmem.base.redis_version import version_parts
from pyredmem.config.kinds import BadValueError, Text


@dataclass(frozen=True)
class Option:
    """An option that a command got after 7.2."""

    command: str
    syntax: str  # where it stands in the command's syntax
    since: str


HSCAN_NOVALUES: Final = Option("hscan", " [NOVALUES]", "7.4.0")
CLIENT_KILL_MAXAGE: Final = Option("client|kill", " | [MAXAGE maxage:integer]", "7.4.0")
OPTIONS: Final = (HSCAN_NOVALUES, CLIENT_KILL_MAXAGE)


@dataclass(frozen=True)
class Profile:
    """One version of the server. The defaults of the facts are those of Redis 7.2."""

    name: str
    version: str  # what INFO and HELLO report
    until: tuple[int, int, int]  # it has the commands and options of Redis up to this version

    def has_since(self, version: str) -> bool:
        """Whether the server has what Redis has since a version."""
        return version_parts(version) <= self.until

    def has(self, option: Option) -> bool:
        """Whether the server has an option."""
        return self.has_since(option.since)

    def syntax(self, command: str, syntax: str) -> str:
        """The syntax of a command without the options that the server has not."""
        for option in OPTIONS:
            if option.command == command and not self.has(option):
                syntax = syntax.replace(option.syntax, "")
        return syntax


REDIS_7_2: Final = Profile("redis-7.2", "7.2.6", (7, 2, 255))
REDIS_7_4: Final = replace(REDIS_7_2, name="redis-7.4", version="7.4.7", until=(7, 4, 255))
#: The memory and the replies of Redis 7.2, with the commands and options of later versions.
MIXED: Final = replace(REDIS_7_2, name="mixed", version="7.4.7", until=(8, 2, 255))

#: The profiles by name, oldest first.
PROFILES: Final = {profile.name: profile for profile in (REDIS_7_2, REDIS_7_4, MIXED)}


_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)*.*")


class ProfileChoice(Text):
    """The name of a profile, or the number of a version."""

    title = "profile"

    def describe(self) -> str:
        return f"{', '.join(PROFILES)}, or a version such as 7.2.4"

    def check(self, text: str) -> None:
        if text not in PROFILES and _NUMBER.fullmatch(text) is None:
            raise BadValueError(f"argument must be one of the following: {self.describe()}")


def profile_of(choice: str) -> Profile:
    """The profile that a value of ``redis-version`` chooses.

    A number chooses the newest profile of Redis that is not newer, and one before 7.2 that of 7.2.
    """
    named = PROFILES.get(choice)
    if named is not None:
        return named
    found = REDIS_7_2
    for profile in PROFILES.values():
        if profile is not MIXED and version_parts(profile.version)[:2] <= version_parts(choice)[:2]:
            found = profile
    return replace(found, version=choice)
