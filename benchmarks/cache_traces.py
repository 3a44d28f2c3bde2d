"""Sequences of accesses to a cache: which key is asked for, one after another, as numbers.

Sizes are relative to `capacity`, the number of keys the cache can hold. The same seed gives the same trace.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from itertools import accumulate, islice

Trace = Callable[[int, int, int], "array[int]"]  # capacity, number of accesses, seed

SPREAD = 5  # the trace has this many times as many keys as the cache can hold
SKEW = 0.9  # exponent of Zipf's law; near 1, as measured for requests of web pages and for keys of shared caches
SCAN_SHARE = 0.25  # of the accesses of the mixed trace
SCAN_LENGTH = 2_000  # accesses in a row
HOT_SHARE = 0.9  # of the accesses go to the hot keys
HOT_SIZE = 0.5  # of the capacity
SHIFTS = 6  # sets of hot keys in a trace
LOOP_SIZE = 1.25  # of the capacity


def zipf(capacity: int, accesses: int, seed: int) -> array[int]:
    """A few keys are asked for often, most rarely: the k-th with a weight of k ** -SKEW."""
    weights = list(accumulate((rank + 1) ** -SKEW for rank in range(capacity * SPREAD)))
    chance = random.Random(seed)
    return array("q", chance.choices(range(len(weights)), cum_weights=weights, k=accesses))


def scan_with_zipf(capacity: int, accesses: int, seed: int) -> array[int]:
    """Zipf, interrupted by runs of keys that are asked for only once, as a report or a backup would ask for them."""
    popular = zipf(capacity, accesses, seed)
    cold = capacity * SPREAD
    found = array("q")
    between = round(SCAN_LENGTH * (1 - SCAN_SHARE) / SCAN_SHARE)
    for start in range(0, accesses, between):
        found.extend(popular[start : start + between])
        found.extend(range(cold, cold + SCAN_LENGTH))
        cold += SCAN_LENGTH
        if len(found) >= accesses:
            break
    return found[:accesses]


def shifting_hot_set(capacity: int, accesses: int, seed: int) -> array[int]:
    """Most accesses go to a few hot keys, and each sixth of the trace has other hot keys; the rest go to any key."""
    chance = random.Random(seed)
    hot = round(capacity * HOT_SIZE)
    universe = max(capacity * SPREAD, hot * SHIFTS)
    stretch = -(-accesses // SHIFTS)
    found = array("q")
    for number in range(accesses):
        if chance.random() < HOT_SHARE:
            found.append(number // stretch * hot + chance.randrange(hot))
        else:
            found.append(chance.randrange(universe))
    return found


def loop(capacity: int, accesses: int, seed: int) -> array[int]:
    """The same keys over and over, in a random but fixed order: a quarter more keys than the cache can hold."""
    order = list(range(round(capacity * LOOP_SIZE)))
    random.Random(seed).shuffle(order)
    rounds = -(-accesses // len(order))
    return array("q", islice(order * rounds, accesses))


TRACES: dict[str, Trace] = {
    "zipf": zipf,
    "scan with zipf": scan_with_zipf,
    "shifting hot set": shifting_hot_set,
    "loop": loop,
}
