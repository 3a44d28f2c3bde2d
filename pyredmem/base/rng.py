"""The one source of chance: seedable and passed in, so that a test can repeat what happened."""

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
        """A whole number, uniform from 0 to ``bound`` - 1; ``bound`` must be positive."""
        return self._source.randrange(bound)

    def unit(self) -> float:
        """A number, uniform from 0 up to but not including 1."""
        return self._source.random()

    def token(self, length: i64) -> bytes:
        """Lower-case hexadecimal digits, such as Redis uses for its run id."""
        return bytes([b"0123456789abcdef"[self.below(16)] for _ in range(length)])
