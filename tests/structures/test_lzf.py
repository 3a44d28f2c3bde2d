"""LZF: decompressing gives the data back, and the compressed bytes are those of a real server."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.structures.lzf import Compressor, compress, decompress
from tests.support.servers import Server
from tests.support.wire import Bulk

REPETITIVE = st.lists(st.sampled_from([b"abc", b"a", b"abcabcabc0000", b"\x00\xff", b"x" * 300]), max_size=60).map(
    b"".join
)


@given(st.one_of(st.binary(max_size=500), REPETITIVE))
def test_decompressing_gives_back_the_data(data: bytes) -> None:
    compressed = compress(data, len(data) * 2 + 10)
    assert decompress(compressed) == data


@given(REPETITIVE)
def test_a_result_is_never_larger_than_the_limit(data: bytes) -> None:
    assert len(compress(data, len(data))) <= len(data)


def test_data_that_cannot_be_compressed_gives_an_empty_result() -> None:
    assert compress(bytes(range(256)), 256) == b""
    assert compress(b"", 100) == b""


def test_a_result_consists_of_literals_and_references() -> None:
    """No reference begins at the first byte, and the last two bytes of the data are not part of one."""
    assert compress(b"abcdef" * 2 + b"abc", 100) == b"\x06abcdefa" + b"\x80\x05" + b"\x01bc"


@pytest.mark.parametrize("bad", [b"\x05abc", b"\x20", b"\xe0\x01", b"\x20\x05", b"\x00a\x20\x01"])
def test_bytes_that_are_not_compressed_data_are_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match=r"reference|literals"):
        decompress(bad)


def _samples() -> list[bytes]:
    rng = random.Random(7)
    samples = [b"a" * size for size in (*range(21, 60), 264, 265, 266, 300, 5000, 70000)]
    for letters in (2, 3, 8, 30):
        for size in (30, 100, 500, 8192, 40000):
            samples += [bytes(rng.randrange(letters) for _ in range(size)) for _ in range(4)]
    samples.append(b"".join([b"element:%06d" % number for number in range(3000)]))
    return samples


@pytest.mark.needs_redis
def test_a_real_server_compresses_to_the_same_bytes(real: Server) -> None:
    """DUMP compresses strings. It gives a type, C3, two lengths, the bytes, and ten bytes of version and checksum."""
    with real.connect() as wire:
        for sample in _samples():
            wire.do("SET", "k", sample)
            reply = wire.do("DUMP", "k")
            assert isinstance(reply, Bulk)
            compressed = compress(sample, len(sample) - 4)
            if reply.data[1] == 0xC3:
                assert compressed
                assert reply.data[:-10].endswith(compressed)
                assert len(reply.data) - 10 - len(compressed) <= 12
            else:
                assert compressed == b""


@given(st.lists(REPETITIVE, max_size=6))
def test_one_compressor_compresses_each_string_as_if_it_were_the_first(many: list[bytes]) -> None:
    compressor = Compressor()
    assert [compressor.compress(data, len(data)) for data in many] == [compress(data, len(data)) for data in many]
