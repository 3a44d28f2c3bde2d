"""The part of ``docs/compatibility.md`` about profiles, which is written from their declarations."""

from __future__ import annotations

from typing import Final

from pyredmem.assembly import REGISTRY
from pyredmem.base.redis_version import version_parts
from pyredmem.config.profiles import FACTS, FORMER_SETTINGS, MIXED, OPTIONS, PROFILES, Profile

#: What Redis 8.2 has and this server has not, whatever its profile.
MISSING_OF_8_2: Final = (
    "Of Redis 8.2 vector sets are missing: `VADD` and its family are unknown commands, so `COMMAND COUNT` is lower by\n"
    "12, and `HELLO` and `INFO` list no module. So are `MODULE LOAD` and its like, and threads for I/O."
)

_HEAD: Final = """\
## Profiles

The setting `redis-version` chooses the version whose replies the server gives. What each profile changes of the one
before it:

| Profile | What | Changes |
|---|---|---|
"""


def profiles_section() -> str:
    """The table of profiles."""
    rows: list[str] = []
    before: Profile | None = None
    for profile in PROFILES.values():
        if profile is MIXED:
            continue
        changes = [("reports", f"version {profile.version}")] if before is None else _changes(before, profile)
        rows += [_row(profile.name, what, text) for what, text in changes]
        before = profile
    rows.append(_row(MIXED.name, "has", "the replies of `redis-7.2`, with the commands and options of later versions"))
    return f"{_HEAD}{''.join(rows)}\n{MISSING_OF_8_2}\n\n"


def _row(name: str, what: str, text: str) -> str:
    return f"| `{name}` | {what} | {text.replace('|', chr(92) + '|')} |\n"


def _changes(before: Profile, after: Profile) -> list[tuple[str, str]]:
    """What a profile changes: a word for the kind of change, and the changes."""
    found = [
        ("reports", f"version {after.version}"),
        ("new commands", _codes(_new_commands(before, after))),
        ("new options", _codes([_option(command, syntax) for command, syntax in _new_options(before, after)])),
        ("new fields", _codes(sorted(after.fields - before.fields))),
        ("new settings", _codes(sorted(after.settings - before.settings))),
        ("settings that are gone", _codes(sorted((before.settings - after.settings) & FORMER_SETTINGS))),
        ("settings that are hidden", _codes(sorted(after.hidden_settings - before.hidden_settings))),
        ("refused out of memory", _codes(sorted(name.upper() for name in after.denyoom - before.denyoom))),
        ("not refused any more", _codes(sorted(name.upper() for name in before.denyoom - after.denyoom))),
    ]
    found += [_fact(name, after) for name in FACTS if getattr(before, name) != getattr(after, name)]
    return [(what, text) for what, text in found if text]


def _fact(name: str, after: Profile) -> tuple[str, str]:
    value = getattr(after, name)
    if value is True:
        return "replies", FACTS[name]
    return "replies", f"no longer: {FACTS[name]}" if value is False else f"{FACTS[name]}: {value}"


def _new_commands(before: Profile, after: Profile) -> list[str]:
    return [
        command.name.replace("|", " ").upper()
        for command in REGISTRY.table.all()
        if before.until < version_parts(command.spec.since) <= after.until
    ]


def _new_options(before: Profile, after: Profile) -> list[tuple[str, str]]:
    return [(one.command, one.syntax) for one in OPTIONS if after.has(one) and not before.has(one)]


def _option(command: str, syntax: str) -> str:
    return f"{command.replace('|', ' ').upper()} {syntax.strip(' |')}"


def _codes(words: list[str]) -> str:
    return ", ".join([f"`{word}`" for word in words])
