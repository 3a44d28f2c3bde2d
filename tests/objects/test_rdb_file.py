"""RDB files record by record: every kind of record, every version, and files that are damaged in any way."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.objects import rdb_types
from pyredmem.objects.hash import new_hash
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_file import (
    DATABASE,
    END,
    FIELD,
    FUNCTION,
    KEY,
    MODULE,
    NONE,
    SIZES,
    SLOT,
    TOO_SHORT,
    WRONG_SIGNATURE,
    RdbChecksumError,
    RdbFile,
    RdbFileError,
)
from pyredmem.objects.rdb_loader import read_value
from tests.objects.samples import SAMPLES, SOON
from tests.support.payloads import sealed, text
from tests.support.rdb_files import Content, Record, digest_of, key, opened, rdb, records_of, saved, word
from tests.support.suites import SUITE, time_limit

A = key(rdb_types.STRING, b"a", word(b"1"))
WORDS = key(rdb_types.LIST, b"words", b"\x02" + word(b"x") + word(b"y"))
LARGEST_PIECE = 1 << 16
BIG_NUMBER = b"\x81" + b"\xff" * 8


def a_key(data: bytes, **known: int) -> Record:
    """The record of the key `a` in these bytes."""
    (record,) = [record for record in records_of(data) if record[0] == KEY]
    digest = digest_of(read_value(sealed(b"\x00" + word(b"1"))))
    times = {"expire_ms": NONE, "idle_s": NONE, "frequency": NONE} | known
    assert record == (KEY, b"a", rdb_types.STRING, digest, *times.values())
    return record


def error_of(data: bytes) -> RdbFileError:
    with pytest.raises(RdbFileError) as caught:
        records_of(data)
    return caught.value


# Records.


@pytest.mark.parametrize(
    ("record", "read"),
    [
        (b"\xfa" + word(b"redis-ver") + word(b"7.2.4"), (FIELD, b"redis-ver", b"7.2.4")),
        (b"\xfa" + word(b"redis-bits") + b"\xc0\x40", (FIELD, b"redis-bits", b"64")),
        (b"\xfe\x03", (DATABASE, 3)),
        (b"\xfb\x07\x42\x01", (SIZES, 7, 513)),
        (b"\xf5" + word(b"#!lua name=l"), (FUNCTION, b"#!lua name=l")),
        (b"\xf4\x01\x02\x03", (SLOT,)),
    ],
)
def test_a_record_that_is_no_key_says_something_about_the_file(record: bytes, read: Record) -> None:
    assert records_of(rdb(record)) == [read]


def test_records_come_in_the_order_of_the_file() -> None:
    assert [record[0] for record in records_of(rdb(b"\xfe\x00", b"\xfb\x02\x00", A, WORDS, b"\xfe\x01", A))] == [
        DATABASE,
        SIZES,
        KEY,
        KEY,
        DATABASE,
        KEY,
    ]


def test_a_file_may_have_no_record() -> None:
    assert records_of(rdb()) == []


def test_an_expire_time_is_in_milliseconds() -> None:
    assert a_key(rdb(b"\xfc" + SOON.to_bytes(8, "little") + A), expire_ms=SOON)


def test_an_expire_time_of_an_old_file_is_in_seconds() -> None:
    assert a_key(rdb(b"\xfd" + (1_700_000_000).to_bytes(4, "little") + A, version=3), expire_ms=1_700_000_000_000)


def test_an_idle_time_stands_before_its_key() -> None:
    assert a_key(rdb(b"\xf8\x42\x00" + A), idle_s=512)


def test_an_idle_time_may_be_any_number_of_64_bits() -> None:
    assert a_key(rdb(b"\xf8" + BIG_NUMBER + A), idle_s=(1 << 64) - 1)


def test_a_frequency_stands_before_its_key() -> None:
    assert a_key(rdb(b"\xf9\xff" + A), frequency=255)


def test_what_is_known_of_a_key_is_not_known_of_the_next_one() -> None:
    records = records_of(rdb(b"\xfc" + SOON.to_bytes(8, "little") + b"\xf8\x03\xf9\x05" + WORDS, A))
    assert [record[4:] for record in records] == [(SOON, 3, 5), (NONE, NONE, NONE)]


def test_what_is_known_of_a_key_stays_known_if_another_record_follows() -> None:
    assert a_key(rdb(b"\xfc" + SOON.to_bytes(8, "little") + b"\xfa" + word(b"x") + word(b"y") + A), expire_ms=SOON)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_value_of_any_type_is_read(name: str) -> None:
    content = saved(SAMPLES[name](Allocator()))
    file = opened(rdb(key(content[0], b"k", content[1:]), version=12))
    assert file.next() == KEY
    assert (file.key, file.kind) == (b"k", content[0])
    assert digest_of(file.value) == digest_of(read_value(sealed(content)))
    assert file.next() == END
    assert file.has_checksum


def test_of_two_values_only_one_is_kept() -> None:
    file = opened(rdb(A))
    assert file.next() == KEY
    assert file.value is not None
    assert file.next() == END
    assert file.value is None


# Hashes of Valkey, whose fields have expire times.

VALKEY_HASH = b"\x02" + word(b"f") + word(b"v") + SOON.to_bytes(8, "little") + word(b"g") + word(b"w") + b"\xff" * 8


def test_a_hash_of_valkey_has_the_time_of_each_field() -> None:
    file = opened(rdb(key(22, b"h", VALKEY_HASH), signature=b"VALKEY080", version=80))
    assert file.is_valkey
    assert file.next() == KEY
    assert file.kind == 22
    expected = new_hash(Allocator())
    for field, value in ((b"f", b"v"), (b"g", b"w")):
        expected.set(field, value, EncodingLimits())
    expected.expire_at(b"f", SOON)
    assert file.value is not None
    assert file.value.has_times()
    assert digest_of(file.value) == digest_of(read_value(sealed(saved(expected))))


def test_that_type_is_unknown_in_a_file_of_redis() -> None:
    assert error_of(rdb(key(22, b"h", VALKEY_HASH))).message == "Invalid object type: 22"


# Modules.

MODULE_ID = int.from_bytes(bytes([0b0001_0000] * 8), "big")
PARTS = b"\x01\x05" + b"\x02\x07" + b"\x03" + bytes(4) + b"\x04" + bytes(8) + b"\x05" + word(b"text") + b"\x00"


def test_a_value_of_a_module_is_skipped() -> None:
    file = opened(rdb(key(7, b"m", b"\x81" + MODULE_ID.to_bytes(8, "big") + PARTS), A))
    assert file.next() == KEY
    assert (file.key, file.kind, file.value) == (b"m", rdb_types.MODULE_VALUE, None)
    assert file.next() == KEY
    assert file.key == b"a"


def test_what_a_module_keeps_beside_its_keys_is_skipped() -> None:
    """The name of a module's type is nine characters of six bits each."""
    aux = b"\xf7\x81" + MODULE_ID.to_bytes(8, "big") + b"\x02\x01" + PARTS
    assert records_of(rdb(aux, A))[0] == (MODULE, b"EBAQEBAQE")


