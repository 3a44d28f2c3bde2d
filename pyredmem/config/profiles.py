"""Profiles: what is different from one version of the server to the next, as data.

The setting ``redis-version`` chooses a profile at the start. A profile is declared as what it changes of the one before
it. Nobody else compares versions: code asks the profile for a named fact, or whether it has an option, a field of INFO
or a setting.

Commands say themselves since which version they exist. Options that an older command got later are declared here, so
that one declaration decides what is accepted and what COMMAND DOCS shows. Fields and settings are declared here too: a
field that is not among those of the profile is left out wherever it would be written.

Valkey is a branch of Redis, and its versions do not compare with those of Redis. So its profile has what Redis has up
to the version from which it began, and names what else it has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from pyredmem.base.redis_version import version_parts
from pyredmem.config import valkey
from pyredmem.config.kinds import INT_MAX, BadValueError, Integer, Kind, Text


@dataclass(frozen=True)
class Option:
    """An option that a command got after 7.2."""

    command: str
    syntax: str  # where it stands in the command's syntax
    since: str = ""  # the version of Redis that got it; empty if none has it
    otherwise: str = ""  # what stands there without it


HSCAN_NOVALUES: Final = Option("hscan", " [NOVALUES]", "7.4.0")
CLIENT_KILL_MAXAGE: Final = Option("client|kill", " | [MAXAGE maxage:integer]", "7.4.0")
BITOP_DIFFERENCES: Final = Option("bitop", " | DIFF | DIFF1 | ANDOR | ONE", "8.2.0")
XADD_REFERENCES: Final = Option("xadd", " [KEEPREF | DELREF | ACKED]", "8.2.0")
XTRIM_REFERENCES: Final = Option("xtrim", " [KEEPREF | DELREF | ACKED]", "8.2.0")
#: The comparisons of SET and DELEX in Redis 8.4, as their syntax has them.
COMPARISON_SYNTAX: Final = "IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest:integer | IFDNE ifdne-digest:integer"
SET_COMPARISONS: Final = Option("set", f" | {COMPARISON_SYNTAX}", "8.4.0")
SET_IFEQ: Final = Option("set", " | IFEQ comparison-value")
CLIENT_KILL_FILTERS: Final = Option("client|kill", f" | {valkey.CLIENT_FILTERS}")
CLIENT_LIST_FILTERS: Final = Option("client|list", f" {valkey.CLIENT_LIST_FILTERS}")
BITCOUNT_START: Final = Option("bitcount", "start [end [BYTE | BIT]]", otherwise="start end [BYTE | BIT]")
HSETEX_KEY: Final = Option("hsetex", " [NX | XX]")
ZSCAN_NOSCORES: Final = Option("zscan", " [NOSCORES]")
OPTIONS_OF_VALKEY: Final = (
    *(SET_IFEQ, CLIENT_KILL_FILTERS, CLIENT_LIST_FILTERS, BITCOUNT_START, HSETEX_KEY, ZSCAN_NOSCORES),
)
OPTIONS: Final = (
    *(HSCAN_NOVALUES, CLIENT_KILL_MAXAGE, BITOP_DIFFERENCES, XADD_REFERENCES, XTRIM_REFERENCES),
    SET_COMPARISONS,
    *OPTIONS_OF_VALKEY,
)

#: Fields of INFO, MEMORY STATS and the lines about clients that this server has had since before there were profiles.
_EARLY_FIELDS: Final = frozenset(
    (
        *("pubsub_clients", "watching_clients", "total_watched_keys", "expired_subkeys", "subexpiry", "watch"),
        *("client_query_buffer_limit_disconnections", "client_output_buffer_limit_disconnections"),
    )
)
#: Fields of every Redis that Valkey has under other names, or not at all.
_FIELDS_OF_REDIS: Final = frozenset(("redis_mode", "atomicvar_api", "io-thread"))
_FIELDS_OF_7_4: Final = (
    _FIELDS_OF_REDIS
    | _EARLY_FIELDS
    | frozenset(
        (
            *("allocator_muzzy", "mem_overhead_db_hashtable_rehashing", "evicted_scripts"),
            *("allocator.muzzy", "overhead.db.hashtable.lut", "overhead.db.hashtable.rehashing"),
            "db.dict.rehashing.count",
        )
    )
)
_FIELDS_OF_8_2: Final = _FIELDS_OF_7_4 | frozenset(
    (
        *("used_memory_peak_time", "mem_replica_full_sync_buffer", "replica.fullsync.buffer", "script.VMs"),
        *("io_threaded_total_prefetch_batches", "io_threaded_total_prefetch_entries"),
        *("io-thread", "tot-net-in", "tot-net-out", "tot-cmds"),
    )
)
#: Sections of INFO.
_SECTIONS_OF_8_2: Final = frozenset(("Keysizes", "Threads"))
#: The fields and sections that only some profiles have.
LATER_FIELDS: Final = _FIELDS_OF_8_2 | _SECTIONS_OF_8_2 | valkey.FIELDS

_SETTINGS_OF_8_2: Final = frozenset(
    (
        *("cluster-compatibility-sample-ratio", "cluster-slot-stats-enabled", "replica-full-sync-buffer-limit"),
        "vset-force-single-threaded-execution",
    )
)
#: Settings that only some profiles have. A file may set those of any version, so that it need not be changed.
LATER_SETTINGS: Final = _SETTINGS_OF_8_2 | valkey.SETTINGS
_SETTINGS_OF_REDIS: Final = frozenset(("dynamic-hz", "sanitize-dump-payload"))
FORMER_SETTINGS: Final = _SETTINGS_OF_REDIS | {"io-threads-do-reads"}

_FIELD_EXPIRY: Final = frozenset(("hexpire", "hpexpire", "hexpireat", "hpexpireat"))


@dataclass(frozen=True)
class Profile:
    """One version of the server. The defaults of the facts are those of Redis 7.2."""

    name: str
    version: str  # what INFO and HELLO report
    until: tuple[int, int, int]  # it has the commands and options of Redis up to this version
    layout: str = "separate blocks"  # which blocks keys and strings have, see keyspace/block_layout.py
    server: str = "redis"  # what HELLO calls it
    redis_version: str = ""  # the version of Redis that INFO reports, if it is not Redis
    not_judged: str = ""  # if it has not been compared with such a server: where the facts are from

    commands: tuple[tuple[str, str], ...] = ()  # commands that it has also, and its version that got each
    not_deprecated: frozenset[str] = frozenset()  # commands that are deprecated in Redis but not here
    options: tuple[Option, ...] = ()  # options that it has also
    flags: tuple[tuple[str, str], ...] = ()  # flags that its commands have also: name of the command, of the flag
    log_flag: str = "skip_slowlog"  # what it calls the flag of commands that are never in the slow log
    setting_defaults: tuple[tuple[str, str], ...] = ()  # settings with another default
    fields: frozenset[str] = _FIELDS_OF_REDIS  # of LATER_FIELDS
    settings: frozenset[str] = FORMER_SETTINGS  # of LATER_SETTINGS and FORMER_SETTINGS
    hidden_settings: frozenset[str] = frozenset()  # settings that CONFIG GET shows only to those who know their names
    denyoom: frozenset[str] = frozenset()  # commands that are refused out of memory, but not in the newest version

    # FACTS says what these mean.
    rdb_version: int = 11
    most_samples: int = INT_MAX
    most_evaluated_scripts: int = 0
    has_slot_tables: bool = True
    tells_of_empty_tables: bool = True
    has_strict_cursors: bool = False
    has_strict_bit_ranges: bool = False
    has_strict_lrem_count: bool = False
    has_strict_getex: bool = False
    has_strict_types: bool = False
    has_last_entry: bool = False
    names_last_entry: bool = False
    has_strict_bounds: bool = False
    has_short_coordinates: bool = False
    digests_short_scores: bool = False
    has_exact_lag: bool = False
    limits_entries_read: bool = False
    has_hexadecimal_scores: bool = True
    names_refused_command: bool = False
    names_missing_member: bool = False
    advises_eval: bool = True
    names_redis_in_scripts: bool = True
    has_lua_module: bool = False
    has_redis_msetex: bool = False
    has_read_only_clients: bool = False
    counts_offsets_from_end: bool = False
    converts_for_named_members: bool = False
    has_valkey_field_arguments: bool = False
    notifies_of_fields_as_expired: bool = False

    def has_since(self, version: str) -> bool:
        """Whether the server has what Redis has since a version."""
        return version_parts(version) <= self.until

    def has(self, option: Option) -> bool:
        """Whether the server has an option."""
        return option in self.options or (option.since != "" and self.has_since(option.since))

    def since(self, command: str, since: str) -> str:
        """The version of the server that got a command, ``since`` in Redis; empty if the server has it not."""
        own = dict(self.commands).get(command)
        if own is not None:
            return own
        return since if self.has_since(since) and command not in valkey.OWN_COMMANDS else ""

    def defaults_by_name(self) -> dict[str, str]:
        """The defaults of settings that are others than those of Redis."""
        return dict(self.setting_defaults)

    @property
    def title(self) -> str:
        """The name of the server, as people write it."""
        return self.server.title()

    @property
    def known_as(self) -> str:
        """The version of Redis that the server gives itself."""
        return self.redis_version or self.version

    def has_field(self, name: str) -> bool:
        """Whether the server has a field of INFO, of MEMORY STATS or of the lines about clients, or a section."""
        return name in self.fields or name not in LATER_FIELDS

    def has_setting(self, name: str) -> bool:
        """Whether the server has a setting."""
        return name in self.settings or (name not in LATER_SETTINGS and name not in FORMER_SETTINGS)

    def kind(self, name: str, kind: Kind) -> Kind:
        """The kind of a setting, which usually has ``kind``."""
        return Integer(1, self.most_samples) if name == "maxmemory-samples" else kind

    def syntax(self, command: str, syntax: str) -> str:
        """The syntax of a command without the options that the server does not have."""
        for option in OPTIONS:
            if option.command == command and not self.has(option):
                syntax = syntax.replace(option.syntax, option.otherwise)
        return syntax


#: What the facts of a profile mean, by their names.
FACTS: Final = {
    "rdb_version": "the version of RDB files and of the payloads of DUMP; if there are field times, at least 12",
    "most_samples": "the largest value of `maxmemory-samples`",
    "most_evaluated_scripts": "how many scripts that EVAL brought are cached",
    "has_slot_tables": "MEMORY STATS tells how large the tables of hash slots are",
    "tells_of_empty_tables": "DEBUG HTSTATS says of an empty table that there are no statistics",
    "has_strict_cursors": "a cursor of SCAN and its like must be an unsigned number: -1 and an empty one are refused",
    "has_strict_bit_ranges": "BITCOUNT and BITPOS check their arguments even if the key is missing",
    "has_strict_lrem_count": "LREM refuses the least 64-bit number as a count",
    "has_strict_types": "SCAN refuses a TYPE that no value has",
    "has_strict_getex": "GETEX checks an expire time even if the key is missing or holds another type",
    "has_last_entry": "XREAD takes `+` for the last entry",
    "names_last_entry": "the error for streams without ids names `+` too",
    "has_strict_bounds": "bounds of scores, and what SORT compares, are decimal numbers without spaces",
    "has_short_coordinates": "GEOPOS and WITHCOORD write as few digits as identify the number",
    "digests_short_scores": "DEBUG DIGEST takes scores with as few digits as identify them",
    "has_exact_lag": "the lag of a consumer group counts what is left where entries were trimmed or deleted",
    "has_hexadecimal_scores": "scores, weights and what SORT compares may be hexadecimal numbers",
    "names_refused_command": "the error for a command that may not be sent in MULTI has its name",
    "names_missing_member": "the error for a member that GEORADIUSBYMEMBER does not find has its name",
    "names_redis_in_scripts": "errors of scripts name Redis and the script; there is no table `server`",
    "has_read_only_clients": "READONLY and READWRITE are accepted without a cluster",
    "counts_offsets_from_end": "ZRANGEBYSCORE and its like count a negative offset from the end, in a skiplist",
    "converts_for_named_members": "ZADD converts a listpack before it adds anything if one of its members is long",
    "has_valkey_field_arguments": "HEXPIRE and its like check their arguments before the key, with errors of their own",
    "notifies_of_fields_as_expired": "fields that are deleted at once since their time has passed raise `hexpired`",
    "has_lua_module": "what runs scripts is listed as a module",
    "advises_eval": "the error for a missing script says that EVAL should be used",
    "has_redis_msetex": "errors of MSETEX about the number of keys are those of Redis; it notifies of `expire` first",
    "limits_entries_read": "ENTRIESREAD counts for at most the entries that were ever added",
}


REDIS_7_2: Final = Profile("redis-7.2", "7.2.6", (7, 2, 255))
REDIS_7_4: Final = replace(
    REDIS_7_2,
    name="redis-7.4",
    version="7.4.7",
    until=(7, 4, 255),
    fields=_FIELDS_OF_7_4,
    has_slot_tables=False,
    tells_of_empty_tables=False,
    most_samples=64,
    most_evaluated_scripts=500,
    rdb_version=12,
    denyoom=_FIELD_EXPIRY,
    has_strict_cursors=True,
    has_strict_bit_ranges=True,
    has_strict_lrem_count=True,
    has_last_entry=True,
    names_last_entry=True,
    has_exact_lag=True,
    not_judged="it follows Redis's documentation, and a server of 8.2; it was not compared with one of 7.4",
)
REDIS_8_2: Final = replace(
    REDIS_7_4,
    name="redis-8.2",
    not_judged="",
    layout="one block",
    version="8.2.3",
    until=(8, 2, 255),
    fields=_FIELDS_OF_8_2 | _SECTIONS_OF_8_2,
    settings=_SETTINGS_OF_8_2 | _SETTINGS_OF_REDIS,
    hidden_settings=frozenset(("aof-disable-auto-gc",)),
    denyoom=frozenset(),
    has_strict_bounds=True,
    has_short_coordinates=True,
    digests_short_scores=True,
    limits_entries_read=True,
)
REDIS_8_4: Final = replace(
    REDIS_8_2,
    name="redis-8.4",
    version="8.4.2",
    until=(8, 4, 255),
    not_judged="it follows Redis's documentation and public tests; it was not compared with a server",
    has_redis_msetex=True,
)
#: The memory and the replies of Redis 7.2, with the commands and options of later versions.
MIXED: Final = replace(
    REDIS_7_2, name="mixed", version="7.4.7", until=(8, 2, 255), fields=_FIELDS_OF_REDIS | _EARLY_FIELDS
)
VALKEY_9_1: Final = replace(
    REDIS_7_2,
    name="valkey-9.1",
    layout="blocks of valkey",
    version="9.1.2",
    server="valkey",
    redis_version=valkey.REDIS_VERSION,
    commands=tuple(valkey.COMMANDS.items()),
    not_deprecated=valkey.NOT_DEPRECATED,
    options=(HSCAN_NOVALUES, CLIENT_KILL_MAXAGE, *OPTIONS_OF_VALKEY),
    fields=valkey.FIELDS,
    settings=valkey.SETTINGS,
    hidden_settings=frozenset(("aof-disable-auto-gc",)),
    setting_defaults=valkey.SETTING_DEFAULTS,
    flags=valkey.FLAGS,
    log_flag="skip_commandlog",
    has_slot_tables=False,
    has_strict_cursors=True,
    has_strict_bit_ranges=True,
    has_strict_lrem_count=True,
    has_strict_getex=True,
    has_strict_types=True,
    has_last_entry=True,
    has_strict_bounds=True,
    digests_short_scores=True,
    has_hexadecimal_scores=False,
    names_refused_command=True,
    names_missing_member=True,
    advises_eval=False,
    names_redis_in_scripts=False,
    has_lua_module=True,
    has_read_only_clients=True,
    counts_offsets_from_end=True,
    converts_for_named_members=True,
    has_valkey_field_arguments=True,
    notifies_of_fields_as_expired=True,
)

#: What the server is like unless a setting says otherwise.
DEFAULT: Final = REDIS_8_2

#: The profiles by name, oldest first.
PROFILES: Final = {profile.name: profile for profile in (REDIS_7_2, REDIS_7_4, REDIS_8_2, REDIS_8_4, VALKEY_9_1, MIXED)}
#: The settings whose default depends on the profile.
PROFILE_DEFAULTS: Final = tuple([name for name, _ in valkey.SETTING_DEFAULTS])


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
        if profile not in (MIXED, VALKEY_9_1) and version_parts(profile.version)[:2] <= version_parts(choice)[:2]:
            found = profile
    return replace(found, version=choice)
