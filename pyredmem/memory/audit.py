"""The audit: do the living objects own exactly the blocks that are allocated in the ledger?

The caller walks the server and reports each block that something owns, with its purpose (``"key"``, ``"dict entry"``,
``"client"`` ...). The audit compares the reported blocks with the heap:

* a live block that was not reported has *leaked*;
* a reported address that is no live block is *dangling*;
* a block that was reported twice is *shared*: one owner will free it while the other still uses it;
* *drift* is the difference between used_memory and the startup block plus all live blocks.

An audit takes time and memory proportional to the number of blocks, about a microsecond and a hundred bytes for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from mypy_extensions import i64

from pyredmem.memory.heap import Heap

#: The most findings of one kind that a report lists.
LISTED: Final = 10


@dataclass
class PurposeTotal:
    """The blocks of one purpose, added up."""

    purpose: str
    blocks: int = 0
    size: int = 0


@dataclass
class AuditReport:
    """The findings of one audit."""

    #: Bytes of the startup block and of all live blocks.
    expected: int = 0
    used_memory: int = 0
    blocks: int = 0
    #: Address and usable size of each block.
    leaked: list[tuple[int, int]] = field(default_factory=list)
    #: Purpose and address of each report.
    dangling: list[tuple[str, int]] = field(default_factory=list)
    #: First purpose, second purpose and address of each block; a block with three owners is there twice.
    shared: list[tuple[str, str, int]] = field(default_factory=list)
    totals: dict[str, PurposeTotal] = field(default_factory=dict)

    @property
    def drift(self) -> int:
        """Bytes by which used_memory is too high."""
        return self.used_memory - self.expected

    @property
    def ok(self) -> bool:
        """Whether the audit found no fault."""
        return not (self.leaked or self.dangling or self.shared or self.drift)

    def leaked_bytes(self) -> int:
        return sum([size for _, size in self.leaked])

    def lines(self) -> list[str]:
        """The faults as text, at most ``LISTED`` of each kind."""
        lines: list[str] = []
        if self.drift:
            lines.append(f"used_memory is {self.used_memory}, the blocks add up to {self.expected}")
        if self.leaked:
            lines.append(f"{len(self.leaked)} blocks of {self.leaked_bytes()} bytes leaked")
        lines += [f"leaked: address {address}, {size} bytes" for address, size in self.leaked[:LISTED]]
        if self.dangling:
            lines.append(f"{len(self.dangling)} addresses are owned but not allocated")
        lines += [f"dangling: address {address} of {purpose}" for purpose, address in self.dangling[:LISTED]]
        if self.shared:
            lines.append(f"{len(self.shared)} blocks have several owners")
        lines += [f"shared: address {at} of {one} and {other}" for one, other, at in self.shared[:LISTED]]
        return lines


def audit(heap: Heap, owners: Iterable[tuple[str, int]]) -> AuditReport:
    """Compare the blocks that ``owners`` reports, as pairs of purpose and address, with the live blocks of the heap."""
    report = AuditReport(used_memory=heap.used_memory)
    purpose_of: dict[int, str] = {}
    totals = report.totals
    for purpose, address in owners:
        size: i64 = heap.live_size(address)
        if size == 0:
            report.dangling.append((purpose, address))
            continue
        if address in purpose_of:
            report.shared.append((purpose_of[address], purpose, address))
            continue
        purpose_of[address] = purpose
        total = totals.get(purpose)
        if total is None:
            total = PurposeTotal(purpose)
            totals[purpose] = total
        total.blocks += 1
        total.size += size
    report.expected = heap.reserved_bytes + sum([total.size for total in totals.values()])
    for address in heap.live_addresses():
        report.blocks += 1
        if address not in purpose_of:
            size = heap.live_size(address)
            report.leaked.append((address, size))
            report.expected += size
    return report
