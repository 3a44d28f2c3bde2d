"""The sizes that ``pyredmem rdb memory`` tells are those of MEMORY USAGE on a server that has loaded the file."""

from __future__ import annotations

import csv
import io
import json
import statistics
import tracemalloc

import pytest

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.objects import rdb_types
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_images import ScoresImage
from pyredmem.objects.sorted_set import build_sorted_set
from pyredmem.rdb.dataset import Dataset, Entry, Selection
from pyredmem.rdb.memory import COLUMNS, CsvFormat, MemoryReport, moment, row_of
from pyredmem.rdb.survey.measure import Measurer
from pyredmem.rdb.text import readable
from tests.golden.cases import all_cases
from tests.persistence.worlds import SavingWorld
from tests.rdb.datasets import FAR_MS, NAME, OTHER_LIMITS, filled, of_bytes, output_of, saved, written
from tests.support.rdb_files import Content, key, rdb, word
from tests.support.replies import OK

DATABASES = (0, 9)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def usage(world: SavingWorld, name: bytes) -> int:
    size = world.do("MEMORY", "USAGE", name, "SAMPLES", 0)
    assert isinstance(size, int)
    return size


def options_for(limits: dict[str, str]) -> list[str]:
    return [
        word
        for name, value in limits.items()
        if name != "rdbcompression"
        for word in ("--set", name.replace("_", "-"), value)
    ]


# Sizes.


@pytest.mark.parametrize("allocator", ["jemalloc", "jemalloc-lg4", "libc", "tcmalloc"])
@pytest.mark.parametrize("limits", OTHER_LIMITS)
@pytest.mark.parametrize("saved_with", ["usual", "low"])
def test_sizes_are_those_of_a_server_that_has_loaded_the_file(saved_with: str, limits: str, allocator: str) -> None:
    files = saved(filled(**OTHER_LIMITS[saved_with]))
    world = SavingWorld(mem_allocator=allocator, **OTHER_LIMITS[limits])
    world.files.content.update(files.content)
    assert world.do("DEBUG", "RELOAD", "NOSAVE") == OK
    text = output_of(files, "memory", "--allocator", allocator, *options_for(OTHER_LIMITS[limits]))
    rows = {(row["database"], row["key"]): row for row in rows_of(text)}
    keys = 0
    for database in DATABASES:
        world.do("SELECT", database)
        for name in world.engine.keyspace.databases[database].all_keys():
            keys += 1
            row = rows[str(database), readable(name)]
            encoding = world.do("OBJECT", "ENCODING", name)
            assert row["encoding"].encode() == encoding, name
            if encoding != b"skiplist":
                assert int(row["size_in_bytes"]) == usage(world, name), (name, encoding)
    assert keys == len(rows) > 40


def test_sizes_are_those_recorded_of_a_real_server() -> None:
    """Loading changes the size of some values; these are left out. A size that depends on chance is near the mean."""
    world = SavingWorld()
    compared = 0
    faults = []
    for case in all_cases():
        assert world.do("FLUSHALL") == OK
        for command in case.commands:
            world.do(*command)
        assert world.do("DEBUG", "RELOAD") == OK
        row = next(row for row in rows_of(output_of(world.files, "memory")) if row["key"] == readable(case.key))
        size = int(row["size_in_bytes"])
        name = "memory_usage_samples_0"
        span = case.random[name].span() if name in case.random else case.expected[name]
        if not span.holds(usage(world, case.key)):
            continue
        compared += 1
        if not span.holds(size):
            faults.append(f"{case.id} {case.category}: {size}, not {span}")
    assert faults == []
    assert compared > 0.8 * len(all_cases())


def test_the_size_of_a_skiplist_is_the_average() -> None:
    items = [(b"member %d" % at, float(at)) for at in range(400)]
    sizes = [
        int(build_sorted_set(items, allocator, EncodingLimits(), Random(seed), presized=True).memory(allocator, 0))
        for seed in range(60)
        for allocator in [Allocator()]
    ]
    row = row_of(Entry(0, "sortedset", b"k", ScoresImage(items), None), Measurer("jemalloc", EncodingLimits()))
    assert row is not None
    assert row.is_average
    key_bytes = 8 + 24
    # The size of one node deviates by about 12 bytes, so the mean of 60 values of 400 nodes each by about 30.
    assert abs(statistics.mean(sizes) + key_bytes - row.size) < 120


def test_equal_values_have_equal_sizes_wherever_they_are() -> None:
    items = [(b"member %d" % at, float(at)) for at in range(300)]
    measurer = Measurer("jemalloc", EncodingLimits())
    rows = [row_of(Entry(0, "sortedset", b"k", ScoresImage(items), None), measurer) for _ in range(20)]
    assert len({row.size for row in rows if row is not None}) == 1


def test_a_value_leaves_nothing_in_the_ledger() -> None:
    world = filled()
    dataset = Dataset(Content(bytes(saved(world).content[NAME])), Selection())
    measurer = Measurer("jemalloc", EncodingLimits())
    for record in dataset.records():
        if isinstance(record, Entry):
            row_of(record, measurer)
    assert measurer.allocator.used_memory == 0


# Columns and formats.

A = key(rdb_types.STRING, b"a", word(b"12"))
LONG = key(rdb_types.STRING, b"long", b"\x40\xc8" + b"x" * 200)
WORDS = key(rdb_types.LIST, b"words", b"\x03" + word(b"x") + word(b"") + word(b"yyyy"))
NINE = b"\xfe\x09"
SMALL = rdb(b"\xfe\x00", A, LONG, b"\xfc" + (FAR_MS + 123).to_bytes(8, "little") + WORDS, NINE, A)


