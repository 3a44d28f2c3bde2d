"""The audit finds leaks, dangling addresses, shared blocks and drift."""

from __future__ import annotations

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.audit import audit


def test_a_sound_ledger_gives_no_findings() -> None:
    allocator = Allocator()
    allocator.begin()
    owners = [
        ("key", allocator.alloc(10)),
        ("value", allocator.alloc(100)),
        ("value", allocator.alloc(100_000)),
    ]
    report = audit(allocator, owners)
    assert (report.ok, report.lines(), report.blocks) == (True, [], 3)


def test_totals_are_kept_per_purpose() -> None:
    allocator = Allocator()
    report = audit(
        allocator,
        [("key", allocator.alloc(10)), ("key", allocator.alloc(20)), ("table", allocator.alloc(32))],
    )
    assert {name: (total.blocks, total.size) for name, total in report.totals.items()} == {
        "key": (2, 40),
        "table": (1, 32),
    }


def test_a_block_without_an_owner_has_leaked() -> None:
    allocator = Allocator()
    address = allocator.alloc(100)
    report = audit(allocator, [])
    assert (report.ok, report.leaked, report.drift) == (False, [(address, 112)], 0)
    assert report.lines() == ["1 blocks of 112 bytes leaked", f"leaked: address {address}, 112 bytes"]


def test_an_owned_address_without_a_block_is_dangling() -> None:
    allocator = Allocator()
    address = allocator.alloc(100)
    allocator.free(address)
    report = audit(allocator, [("value", address), ("key", 0)])
    assert report.dangling == [("value", address), ("key", 0)]
    assert not report.ok


def test_a_block_with_two_owners_is_shared() -> None:
    allocator = Allocator()
    address = allocator.alloc(100)
    report = audit(allocator, [("key", address), ("value", address)])
    assert report.shared == [("key", "value", address)]
    assert report.lines()[-1] == f"shared: address {address} of key and value"


def test_a_wrong_used_memory_is_drift() -> None:
    allocator = Allocator()
    address = allocator.alloc(100)
    allocator.used_memory += 5
    report = audit(allocator, [("key", address)])
    assert (report.ok, report.drift) == (False, 5)
    assert report.lines() == ["used_memory is 117, the blocks add up to 112"]


def test_the_report_lists_only_the_first_findings_of_a_kind() -> None:
    allocator = Allocator()
    for _ in range(1000):
        allocator.alloc(8)
    assert len(audit(allocator, []).lines()) == 11
