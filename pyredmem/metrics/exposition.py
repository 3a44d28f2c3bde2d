"""Metrics as text for Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pyredmem.metrics.names import COUNTER, NAMES

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

#: redis_exporter's counters whose names do not end with ``_total``, see `family`.
_UNUSUAL: Final = [name.metric for name in NAMES if name.kind == COUNTER and not name.metric.endswith("_total")]
_TYPE_LINE: Final = re.compile(rb"^(# TYPE (?:%b) )gauge$" % "|".join(_UNUSUAL).encode(), re.MULTILINE)


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def text_of(families: Iterable[Metric]) -> bytes:
    """The families in Prometheus's text format."""
    return _TYPE_LINE.sub(rb"\1counter", generate_latest(_Families(families)))
