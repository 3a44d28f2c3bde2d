"""Digests: where the order matters and where it does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyredmem.objects.digest import Digest

DATA = st.lists(st.binary(max_size=20), min_size=1, max_size=6)


def xored(items: list[bytes]) -> bytes:
    digest = Digest()
    for item in items:
        digest.xor(item)
    return digest.text()


def mixed(items: list[bytes]) -> bytes:
    digest = Digest()
    for item in items:
        digest.mix(item)
    return digest.text()


@given(DATA)
def test_xor_does_not_depend_on_the_order(items: list[bytes]) -> None:
    assert xored(items) == xored(sorted(items))


@given(DATA)
def test_the_same_data_twice_cancels_out_in_xor(items: list[bytes]) -> None:
    assert xored(items + items) == b"0" * 40


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_mix_depends_on_the_order(one: bytes, other: bytes) -> None:
    assert (mixed([one, other]) == mixed([other, one])) == (one == other)
