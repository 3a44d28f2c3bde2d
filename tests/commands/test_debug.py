"""DEBUG: which clients may use it, and what its subcommands show and switch."""

from __future__ import annotations

import pytest

from pyredmem.base.limits import NEVER
from tests.support.hosted import Hosted
from tests.support.replies import NO_SUCH_KEY, NOT_POSITIVE, OK, Error, Simple
from tests.support.servers import Server
from tests.support.world import World

NOT_ALLOWED = Error(
    b'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a '
    b"local connection, otherwise you need to set this option in the configuration file, and then restart the server."
)


def usage(word: bytes) -> Error:
    """The refusal of an unknown word, or of a word with the wrong number of arguments."""
    return Error(b"ERR unknown subcommand or wrong number of arguments for '" + word + b"'. Try DEBUG HELP.")


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


# Which clients may use it.


def test_debug_is_off_by_default(world: World) -> None:
    assert world.do("DEBUG", "SLEEP", "0") == NOT_ALLOWED


def test_enable_debug_command_local_admits_connections_from_the_same_machine() -> None:
    hosted = Hosted(enable_debug_command="local")
    assert hosted.do("DEBUG", "SLEEP", "0") == OK


def test_enable_debug_command_local_refuses_other_connections() -> None:
    hosted = Hosted(enable_debug_command="local", protected_mode="no")
    assert hosted.client(address="192.0.2.1:5000").do("DEBUG", "SLEEP", "0") == NOT_ALLOWED


@pytest.mark.parametrize(
    "words",
    [
        *(
            ["nonsense"],
            ["object"],
            ["object", "a", "b"],
            ["sleep"],
            ["sleep", "1", "2"],
            ["digest", "x"],
        ),
        *(["htstats"], ["protocol"], ["error"], ["log"], ["set-active-expire"], ["populate"], ["structsize", "x"]),
        *(["replybuffer"], ["replybuffer", "resizing"], ["replybuffer", "nonsense", "1"], ["change-repl-id", "x"]),
        *(["quicklist", "l", "0", "1"], ["populate", "1", "a", "2", "3"], ["stringmatch-len", "5", "a*"]),
    ],
)
def test_unknown_words_and_wrong_numbers_of_arguments_are_one_error(hosted: Hosted, words: list[str]) -> None:
    assert hosted.do("DEBUG", *words) == usage(words[0].encode())


# Objects.


def test_object_describes_how_a_value_is_stored(hosted: Hosted) -> None:
    hosted.do("SET", "k", "hello")
    hosted.tick(10_000)
    reply = hosted.do("DEBUG", "OBJECT", "k")
    assert isinstance(reply, Simple)
    assert reply.text.startswith(b"Value at:0x")
    assert reply.text.endswith(b" refcount:1 encoding:embstr serializedlength:6 lru:5501184 lru_seconds_idle:10")


@pytest.mark.parametrize(
    ("value", "length"),
    [("5", 2), ("-129", 3), ("40000", 5), ("3000000000", 11), ("x" * 63, 64), ("x" * 64, 66), ("x" * 16384, 16389)],
)
def test_object_shows_the_length_that_the_value_has_in_a_snapshot(hosted: Hosted, value: str, length: int) -> None:
    """Without `rdbcompression`; with it the length would be that of the compressed value."""
    hosted.do("CONFIG", "SET", "rdbcompression", "no")
    hosted.do("SET", "k", value)
    reply = hosted.do("DEBUG", "OBJECT", "k")
    assert isinstance(reply, Simple)
    assert b" serializedlength:%d " % length in reply.text


def test_object_describes_the_nodes_of_a_list(hosted: Hosted) -> None:
    hosted.do("CONFIG", "SET", "list-max-listpack-size", "2")
    hosted.do("CONFIG", "SET", "list-compress-depth", "1")
    hosted.do("RPUSH", "l", "a", "b", "c")
    reply = hosted.do("DEBUG", "OBJECT", "l")
    assert isinstance(reply, Simple)
    assert reply.text.endswith(
        b" ql_nodes:2 ql_avg_node:1.50 ql_listpack_max:2 ql_compressed:1 ql_uncompressed_size:23"
    )


