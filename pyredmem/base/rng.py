"""The one source of random numbers. It takes a seed and is passed in, so that a test can repeat what happened."""

from __future__ import annotations

from librt import random as native
from mypy_extensions import i64


class Random:
    """Pseudo-random numbers for sampling and for skiplist heights; not for secrets."""

    def __init__(self, seed: i64) -> None:
        self._source = native.Random(seed)

    def seed(self, seed: i64) -> None:
        """Start again from ``seed``."""
        self._source.seed(seed)

    def below(self, bound: i64) -> i64:
        """An integer from 0 to ``bound`` - 1, all equally likely; ``bound`` must be positive."""
        return self._source.randrange(bound)

    def unit(self) -> float:
        """A number from 0 up to but not including 1, uniformly distributed."""
        return self._source.random()

    def token(self, length: i64) -> bytes:
        """``length`` lower-case hexadecimal digits, as Redis uses them for its run id."""
        return bytes([b"0123456789abcdef"[self.below(16)] for _ in range(length)])