@pytest.mark.parametrize("parts", [b"\x06", b"\x05\xc4", b"\xc0"])
def test_parts_of_a_module_that_do_not_exist_are_an_error(parts: bytes) -> None:
    assert error_of(rdb(key(7, b"m", b"\x01" + parts))).message == "Invalid data"


def test_a_time_of_a_module_that_is_no_number_is_an_error() -> None:
    assert error_of(rdb(b"\xf7\x01\x05" + word(b"x") + PARTS)).message == "Invalid data"


# Headers.


@pytest.mark.parametrize("version", range(1, 13))
def test_files_of_all_versions_can_be_read(version: int) -> None:
    data = rdb(b"\xfe\x00", A, WORDS, version=version)
    assert [record[0] for record in records_of(data)] == [DATABASE, KEY, KEY]


@pytest.mark.parametrize(
    "signature", [b"REDIS0000", b"REDIS0013", b"REDIS9999", b"REDIS00x1", b"VALKEY081", b"VALKEY000"]
)
def test_a_file_of_another_version_is_refused(signature: bytes) -> None:
    error = error_of(rdb(A, signature=signature))
    assert error.message.startswith("Can't handle RDB format version ")
    assert error.offset == len(signature)


@pytest.mark.parametrize("signature", [b"redis0011", b"RADIS0011", b"VALKEX080", b"*3\r\n$3\r\nS"])
def test_a_file_of_another_kind_is_refused(signature: bytes) -> None:
    error = error_of(rdb(A, signature=signature))
    assert (error.message, error.offset) == (WRONG_SIGNATURE, 9)


@pytest.mark.parametrize("kind", [6, 8, 22, 23, 26, 100, 239, 240, 243])
def test_an_unknown_record_is_an_error_before_anything_else_of_it_is_read(kind: int) -> None:
    error = error_of(rdb(bytes([kind])))
    assert (error.message, error.offset) == (f"Invalid object type: {kind}", 10)


def test_functions_from_before_the_release_of_7_0_are_refused() -> None:
    assert error_of(rdb(b"\xf6")).message == "Pre-release function format not supported 11"


# Checksums.


def test_a_right_checksum_is_noticed() -> None:
    file = opened(rdb())
    assert file.next() == END
    assert file.has_checksum


def test_a_file_may_be_saved_without_a_checksum() -> None:
    file = opened(rdb(checksum=0))
    assert file.next() == END
    assert not file.has_checksum


def test_old_files_have_no_checksum() -> None:
    file = opened(rdb(version=4))
    assert file.next() == END
    assert not file.has_checksum
    assert file.offset() == 10


def test_a_wrong_checksum_is_an_error_of_its_own() -> None:
    data = rdb(A)
    error = error_of(data[:-1] + bytes([data[-1] ^ 1]))
    assert isinstance(error, RdbChecksumError)
    assert error.offset == len(data)
    assert error.message.startswith("Wrong RDB checksum expected: (")


