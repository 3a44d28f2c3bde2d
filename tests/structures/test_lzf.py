"""LZF: what is compressed comes back, and its bytes are those of a real server."""

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
def test_what_is_compressed_comes_back(data: bytes) -> None:
    compressed = compress(data, len(data) * 2 + 10)
    assert decompress(compressed) == data


@given(REPETITIVE)
def test_a_result_is_never_larger_than_the_limit(data: bytes) -> None:
    assert len(compress(data, len(data))) <= len(data)


def test_what_does_not_compress_gives_nothing() -> None:
    assert compress(bytes(range(256)), 256) == b""
    assert compress(b"", 100) == b""


def test_pieces() -> None:
    """The first byte is never referred to, and the last two bytes of the data are never matched."""
    assert compress(b"abcdef" * 2 + b"abc", 100) == b"\x06abcdefa" + b"\x80\x05" + b"\x01bc"


@pytest.mark.parametrize("bad", [b"\x05abc", b"\x20", b"\xe0\x01", b"\x20\x05", b"\x00a\x20\x01"])
def test_what_is_no_lzf_is_refused(bad: bytes) -> None:
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
def test_the_bytes_are_those_of_a_real_server(real: Server) -> None:
    """DUMP compresses strings: type, C3, two lengths, the bytes, ten bytes of version and checksum."""
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
def test_one_after_the_other_as_each_alone(many: list[bytes]) -> None:
    compressor = Compressor()
    assert [compressor.compress(data, len(data)) for data in many] == [compress(data, len(data)) for data in many]
