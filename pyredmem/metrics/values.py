"""The metrics of a reading that have no labels, as numbers by name: what conditions are made of."""

from __future__ import annotations

from pyredmem.metrics.names import NAMES, OWN_NAMES
from pyredmem.metrics.reading import Reading


def values_of(reading: Reading) -> dict[str, float]:
    """The numbers, as `families` tells them. Of the latency events it is the latest one."""
    found = {name.metric: reading.number(name.field) for name in (*NAMES, *OWN_NAMES)}
    scales = {name.metric: name.scale for name in (*NAMES, *OWN_NAMES)}
    values = {metric: number * scales[metric] for metric, number in found.items() if number is not None}
    if reading.spikes:
        values["redis_latency_spike_last"] = float(max(spike.unix_s for spike in reading.spikes))
    return values
