"""The identity of a server: the random ids that distinguish it from others."""

from __future__ import annotations

from typing import Final

from pyredmem.base.rng import Random

_DIGITS: Final = 40
#: The second replication id of a server that never followed another.
NO_ID: Final = b"0" * _DIGITS


class Identity:
    """The run id and the replication id, each of 40 hexadecimal digits."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.run_id = rng.token(_DIGITS)
        self.replication_id = rng.token(_DIGITS)

    def change_replication_id(self) -> None:
        self.replication_id = self._rng.token(_DIGITS)
