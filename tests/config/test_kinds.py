"""Values and their errors, most of them compared with a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyredmem.config.kinds import BadValueError, Choice, Integer, Memory, format_memory, parse_integer, parse_memory
from pyredmem.config.parameters import all_parameters
from pyredmem.config.profiles import REDIS_7_2
from pyredmem.config.settings import SettingError, Settings
from tests.config.real import Real, real_server

LONG = "9" * 5000  # more digits than Python converts

NUMBERS = ["0", "1", "-1", "01", "+1", " 1", "1 ", "", "x", "1.5", "10", "100", "101", "501", "1000", "65536"]
NUMBERS += [
    str(2**31 - 1),
    str(2**31),
    str(-(2**31) - 1),
    str(2**32),
    str(2**63 - 1),
    str(2**63),
    str(2**64),
    "-0",
    LONG,
]
SIZES = [
    *NUMBERS,
    "1b",
    "1k",
    "1KB",
    "1m",
    "2Mb",
    "1g",
    "1gB",
    "mb",
    "1bb",
    "1 kb",
    "-1kb",
    "99999999999gb",
    "1t",
    "9" * 127,
    "9" * 128,
]
SHARES = ["5%", "0%", "100%", "101%", "-5%", "%", "5 %", "1kb%", "05%"]
WORDS = ["", "yes", "YES", "no", "x", "yes ", "Notice", "allkeys-LRU", "hostname", "on-empty-db", "panic", "always"]
SAVES = ["", "1 1", "1", "1 2 3", "900 1 300 10", "0 1", "1 0", "1 -1", "01 2", "1  2", " 1 2", "x 1", "1 99999999999"]
LIMITS = ["", "normal 1 2 3", "Replica 1mb 2K 3 pubsub 0 0 0", "slave 1 2 3", "normal 1", "foo 1 2 3", "master 1 2 3"]
LIMITS += ["normal -1 2 3", "normal 1 2 -3", "normal 1 2 x", "normal x 2 1", "normal 1 2 3 normal 4 5 6"]
SAVES += [f"{LONG} 1", f"1 {LONG}", f"-{LONG} 1", f"{2**63} {2**63}", "0000000000000000000000000000001 1"]
LIMITS += [f"normal {LONG} 0 0", f"normal 0 0 {LONG}", f"normal 0 0 {2**32 + 5}", f"normal 0 0 {2**31}"]
SCORES = ["", "1 2", f"1 2 {LONG}", "1 2 3", "-0 02 +3", "1 2 a", "1 2 2001", "-2000 0 2000", "1  2 3"]
PERCENTILES = [
    "",
    "50",
    "1e1 5. 0x10 100.0",
    "0.123456789 50",
    "a",
    "101",
    "-1",
    "50  99",
    " 50",
    "100.1",
    ".5",
    "1e999",
]
PERCENTILES += ["0x" + "f" * 300, LONG]
EVENTS = ["", "KEA", "AKEg$mdnt", "g$lshzxetmdnKE", "g$lshzxetKE", "nmKEhg", "q", "tdexz", "nd", "K E", "AA", "m"]
SHUTDOWNS = ["", "default", "now force", "force default Save", "save nosave", "foo", "now now", "now  force"]
TEMPLATES = [
    "",
    " ",
    "x",
    "{title",
    "{x}",
    "{port} {title}{listen-addr}",
    "a}b",
    "{}",
    "{{title}}",
    "{title} {title}",
    "{title}",
    "{{",
    "a{{b{port}}",
    "{{port}",
]
HOSTS = ["", "a.b-c", "a_b", "é", "a" * 255, "a" * 256]

VALUES: dict[str, list[str]] = {
    "hz": NUMBERS,
    "timeout": NUMBERS,
    "cluster-announce-port": NUMBERS,
    "active-defrag-cycle-max": NUMBERS,
    "list-max-listpack-size": NUMBERS,
    "slowlog-log-slower-than": NUMBERS,
    "slowlog-max-len": NUMBERS,
    "hash-max-listpack-entries": NUMBERS,
    "tracking-table-max-keys": NUMBERS,
    "repl-backlog-ttl": NUMBERS,
    "rdb-key-save-delay": NUMBERS[:-1],
    "maxmemory": SIZES,
    "hash-max-listpack-value": SIZES,
    "proto-max-bulk-len": SIZES,
    "client-query-buffer-limit": SIZES,
    "auto-aof-rewrite-min-size": SIZES,
    "cluster-link-sendbuf-limit": SIZES,
    "active-defrag-ignore-bytes": SIZES,
    "maxmemory-clients": [*SIZES, *SHARES],
    "lazyfree-lazy-expire": WORDS,
    "maxmemory-policy": WORDS,
    "appendfsync": WORDS,
    "oom-score-adj": [*WORDS, "relative", "absolute", "no"],
    "cluster-preferred-endpoint-type": WORDS,
    "repl-diskless-load": WORDS,
    "propagation-error-behavior": WORDS,
    "acl-pubsub-default": WORDS,
    "sanitize-dump-payload": [*WORDS, "clients"],
    "save": SAVES,
    "client-output-buffer-limit": LIMITS,
    "oom-score-adj-values": SCORES,
    "latency-tracking-info-percentiles": PERCENTILES,
    "notify-keyspace-events": EVENTS,
    "shutdown-on-sigterm": SHUTDOWNS,
    "proc-title-template": TEMPLATES,
    "cluster-announce-hostname": HOSTS,
    "dbfilename": ["", "a", "a/b", "/a"],
    "bind": [" ".join(["127.0.0.1"] * 17)],
    "daemonize": ["yes"],
    "replicaof": ["a 1"],
    "nosuch": ["1"],
    "A'b": [""],
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with real_server(tmp_path_factory.mktemp("redis"), None, "--enable-protected-configs", "yes") as server:
        yield server


def like_the_installed_server(*more: tuple[str, str]) -> Settings:
    """Settings of the profile that is nearest to the installed Redis 7.0."""
    return Settings([("redis-version", REDIS_7_2.name), *more])


def our_set(settings: Settings, name: str, value: str) -> str:
    try:
        settings.set_many([(name, value)])
    except SettingError as refused:
        return "-" + refused.message.decode()
    return "+OK"


@pytest.mark.needs_redis
@pytest.mark.parametrize("name", VALUES)
def test_values_are_accepted_refused_and_shown_as_in_redis(name: str, real: Real) -> None:
    settings = like_the_installed_server(("enable-protected-configs", "yes"))
    ours: list[tuple[str, str, list[str]]] = []
    theirs: list[tuple[str, str, list[str]]] = []
    for value in VALUES[name]:
        reply = our_set(settings, name, value)
        ours.append((value, reply, [text for pair in settings.matching([name.encode()]) for text in pair]))
        theirs.append((value, real.do("CONFIG", "SET", name, value)[0], real.do("CONFIG", "GET", name)))
    assert ours == theirs


#: Settings that a real server acts upon at once, so that a test better leaves them alone.
ACTED_UPON = {"port", "bind", "dir", "unixsocket", "requirepass", "masterauth", "maxclients", "appendonly"}
#: Settings that come from another build of the installed server, a later version, or are raised to a least value there.
KNOWN = {
    "activedefrag": "the installed server is built with an allocator that cannot defragment",
    "loglevel": "7.2 added nothing",
    "repl-backlog-size": "raised to at least 16 kB by a server that has a backlog",
    "watchdog-period": "raised to at least 200 by a server that has a watchdog",
}
#: A few of every kind.
ANY_VALUES = [
    "yes",
    "NO",
    "0",
    "1",
    "-1",
    "x",
    "",
    "1mb",
    "50%",
    "2147483648",
    "1.5",
    " 1",
    "9223372036854775808",
    "a b",
]


def _shared_names(real: Real) -> list[str]:
    """The names and aliases, hidden ones too, of the settings that both have."""
    named = [name for parameter in all_parameters() for name in (parameter.name, parameter.alias) if name]
    return [name for name in named if real.do("CONFIG", "GET", name)]


@pytest.mark.needs_redis
def test_the_same_settings_may_be_changed_while_the_server_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each is set to the value it has."""
    refusals = ("can't set immutable config", "can't set protected config")
    settings = like_the_installed_server()
    ours: dict[str, str] = {}
    theirs: dict[str, str] = {}
    with real_server(tmp_path_factory.mktemp("redis")) as server:
        for name in _shared_names(server):
            value = server.do("CONFIG", "GET", name)[1]
            replies = (our_set(settings, name, value), server.do("CONFIG", "SET", name, value)[0])
            ours[name], theirs[name] = [
                next((refusal for refusal in refusals if refusal in reply), "changed") for reply in replies
            ]
    assert set(ours.values()) == {"changed", *refusals}
    assert ours == theirs


