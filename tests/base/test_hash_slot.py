"""The hash slot of a key in a cluster."""

from __future__ import annotations

import pytest

from pyredmem.base.hash_slot import hash_slot


@pytest.mark.parametrize(("key", "slot"), [(b"foo", 12182), (b"{foo}bar", 12182), (b"a", 15495), (b"{}a", 10875)])
def test_the_slot_of_a_key(key: bytes, slot: int) -> None:
    """As CLUSTER KEYSLOT of a real server says."""
    assert hash_slot(key) == slot