def test_quicklist_packed_threshold_sets_the_size_from_which_an_element_has_its_own_node(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "1kb") == OK
    hosted.do("CONFIG", "SET", "list-max-listpack-size", "1")
    hosted.do("RPUSH", "l", "a", "x" * 1024)
    assert hosted.do("MEMORY", "USAGE", "l", "SAMPLES", "0") == 32 + 16 + 40 + 2 * 40 + 16 + 1024
    hosted.do("DEL", "l")
    assert hosted.do("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "0") == OK
    hosted.do("RPUSH", "l", "a", "x" * 1024)
    assert hosted.do("MEMORY", "USAGE", "l", "SAMPLES", "0") == 32 + 16 + 40 + 2 * 40 + 16 + 1280


@pytest.mark.parametrize("size", ["x", "-1", "4293918721", "4gb"])
def test_quicklist_packed_threshold_has_bounds(hosted: Hosted, size: str) -> None:
    reply = hosted.do("DEBUG", "QUICKLIST-PACKED-THRESHOLD", size)
    assert reply == Error(b"ERR argument must be a memory value bigger than 1 and smaller than 4gb")


def test_sdslen_shows_the_spare_room_of_a_string(hosted: Hosted) -> None:
    hosted.do("SET", "k", "x" * 100)
    assert hosted.do("DEBUG", "SDSLEN", "k") == Simple(
        b"key_sds_len:1, key_sds_avail:0, key_zmalloc: 8, val_sds_len:100, val_sds_avail:8, val_zmalloc: 112"
    )


def test_sdslen_shows_no_spare_room_after_a_big_argument_was_trimmed(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v" * 41000)
    assert hosted.do("DEBUG", "SDSLEN", "k") == Simple(
        b"key_sds_len:1, key_sds_avail:0, key_zmalloc: 8, val_sds_len:41000, val_sds_avail:0, val_zmalloc: 49152"
    )


def test_sdslen_refuses_an_integer(hosted: Hosted) -> None:
    hosted.do("SET", "k", "5")
    assert hosted.do("DEBUG", "SDSLEN", "k") == Error(b"ERR Not an sds encoded string.")


@pytest.mark.parametrize("word", ["OBJECT", "SDSLEN", "LISTPACK", "QUICKLIST", "HTSTATS-KEY"])
def test_a_missing_key_is_an_error(hosted: Hosted, word: str) -> None:
    assert hosted.do("DEBUG", word, "none") == NO_SUCH_KEY


def test_a_value_with_another_encoding_is_refused(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v")
    assert hosted.do("DEBUG", "LISTPACK", "k") == Error(b"ERR Not a listpack encoded object.")
    assert hosted.do("DEBUG", "QUICKLIST", "k") == Error(b"ERR Not a quicklist encoded object.")
    assert hosted.do("DEBUG", "HTSTATS-KEY", "k") == Error(
        b"ERR The value stored at the specified key is not represented using an hash table"
    )


def test_structsize_shows_the_sizes_of_redis(hosted: Hosted) -> None:
    sizes = hosted.do("DEBUG", "STRUCTSIZE")
    assert sizes == b"bits:64 robj:16 dictentry:24 sdshdr5:1 sdshdr8:3 sdshdr16:5 sdshdr32:9 sdshdr64:17 "


EMPTY = "Hash table 0 stats (main hash table):\nNo stats available for empty dictionaries\n"


def test_htstats_of_an_empty_database(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "HTSTATS", "0") == f"[Dictionary HT]\n{EMPTY}[Expires HT]\n{EMPTY}".encode()


def test_htstats_full_shows_the_lengths_of_chains(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v")
    short = "Hash table 0 stats (main hash table):\n table size: 4\n number of elements: 1\n"
    more = (
        " different slots: 1\n max chain length: 1\n avg chain length (counted): 1.00\n"
        " avg chain length (computed): 1.00\n Chain length distribution:\n   0: 3 (75.00%)\n   1: 1 (25.00%)\n"
    )
    assert hosted.do("DEBUG", "HTSTATS", "0") == f"[Dictionary HT]\n{short}[Expires HT]\n{EMPTY}".encode()
    assert hosted.do("DEBUG", "HTSTATS", "0", "FULL") == f"[Dictionary HT]\n{short}{more}[Expires HT]\n{EMPTY}".encode()


def test_htstats_shows_both_tables_of_a_rehash(hosted: Hosted) -> None:
    for number in range(65):
        hosted.do("SET", f"k{number}", "v")
    reply = hosted.do("DEBUG", "HTSTATS", "0", "full")
    assert isinstance(reply, bytes)
    assert b"Hash table 1 stats (rehashing target):\n table size: 128\n" in reply


def test_htstats_ignores_further_arguments(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "HTSTATS", "0", "full", "x") == hosted.do("DEBUG", "HTSTATS", "0", "full")


@pytest.mark.parametrize("index", ["-1", "16"])
def test_htstats_refuses_a_database_that_does_not_exist(hosted: Hosted, index: str) -> None:
    assert hosted.do("DEBUG", "HTSTATS", index) == Error(b"ERR Out of range database")


# Digests.


def test_an_empty_keyspace_has_the_zero_digest(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "DIGEST") == Simple(b"0" * 40)


def test_the_digest_does_not_depend_on_order_or_encoding() -> None:
    one, other = Hosted(), Hosted()
    for key in ("a", "b", "c"):
        one.do("SET", key, f"value {key}")
    for key in ("c", "a", "b"):
        other.do("DEBUG", "POPULATE", "1", "x")
        other.do("SET", key, f"value {key}")
    one.do("DEBUG", "POPULATE", "1", "x")
    assert one.do("DEBUG", "DIGEST") == other.do("DEBUG", "DIGEST")


def test_the_digest_of_a_known_value(hosted: Hosted) -> None:
    """The digest was recorded from Redis."""
    hosted.do("SET", "foo", "bar")
    assert hosted.do("DEBUG", "DIGEST-VALUE", "foo", "none") == [
        Simple(b"68467c70ae30376e7ce005bcc8827f5ba7fd67dc"),
        Simple(b"0" * 40),
    ]


@pytest.mark.needs_redis
def test_digests_are_those_of_the_real_server(hosted: Hosted, real: Server) -> None:
    with real.connect() as wire:
        for key, value in (("a", "1"), ("b", "x" * 100), ("c", ""), ("d", "-7"), (b"\0\xff", b"\r\n\0")):
            for do in (wire.do, hosted.do):
                assert do("SET", key, value) == OK
        assert hosted.reply("DEBUG", "DIGEST") == wire.do("DEBUG", "DIGEST")
        wire.do("PEXPIREAT", "a", "4102444800000")
        hosted.engine.keyspace.databases[0].expire_at(b"a", 4_102_444_800_000)
        assert hosted.reply("DEBUG", "DIGEST") == wire.do("DEBUG", "DIGEST")
        assert hosted.reply("DEBUG", "DIGEST-VALUE", "a", "b") == wire.do("DEBUG", "DIGEST-VALUE", "a", "b")


# Data for tests.


def test_populate_creates_numbered_keys(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "POPULATE", "3") == OK
    assert hosted.do("GET", "key:2") == b"value:2"
    assert hosted.do("GET", "key:3") is None


def test_populate_pads_or_cuts_values_and_leaves_existing_keys_alone(hosted: Hosted) -> None:
    hosted.do("SET", "p:1", "mine")
    hosted.do("DEBUG", "POPULATE", "3", "p", "9")
    assert hosted.do("GET", "p:0") == b"value:0\0\0"
    assert hosted.do("GET", "p:1") == b"mine"
    hosted.do("DEBUG", "POPULATE", "1", "q", "3")
    assert hosted.do("GET", "q:0") == b"val"


@pytest.mark.parametrize("size", [str(2**30), str(2**62)])
def test_populate_refuses_strings_longer_than_proto_max_bulk_len(hosted: Hosted, size: str) -> None:
    too_long = Error(b"ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    assert hosted.do("DEBUG", "POPULATE", "1", "p", size) == too_long


def test_populate_refuses_too_many_keys(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "POPULATE", str(2**62)) == Error(b"ERR OOM in dictTryExpand")
    assert hosted.do("DBSIZE") == 0


@pytest.mark.parametrize("words", [["-1"], ["x"], ["1", "p", "-1"], ["1", "p", "x"]])
def test_populate_refuses_bad_numbers(hosted: Hosted, words: list[str]) -> None:
    assert hosted.do("DEBUG", "POPULATE", *words) == NOT_POSITIVE


def test_populated_keys_are_in_the_ledger(hosted: Hosted) -> None:
    hosted.do("DEBUG", "POPULATE", "1000", "p", "100")
    assert hosted.engine.audit().ok
    assert hosted.engine.keyspace.databases[0].keys.buckets() == 1024


# Replies.

PROTOCOL = [
    ("string", b"$11\r\nHello World\r\n", b"$11\r\nHello World\r\n"),
    ("integer", b":12345\r\n", b":12345\r\n"),
    ("double", b"$5\r\n3.141\r\n", b",3.141\r\n"),
    ("null", b"$-1\r\n", b"_\r\n"),
    ("array", b"*3\r\n:0\r\n:1\r\n:2\r\n", b"*3\r\n:0\r\n:1\r\n:2\r\n"),
    ("set", b"*3\r\n:0\r\n:1\r\n:2\r\n", b"~3\r\n:0\r\n:1\r\n:2\r\n"),
    ("map", b"*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n", b"%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"),
    (
        "attrib",
        b"$39\r\nSome real reply following the attribute\r\n",
        b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"
        b"$39\r\nSome real reply following the attribute\r\n",
    ),
    (
        "push",
        b"-ERR RESP2 is not supported by this command\r\n",
        b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push reply\r\n",
    ),
    ("verbatim", b"$25\r\nThis is a verbatim\nstring\r\n", b"=29\r\ntxt:This is a verbatim\nstring\r\n"),
    ("true", b":1\r\n", b"#t\r\n"),
    ("false", b":0\r\n", b"#f\r\n"),
    (
        "bignum",
        b"$37\r\n1234567999999999999999999999999999999\r\n",
        b"(1234567999999999999999999999999999999\r\n",
    ),
]


@pytest.mark.parametrize(("kind", "resp2", "resp3"), PROTOCOL, ids=[kind for kind, _, _ in PROTOCOL])
def test_protocol_replies_with_an_example_of_each_type(kind: str, resp2: bytes, resp3: bytes) -> None:
    assert Hosted().raw("DEBUG", "PROTOCOL", kind) == resp2
    assert Hosted(protocol=3).raw("DEBUG", "PROTOCOL", kind.upper()) == resp3


def test_protocol_refuses_an_unknown_type_and_lists_the_known_ones(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "PROTOCOL", "other") == Error(
        b"ERR Wrong protocol type name. Please use one of the following: "
        b"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
    )


def test_error_replies_with_the_given_text_on_one_line(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "ERROR", "CODE two\r\nlines") == Error(b"CODE two  lines")


# The server.


def test_sleep_asks_the_host_to_sleep(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "SLEEP", "0.25") == OK
    assert hosted.do("DEBUG", "SLEEP", "nonsense") == OK
    assert hosted.host.slept == [0.25]


@pytest.mark.parametrize("seconds", ["inf", "1e300", "1" + "0" * 5000])
def test_no_sleep_is_longer_than_a_day(hosted: Hosted, seconds: str) -> None:
    assert hosted.do("DEBUG", "SLEEP", seconds) == OK
    assert hosted.host.slept == [86400.0]


def test_a_switch_for_a_missing_feature_is_refused(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "DROP-CLUSTER-PACKET-FILTER", "1") == Error(
        b"ERR this server has nothing that DEBUG DROP-CLUSTER-PACKET-FILTER would change"
    )


def test_set_disable_deny_scripts_is_accepted(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "SET-DISABLE-DENY-SCRIPTS", "1") == OK


def test_debug_is_one_command_without_subcommands_in_command_info(hosted: Hosted) -> None:
    described = hosted.do("COMMAND", "INFO", "debug", "debug|object")
    assert isinstance(described, list)
    debug, subcommand = described
    assert isinstance(debug, list)
    assert (debug[-1], subcommand) == ([], None)


def test_log_writes_to_the_log(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "LOG", "hello") == OK
    assert hosted.host.logged == [("warning", "DEBUG LOG: hello")]


def test_active_expire_can_be_switched_off(hosted: Hosted) -> None:
    assert hosted.do("DEBUG", "SET-ACTIVE-EXPIRE", "0") == OK
    assert not hosted.engine.switches.active_expire
    hosted.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")
    assert hosted.engine.switches.active_expire


def test_the_timer_can_be_paused(hosted: Hosted) -> None:
    hosted.do("DEBUG", "PAUSE-CRON", "1")
    before = hosted.engine.sampler.allocator_sample
    hosted.tick(1000)
    assert hosted.engine.sampler.allocator_sample is before
    hosted.do("DEBUG", "PAUSE-CRON", "0")
    hosted.tick(1000)
    assert hosted.engine.sampler.allocator_sample is not before


def test_resizing_of_reply_buffers_can_be_set(hosted: Hosted) -> None:
    switches = hosted.engine.switches
    for word, milliseconds in (("never", NEVER), ("100", 100), ("RESET", 5000)):
        assert hosted.do("DEBUG", "REPLYBUFFER", "PEAK-RESET-TIME", word) == OK
        assert switches.reply_buffer_peak_reset_ms == milliseconds
    hosted.do("DEBUG", "REPLYBUFFER", "RESIZING", "0")
    assert not switches.reply_buffer_resizing


def test_help_lists_the_subcommands_by_name(hosted: Hosted) -> None:
    reply = hosted.do("DEBUG", "HELP")
    assert isinstance(reply, list)
    lines = [line.text for line in reply if isinstance(line, Simple)]
    assert lines[0] == b"DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert b"SLEEP <seconds>" in lines
    words = [line.split()[0] for line in lines[1:-2] if not line.startswith(b" ")]
    assert words == sorted(words)
    assert lines[-2:] == [b"HELP", b"    Prints this help."]


def test_since_7_4_htstats_passes_over_empty_tables() -> None:
    newer = Hosted(redis_version="7.4.1")
    newer.do("SET", "k", "v")
    text = newer.raw("DEBUG", "HTSTATS", "0")
    assert b"No stats available" not in text
    assert text.endswith(b"[Expires HT]\n\r\n")
    assert b"No stats available" in Hosted(redis_version="7.2.6").raw("DEBUG", "HTSTATS", "0")
