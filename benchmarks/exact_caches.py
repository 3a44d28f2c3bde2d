"""Caches that choose their victims exactly, to compare with servers that choose by samples.

Each holds at most `capacity` keys and is used as a cache in front of a slow store: :meth:`Cache.get`, and after a miss
:meth:`Cache.put`. An access costs O(1).
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import OrderedDict


class Cache(ABC):
    """A cache of keys; it has no values."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity

    @abstractmethod
    def get(self, key: int) -> bool:
        """Whether the key is in the cache; a hit counts as an access."""

    @abstractmethod
    def put(self, key: int) -> None:
        """Add the key; if the cache is full, a victim is evicted first."""

    @abstractmethod
    def __len__(self) -> int:
        """How many keys are held."""


class ExactLru(Cache):
    """Evicts the key whose last access is the longest ago."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._keys: OrderedDict[int, None] = OrderedDict()  # in order of their last access

    def get(self, key: int) -> bool:
        """A hit makes the key the latest."""
        if key not in self._keys:
            return False
        self._keys.move_to_end(key)
        return True

    def put(self, key: int) -> None:
        """The key becomes the latest, whether it is new or not."""
        if not self.get(key):
            if len(self._keys) == self.capacity:
                self._keys.popitem(last=False)
            self._keys[key] = None

    def __len__(self) -> int:
        return len(self._keys)


class ExactFifo(ExactLru):
    """Evicts the key that was added first: if all have the same time to live, the one that expires first."""

    def get(self, key: int) -> bool:
        """A hit changes nothing."""
        return key in self._keys


class ExactLfu(Cache):
    """Evicts the key with the fewest accesses since it was added; of several, the one not accessed for longest.

    Keys with the same count are in one queue. A hit moves a key to the end of the next queue. A new key has the
    least possible count, so the least count that has keys is always known.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._counts: dict[int, int] = {}
        self._queues: dict[int, OrderedDict[int, None]] = {}
        self._least = 0

    def get(self, key: int) -> bool:
        count = self._counts.get(key)
        if count is None:
            return False
        queue = self._queues[count]
        del queue[key]
        if not queue:
            del self._queues[count]
            if self._least == count:
                self._least = count + 1
        self._place(key, count + 1)
        return True

    def put(self, key: int) -> None:
        """A new key gets a count of one; a key that is in the cache is accessed."""
        if self.get(key):
            return
        if len(self._counts) == self.capacity:
            self._give_up()
        self._least = 1
        self._place(key, 1)

    def _place(self, key: int, count: int) -> None:
        self._counts[key] = count
        self._queues.setdefault(count, OrderedDict())[key] = None

    def _give_up(self) -> None:
        queue = self._queues[self._least]
        victim, _ = queue.popitem(last=False)
        del self._counts[victim]
        if not queue:
            del self._queues[self._least]

    def __len__(self) -> int:
        return len(self._counts)


class ExactRandom(Cache):
    """Evicts any key, each with the same probability."""

    def __init__(self, capacity: int, seed: int = 1) -> None:
        super().__init__(capacity)
        self._held: set[int] = set()
        self._places: list[int] = []
        self._chance = random.Random(seed)

    def get(self, key: int) -> bool:
        """A hit changes nothing."""
        return key in self._held

    def put(self, key: int) -> None:
        """The new key takes the place of its victim."""
        if key in self._held:
            return
        if len(self._places) == self.capacity:
            at = self._chance.randrange(self.capacity)
            self._held.discard(self._places[at])
            self._places[at] = key
        else:
            self._places.append(key)
        self._held.add(key)

    def __len__(self) -> int:
        return len(self._places)