def test_the_columns_are_those_of_redis_rdb_tools() -> None:
    assert output_of(of_bytes(SMALL), "memory") == (
        "database,type,key,size_in_bytes,encoding,num_elements,len_largest_element,expiry\n"
        "0,string,a,48,int,2,2,\n"
        "0,string,long,272,raw,200,200,\n"
        "0,list,words,72,listpack,3,4,2100-01-01T00:00:00.123000\n"
        "9,string,a,48,int,2,2,\n"
    )


def test_the_elements_are_those_of_the_value() -> None:
    rows = {row["key"]: row for row in rows_of(output_of(saved(filled()), "memory", "--db", "0"))}
    found = {name: (row["type"], row["num_elements"], row["len_largest_element"]) for name, row in rows.items()}
    assert found["hash of a long value"] == ("hash", "1", "65")
    assert found["big set"] == ("set", "200", "10")
    assert found["scores of a long member"] == ("sortedset", "2", "65")
    assert found["stream"] == ("stream", "249", "4")
    assert found["empty stream"] == ("stream", "0", "0")
    assert found["list of long elements"] == ("list", "4", "5000")


def test_csv_survives_any_key() -> None:
    names = [b'comma, quote " and\nline', b"\xff\x00", "é".encode(), b""]
    data = rdb(*[key(rdb_types.STRING, name, word(b"1")) for name in names])
    rows = rows_of(output_of(of_bytes(data), "memory"))
    assert [row["key"] for row in rows] == ['comma, quote " and\\nline', "\\xff\\x00", "é", ""]
    assert {tuple(row) for row in rows} == {COLUMNS}


def test_json_has_one_object_per_key_and_marks_averages() -> None:
    world = SavingWorld(zset_max_listpack_entries="1")
    world.do("ZADD", "board", 1, "a", 2, "b")
    world.do("SET", "word", "x")
    text = output_of(saved(world), "memory", "--format", "json", "--set", "zset-max-listpack-entries", "1")
    rows = {row["key"]: row for row in json.loads(text)}
    assert tuple(rows["word"]) == (*COLUMNS, "size_is_average")
    assert (rows["board"]["size_is_average"], rows["word"]["size_is_average"]) == (True, False)
    assert rows["word"]["expiry"] is None
    assert rows["word"]["size_in_bytes"] == usage(world, b"word")


def test_json_of_no_key_is_an_empty_list() -> None:
    assert json.loads(output_of(of_bytes(rdb()), "memory", "--format", "json")) == []


def test_the_table_marks_averages_and_ends_with_the_key() -> None:
    world = SavingWorld(zset_max_listpack_entries="1")
    world.do("ZADD", "board of all", 1, "a", 2, "b")
    world.do("SET", "word", "x")
    options = ("--format", "table", "--set", "zset-max-listpack-entries", "1")
    lines = output_of(saved(world), "memory", *options).splitlines()
    assert lines[0].split() == ["size", "db", "type", "encoding", "elements", "longest", "expiry", "key"]
    marked = {line[94:]: "~" in line for line in lines[1:]}
    assert marked == {"board of all": True, "word": False}


def test_a_time_that_no_calendar_has_is_a_number() -> None:
    assert moment(1 << 62) == str(1 << 62)
    assert moment(-1500) == "1969-12-31T23:59:58.500000"
    assert moment(None) == ""


# What is left out.


def test_only_keys_of_some_bytes() -> None:
    text = output_of(of_bytes(SMALL), "memory", "--bytes", "72")
    assert [row["key"] for row in rows_of(text)] == ["long", "words"]


def test_the_largest_keys_come_in_their_order_and_of_equal_ones_the_first() -> None:
    text = output_of(of_bytes(SMALL), "memory", "--largest", "3")
    assert [(row["database"], row["key"]) for row in rows_of(text)] == [("0", "long"), ("0", "words"), ("0", "a")]


def test_values_of_modules_are_left_out_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    module = key(rdb_types.MODULE_VALUE, b"m", b"\x81" + bytes([0b0001_0000] * 8) + b"\x02\x01\x00")
    status, text = written(of_bytes(rdb(A, module)), "memory")
    assert status == 0
    assert [row["key"] for row in rows_of(text)] == ["a"]
    assert "Left out, because only a module understands the value: 1 of the keys" in capsys.readouterr().err


def test_keys_that_have_expired_are_told_too() -> None:
    rows = rows_of(output_of(of_bytes(rdb(b"\xfc" + (1000).to_bytes(8, "little") + A)), "memory"))
    assert [(row["key"], row["expiry"]) for row in rows] == [("a", "1970-01-01T00:00:01")]


# Memory of the tool itself.


def _peak(keys: int, largest: int) -> int:
    data = rdb(*[key(rdb_types.STRING, b"key:%08d" % at, word(b"value %d" % at)) for at in range(keys)])
    measurer = Measurer("jemalloc", EncodingLimits())
    report = MemoryReport(len, measurer, CsvFormat(), 0, largest)
    dataset = Dataset(Content(data), Selection())
    tracemalloc.start()
    try:
        for record in dataset.records():
            assert isinstance(record, Entry)
            report.add(record)
        report.end()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("largest", [0, 10])
def test_memory_does_not_grow_with_the_number_of_keys(largest: int) -> None:
    _peak(100, largest)
    assert _peak(12_000, largest) < _peak(6000, largest) + 20_000
