"""The audit: does everything alive own exactly what the ledger believes is allocated?

Whoever walks the server names every block it finds, with its purpose (``"key"``, ``"dict entry"``,
``"client"`` ...). The audit compares these names with the heap:

* a block that nobody named has *leaked*;
* a named address that is no live block is *dangling*;
* a block named twice is *shared*, and somebody will free it under the other's feet;
* ``drift`` is what used_memory says beyond startup and the sum over all live blocks.

It takes time and memory proportional to the number of blocks, about a microsecond and a hundred bytes each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from mypy_extensions import i64

from pyredmem.memory.heap import Heap

#: findings of one kind that a summary lists
LISTED: Final = 10


@dataclass
class PurposeTotal:
    """What the blocks of one purpose add up to."""

    purpose: str
    blocks: int = 0
    size: int = 0


@dataclass
class AuditReport:
    """What the audit found."""

    #: startup block and blocks alive, in bytes
    expected: int = 0
    used_memory: int = 0
    blocks: int = 0
    #: address and usable size
    leaked: list[tuple[int, int]] = field(default_factory=list)
    #: purpose and address
    dangling: list[tuple[str, int]] = field(default_factory=list)
    #: first purpose, other purpose and address
    shared: list[tuple[str, str, int]] = field(default_factory=list)
    totals: dict[str, PurposeTotal] = field(default_factory=dict)

    @property
    def drift(self) -> int:
        """Bytes that used_memory says too many."""
        return self.used_memory - self.expected

    @property
    def ok(self) -> bool:
        """Whether there is nothing to complain about."""
        return not (self.leaked or self.dangling or self.shared or self.drift)

    def leaked_bytes(self) -> int:
        """Return the sum of what leaked."""
        return sum([size for _, size in self.leaked])

    def lines(self) -> list[str]:
        """Return the complaints as text, the first few of every kind."""
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
    """Compare the blocks that ``owners`` names (purpose, address) with the live ones of the heap."""
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