@pytest.mark.needs_redis
def test_every_setting_takes_and_refuses_the_same_values(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = like_the_installed_server()
    with real_server(tmp_path_factory.mktemp("redis")) as server:
        for name in _shared_names(server):
            if name in ACTED_UPON or name in KNOWN or name.startswith("tls-"):
                continue
            before = server.do("CONFIG", "GET", name)[1]
            for value in [*ANY_VALUES, before]:
                ours = (our_set(settings, name, value), settings.text(name))
                theirs = (server.do("CONFIG", "SET", name, value)[0], server.do("CONFIG", "GET", name)[1])
                assert ours == theirs, f"{name} {value!r}"


@pytest.mark.needs_redis
@pytest.mark.parametrize(
    "pairs",
    [
        ["maxmemory", "1", "MaxMemory", "2"],
        ["lua-time-limit", "1", "busy-reply-threshold", "2"],
        ["timeout", "5", "PORT", "abc"],
        ["timeout", "5", "DAEMONIZE", "yes"],
        ["timeout", "5", "nosuch", "yes", "hz", "x"],
        ["hz", "x", "timeout", "y"],
        ["hz", "x", "daemonize", "no"],
        ["slave-priority", "x"],
    ],
)
def test_several_settings_fail_with_the_same_message_as_in_redis(pairs: list[str], real: Real) -> None:
    try:
        like_the_installed_server().set_many(list(zip(pairs[::2], pairs[1::2], strict=True)))
        ours = "+OK"
    except SettingError as refused:
        ours = "-" + refused.message.decode()
    assert ours == real.do("CONFIG", "SET", *pairs)[0]


@pytest.mark.needs_redis
def test_names_and_defaults_are_the_same_as_in_redis(tmp_path_factory: pytest.TempPathFactory) -> None:
    with real_server(tmp_path_factory.mktemp("redis")) as server:
        words = server.do("CONFIG", "GET", "*")
    theirs = dict(zip(words[::2], words[1::2], strict=True))
    for name in ("port", "unixsocket", "dir"):
        del theirs[name]
    ours = dict(like_the_installed_server().matching([b"*"]))
    assert {name: ours.get(name) for name in theirs} == theirs


@pytest.mark.parametrize("parameter", all_parameters(), ids=lambda parameter: parameter.name)
def test_defaults_are_canonical(parameter: object) -> None:
    found = [each for each in all_parameters() if each == parameter or each.name == getattr(parameter, "name", "")]
    kind, default = found[0].kind, found[0].default
    words = default.split() if kind.many_words else [default]
    if found[0].name != "replicaof":
        assert kind.parse(words, default) == default


def test_names_and_aliases_are_unique() -> None:
    names = [name for parameter in all_parameters() for name in (parameter.name, parameter.alias) if name]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-1", -1), ("-0", None), ("", None), (str(2**63), None)])
def test_integers_are_canonical(text: str, value: int | None) -> None:
    assert parse_integer(text) == value


@pytest.mark.parametrize(("text", "value"), [("1k", 1000), ("1Kb", 1024), ("1g", 10**9), ("", 0), ("1x", None)])
def test_memory_has_decimal_and_binary_units(text: str, value: int | None) -> None:
    assert parse_memory(text) == value


@pytest.mark.parametrize(("size", "text"), [(0, "0"), (1024, "1kb"), (3 << 30, "3gb"), (1500, "1500")])
def test_memory_is_written_with_the_largest_unit_that_fits(size: int, text: str) -> None:
    assert format_memory(size) == text


def test_the_error_names_the_bounds() -> None:
    with pytest.raises(BadValueError, match="argument must be between 1 and 100 inclusive"):
        Integer(1, 100).parse(["101"], "")


def test_the_error_names_the_choices() -> None:
    with pytest.raises(BadValueError, match=r"argument\(s\) must be one of the following: a, b"):
        Choice("a", "b").parse(["c"], "")


def test_a_size_without_a_number_is_refused() -> None:
    with pytest.raises(BadValueError, match="argument must be a memory value"):
        Memory(0, 10).parse(["ten"], "")


def test_a_node_name_with_a_blank_is_refused() -> None:
    with pytest.raises(SettingError):
        Settings().set_many([("cluster-announce-human-nodename", "a b")])


def test_a_primary_is_a_host_and_a_port() -> None:
    settings = Settings([("replicaof", "example.org 6379")])
    assert settings.text("slaveof") == "example.org 6379"
    settings.start_with("replicaof", "NO ONE")
    assert settings.text("replicaof") == ""
