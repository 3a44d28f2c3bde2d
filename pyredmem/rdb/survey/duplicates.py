"""String values that occur more than once, and the memory that their copies take, in bounded memory.

Two things are kept, both by a digest of 64 bits:

* A *sample* of the values, each with the number of its occurrences: at first all of them, then, when there are too
  many, those whose digest ends with a bit that is 0, then those with two such bits, and so on. A value is in the sample
  or it is not, however often it occurs. So the sampled ones are counted exactly, and all others estimated from them.
* The most *wasteful* values found so far, among those that were seen twice. When there are too many, those whose
  copies take the least are forgotten.

A few values with very many copies could spoil the estimate, in the sample or out of it, so the most wasteful ones are
counted apart::

    all copies = copies of the most wasteful values + 2^bits * (copies of the other values of the sample)

The error is that of such an estimate, computed from the sample. What was forgotten of a wasteful value before it was
noticed is missing, which is little: it has many copies.
"""

from __future__ import annotations

from hashlib import blake2b
from heapq import nlargest
from math import sqrt
from typing import Final, NamedTuple

#: How many values are in the sample, and how many wasteful ones are kept: about 10 MB in all.
_SAMPLED: Final = 40_000
_WASTEFUL: Final = 20_000
#: How many values are counted apart from the sample.
_APART: Final = 200
_DIGEST_BYTES: Final = 8
#: Two standard errors: the truth lies within in 19 of 20 cases.
_ERRORS: Final = 2


class Repeated(NamedTuple):
    """A value that occurs more than once."""

    copies: int  # all but the first
    size: int  # bytes of one
    database: int
    key: bytes  # one of its keys

    def wasted_bytes(self) -> int:
        """What the copies take."""
        return self.copies * self.size


class Estimate(NamedTuple):
    """A number with its error, which is 0 if everything was counted."""

    number: int
    error: int


class Copies(NamedTuple):
    """What was found."""

    values: Estimate  # that occur more than once
    copies: Estimate
    size: Estimate  # bytes of all copies
    worst: list[Repeated]  # the values whose copies take the most


class _Value:
    """A value that may be wasteful."""

    def __init__(self, size: int, database: int, key: bytes) -> None:
        self.occurrences = 2
        self.size = size
        self.database = database
        self.key = key


class Duplicates:
    """Counts equal values. At most ``sampled`` of them are in the sample; None means that all are."""

    def __init__(self, sampled: int | None = _SAMPLED, wasteful: int = _WASTEFUL) -> None:
        self._most_sampled = sampled
        self._most_wasteful = wasteful
        self._sample: dict[int, list[int]] = {}  # by digest: occurrences, and bytes of one
        self._seen: set[int] = set()  # digests of values that occurred once, so far
        self._wasteful: dict[int, _Value] = {}  # by digest
        self._mask = 0  # the bits of a digest that are 0 in the sample

    def add(self, data: bytes, size: int, key: bytes, database: int) -> None:
        """Count a value that takes ``size`` bytes."""
        digest = int.from_bytes(blake2b(data, digest_size=_DIGEST_BYTES).digest())
        if not digest & self._mask:
            found = self._sample.get(digest)
            if found is None:
                self._add_to_sample(digest, size)
            else:
                found[0] += 1
        value = self._wasteful.get(digest)
        if value is not None:
            value.occurrences += 1
        elif digest in self._seen:
            self._seen.remove(digest)
            self._add_wasteful(digest, _Value(size, database, key))
        else:
            if len(self._seen) >= 2 * self._most_wasteful:
                self._seen.clear()
            self._seen.add(digest)

    def _add_to_sample(self, digest: int, size: int) -> None:
        self._sample[digest] = [1, size]
        while self._most_sampled is not None and len(self._sample) > self._most_sampled:
            self._mask = 2 * self._mask + 1
            self._sample = {digest: found for digest, found in self._sample.items() if not digest & self._mask}

    def _add_wasteful(self, digest: int, value: _Value) -> None:
        self._wasteful[digest] = value
        if len(self._wasteful) > self._most_wasteful:
            kept = nlargest(self._most_wasteful // 2, self._wasteful, key=self._waste)
            self._wasteful = {digest: self._wasteful[digest] for digest in kept}

    def _waste(self, digest: int) -> int:
        """What the copies of a value take, as far as it was noticed."""
        value = self._wasteful[digest]
        return (value.occurrences - 1) * value.size

    def is_estimate(self) -> bool:
        """Whether values were left out of the sample."""
        return self._mask > 0

    def result(self, worst: int) -> Copies:
        """The numbers, and the ``worst`` values whose copies take the most."""
        known = {digest: self._repeated(digest) for digest in nlargest(_APART, self._wasteful, key=self._waste)}
        apart = list(known.values())
        others = [(n - 1, size) for digest, (n, size) in self._sample.items() if n > 1 and digest not in known]
        return Copies(
            values=self._estimate([1] * len(apart), [1] * len(others)),
            copies=self._estimate([value.copies for value in apart], [copies for copies, _ in others]),
            size=self._estimate([value.wasted_bytes() for value in apart], [copies * size for copies, size in others]),
            worst=sorted(apart, key=Repeated.wasted_bytes, reverse=True)[:worst],
        )

    def _repeated(self, digest: int) -> Repeated:
        """A wasteful value. If it is in the sample, all its occurrences are known."""
        value = self._wasteful[digest]
        occurrences, _ = self._sample.get(digest, (value.occurrences, 0))
        return Repeated(occurrences - 1, value.size, value.database, value.key)

    def _estimate(self, known: list[int], sample: list[int]) -> Estimate:
        """A sum. Each value that is not known had the chance ``1 / scale`` to come into the sample."""
        scale = self._mask + 1
        error = sqrt(scale * (scale - 1) * sum([number * number for number in sample]))
        return Estimate(sum(known) + scale * sum(sample), round(_ERRORS * error))
