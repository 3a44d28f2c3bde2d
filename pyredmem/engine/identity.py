"""The random names by which a server is told from others."""

from __future__ import annotations

from typing import Final

from pyredmem.base.rng import Random

_DIGITS: Final = 40
#: The second replication id of a server that never followed another.
NO_ID: Final = b"0" * _DIGITS


class Identity:
    """Run id and replication id, 40 hexadecimal digits each."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.run_id = rng.token(_DIGITS)
        self.replication_id = rng.token(_DIGITS)

    def change_replication_id(self) -> None:
        """Take another replication id."""
        self.replication_id = self._rng.token(_DIGITS)