def test_bytes_after_the_end_are_not_read() -> None:
    file = opened(rdb() + b"*1\r\n$4\r\nPING\r\n")
    assert file.next() == END
    assert file.offset() == len(rdb())


# Pieces, and the errors of damaged files.


def everything() -> bytes:
    """A file with a value of every type and encoding, and with every other record."""
    keys = [saved(make(Allocator())) for name, make in SAMPLES.items() if name not in {"big argument", "big buffer"}]
    return rdb(
        b"\xfa" + word(b"redis-ver") + word(b"7.4.0"),
        b"\xf5" + word(b"#!lua name=l"),
        b"\xf7\x01\x02\x01" + PARTS,
        b"\xfe\x00\xfb\x02\x01",
        b"\xfc" + SOON.to_bytes(8, "little") + b"\xf8\x05" + A,
        b"\xf9\x05" + key(7, b"m", b"\x01" + PARTS),
        *[key(content[0], b"key %d" % number, content[1:]) for number, content in enumerate(keys)],
        version=12,
    )


def small() -> bytes:
    """A small file with most types, each with few elements."""
    names = ("int", "set of 1, shape 0", "hash of 5, 0 with times", "stream of 0, 2 groups", "sorted set of 1")
    keys = [saved(SAMPLES[name](Allocator())) for name in names]
    return rdb(
        b"\xfa" + word(b"v") + word(b"7"),
        b"\xf7\x01\x02\x01" + PARTS,
        b"\xfe\x00\xfb\x02\x01",
        b"\xfc" + SOON.to_bytes(8, "little") + b"\xf8\x05" + A,
        WORDS,
        *[key(content[0], b"k%d" % number, content[1:]) for number, content in enumerate(keys)],
        version=12,
    )


@pytest.mark.parametrize("piece", [1, 2, 1000, 65_537])
def test_the_records_are_the_same_in_whatever_pieces_a_file_comes(piece: int) -> None:
    data = everything() if piece > 2 else small()
    assert records_of(data, piece) == records_of(data)


@pytest.mark.parametrize("size", [(1 << 31) - 1, (1 << 40), (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("kind", [rdb_types.STRING, rdb_types.LIST, rdb_types.HASH, rdb_types.HASH_LISTPACK])
def test_a_false_length_takes_no_memory(kind: int, size: int) -> None:
    data = rdb(key(kind, b"k", b"\x81" + size.to_bytes(8, "big") + b"x" * 100))
    tracemalloc.start()
    try:
        error = error_of(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.message in {TOO_SHORT, "Invalid data", "Invalid object type: 120"}
    assert peak < 1_000_000


def test_a_file_is_read_piece_by_piece() -> None:
    """So memory has to suffice for the largest value only."""
    content = Content(rdb(*[key(rdb_types.STRING, b"k", text(bytes(100_000))) for _ in range(5)]))
    file = RdbFile(content)
    file.read_header()
    while file.next() != END:
        assert content.at - file.offset() <= LARGEST_PIECE


def test_a_file_that_was_cut_off_anywhere_is_too_short() -> None:
    data = small()
    assert {error_of(data[:size]).message for size in range(len(data))} == {TOO_SHORT}


def test_the_offset_of_an_error_is_where_the_last_whole_part_ended() -> None:
    data = rdb(A, key(rdb_types.STRING, b"k", b"\x05abc"))
    assert error_of(data[: 9 + len(A) + 4 + 2]).offset == 9 + len(A) + 4


def damaged(data: bytes, place: int, byte: int) -> bytes:
    return data[:place] + bytes([byte]) + data[place + 1 :]


def check_that_only_rdb_errors_are_raised(data: bytes) -> None:
    """Any other exception fails the test."""
    with contextlib.suppress(RdbFileError):
        records_of(data)


def test_every_changed_byte_is_noticed_by_the_checksum_at_the_latest() -> None:
    data = small()
    for place in range(9, len(data) - 8):
        assert error_of(damaged(data, place, data[place] ^ 0x80)).message, place


@pytest.mark.slow
@time_limit(900)
def test_no_single_byte_raises_another_error() -> None:
    data = small()
    for place in range(len(data)):
        for byte in range(place % SUITE.byte_step, 256, SUITE.byte_step):
            check_that_only_rdb_errors_are_raised(damaged(data, place, byte))


@given(st.data())
@settings(max_examples=300)
def test_random_damage_raises_no_other_error(drawn: st.DataObject) -> None:
    data = small()
    for _ in range(drawn.draw(st.integers(1, 4))):
        place = drawn.draw(st.integers(0, len(data) - 1))
        data = damaged(data, place, drawn.draw(st.integers(0, 255)))
    check_that_only_rdb_errors_are_raised(data)


@given(st.binary(max_size=200))
def test_random_records_raise_no_other_error(noise: bytes) -> None:
    check_that_only_rdb_errors_are_raised(rdb(noise))
