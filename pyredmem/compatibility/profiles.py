"""The part of ``docs/compatibility.md`` about profiles, which is written from their declarations."""

from __future__ import annotations

from typing import Final

from pyredmem.assembly import REGISTRY
from pyredmem.config.profiles import FACTS, MIXED, OPTIONS, PROFILES, REDIS_7_2, VALKEY_9_1, Profile

#: What newer versions of Redis have and this server does not have, whatever its profile.
MISSING_OF_REDIS: Final = (
    "Of Redis 8.2 vector sets are missing: `VADD` and its family are unknown commands, so `COMMAND COUNT` is lower by\n"
    "12, and `HELLO` and `INFO` list no module. So are `MODULE LOAD` and its like, and threads for I/O.\n"
    "\n"
    "Of what is new in Redis 8.4 these are missing: `CLAIM` of `XREADGROUP`, which is a syntax error, `CLUSTER\n"
    "MIGRATION`, new settings, new fields of `INFO`, and what its modules got."
)

#: What Valkey 9.1 has and this server does not have, and why; any other difference is a fault.
MISSING_OF_VALKEY: Final = (
    ("`MODULE LOAD` and its like", "modules cannot be loaded"),
    ("`CLUSTERSCAN` and the subcommands of `CLUSTER` that move slots", "there is no cluster mode: they are refused"),
    ("`GEOSEARCH BYPOLYGON`", "not written yet: a syntax error; other errors do not name it"),
    ("rules of `ACL SETUSER` about databases", "not written yet: a syntax error; `ACL GETUSER` shows what Redis shows"),
    ("the logs of large requests and replies of `COMMANDLOG`", "nobody measures sizes: they stay empty"),
    ("`import-mode`", "it only lets clients call themselves sources of an import: expired keys stay expired"),
    (
        "hashes with times of fields",
        "here they can be listpacks, there they are tables: the order differs",
    ),
    (
        "fields that have expired and are not deleted yet",
        "`HSET`, `HDEL`, `HEXPIRE` and `HGETEX PXAT` take them for fields that exist, as Redis does",
    ),
    ("times of fields after the year 4199", "they are refused, as in Redis"),
    ("`SCRIPT DEBUG` with the name of an engine, `CLUSTER REPLICATE NO ONE`", "there is no debugger, and no cluster"),
    ("`BGSAVE CANCEL`, `SHUTDOWN SAFE` and `FAILOVER`", "not written yet: a syntax error"),
    ("`multi` in `CLIENT LIST`", "-1 outside of a transaction, as in Redis; there it stays 0 after the first one"),
    ("pictures of `LOLWUT`", "they are others; that of version 9 is missing"),
    ("RDB files and `DUMP` of version 80", "files and payloads have the format of Redis 7.2, which Valkey reads"),
    ("`DEBUG HTSTATS`, and the order of `SCAN`", "they follow Redis's buckets; only sizes are those of Valkey's"),
)

_HEAD: Final = """\
## Profiles

The setting `redis-version` chooses the version whose replies the server gives. What each profile changes of the one
before it, and that of Valkey of `redis-7.2`:

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
        if profile is VALKEY_9_1:
            before = REDIS_7_2
        changes = [("reports", f"version {profile.version}")] if before is None else _changes(before, profile)
        rows += [_row(profile.name, what, text) for what, text in changes]
        before = profile
    rows.append(_row(MIXED.name, "has", "the replies of `redis-7.2`, with the commands and options of later versions"))
    missing = "".join([f"* {what}: {why}\n" for what, why in MISSING_OF_VALKEY])
    return f"{_HEAD}{''.join(rows)}\n{MISSING_OF_REDIS}\n\nOf Valkey 9.1 these are missing:\n\n{missing}\n"


def _row(name: str, what: str, text: str) -> str:
    return f"| `{name}` | {what} | {text.replace('|', chr(92) + '|')} |\n"


def _changes(before: Profile, after: Profile) -> list[tuple[str, str]]:
    """What a profile changes: a word for the kind of change, and the changes."""
    found = [
        ("reports", _version(after)),
        ("not judged", after.not_judged),
        ("new commands", _codes(_new_commands(before, after))),
        ("new options", _codes([_option(command, syntax) for command, syntax in _new_options(before, after)])),
        (
            "no longer deprecated",
            _codes(sorted([_call(name) for name in after.not_deprecated - before.not_deprecated])),
        ),
        ("new fields", _codes(sorted(after.fields - before.fields))),
        ("fields that are gone", _codes(sorted(before.fields - after.fields))),
        ("new settings", _codes(sorted(after.settings - before.settings))),
        ("settings that are gone", _codes(sorted(before.settings - after.settings))),
        ("settings that are hidden", _codes(sorted(after.hidden_settings - before.hidden_settings))),
        ("other defaults", _codes([f"{name} {value}" for name, value in after.setting_defaults])),
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
        _call(command.name)
        for command in REGISTRY.table.all()
        if after.since(command.name, command.spec.since) and not before.since(command.name, command.spec.since)
    ]


def _new_options(before: Profile, after: Profile) -> list[tuple[str, str]]:
    return [(one.command, one.syntax) for one in OPTIONS if after.has(one) and not before.has(one)]


def _option(command: str, syntax: str) -> str:
    return f"{_call(command)} {syntax.strip(' |')}"


def _call(command: str) -> str:
    return command.replace("|", " ").upper()


def _version(profile: Profile) -> str:
    as_redis = f", and {profile.redis_version} as that of Redis" if profile.redis_version else ""
    return f"version {profile.version}{as_redis}"


def _codes(words: list[str]) -> str:
    return ", ".join([f"`{word}`" for word in words])
