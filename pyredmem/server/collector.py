"""Python's cyclic garbage collector in a server process.

Commands create no reference cycles, so reference counting alone frees all their memory. If the collector ran on its own
schedule, it would stop the server to walk through a data set in which it finds nothing. Therefore it is turned off,
from the start, because a load makes many objects.

Connections do create cycles: a transport, its protocol and what TLS adds refer to each other, and not every event loop
breaks these cycles. So the collector runs each time a number of connections have ended. It does not know the objects of
a compiled core, so a run takes microseconds. When the core is interpreted, a million keys take a tenth of a second.
"""

import gc
from typing import Final

ENDED_PER_RUN: Final = 1000


class Collector:
    """Decides when the collector runs."""

    def __init__(self) -> None:
        self._ended_at_last_run = 0
        self._in_charge = False

    def turn_off(self) -> None:
        """Turn the automatic collector off."""
        gc.collect()
        gc.disable()

    def take_charge(self) -> None:
        """Begin to decide, and exclude everything that exists now from later runs."""
        gc.freeze()
        self._in_charge = True

    def is_due(self, connections_ended: int) -> bool:
        """Whether enough connections have ended since the last run, of `connections_ended` altogether."""
        return self._in_charge and connections_ended - self._ended_at_last_run >= ENDED_PER_RUN

    def tick(self, connections_ended: int) -> None:
        """Run the collector if that is due."""
        if self.is_due(connections_ended):
            self._ended_at_last_run = connections_ended
            gc.collect()
