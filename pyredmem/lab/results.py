"""What replays have found out: rows, curves, a table, JSON, and a last line in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any, Final

import numpy as np

from pyredmem.lab.engine_run import Outcome
from pyredmem.lab.exact import ALGORITHMS
from pyredmem.lab.trace import Numbers
from pyredmem.rdb.survey.document import size_text

#: With these the number of samples makes no difference.
UNSAMPLED: Final = ("noeviction", "allkeys-random", "volatile-random", *ALGORITHMS)
#: The policy with which the best one is compared in words.
_USUAL: Final = "allkeys-lru"
#: Hit ratios that differ by less are called equal.
_EQUAL: Final = 0.001


def label_of(outcome: Outcome) -> str:
    """The name of the curve that a row belongs to."""
    configuration = outcome.configuration
    parts = [configuration.policy]
    if configuration.policy not in UNSAMPLED:
        parts.append(f"{configuration.samples} samples")
    return ", ".join([*parts, configuration.version] if configuration.version else parts)


@dataclass
class Curve:
    """Hit ratios by size: limits in bytes, rising, and shares from 0 to 1."""

    label: str
    policy: str
    sizes: Numbers
    hit_ratios: Numbers
    version: str = ""

    @property
    def name(self) -> str:
        """The policy, and the version if one was asked for."""
        return f"{self.policy} of {self.version}" if self.version else self.policy

    def ratio_at(self, size: float) -> float:
        """The hit ratio at a size, between two that were measured in proportion to the logarithm of the size."""
        return float(np.interp(log(size), np.log(self.sizes), self.hit_ratios))

    def size_for(self, ratio: float) -> float | None:
        """The smallest size with this hit ratio; None if no size has it."""
        sizes, ratios = self.sizes, np.maximum.accumulate(self.hit_ratios)
        at = int(np.searchsorted(ratios, ratio))
        if at == len(ratios):
            return None
        if at == 0 or ratios[at] == ratio:
            return float(sizes[at])
        share = (ratio - ratios[at - 1]) / (ratios[at] - ratios[at - 1])
        return exp(log(sizes[at - 1]) + share * (log(sizes[at]) - log(sizes[at - 1])))


@dataclass
class Results:
    """The outcomes of all configurations, in the order in which those were given."""

    outcomes: list[Outcome]
    operations: int
    distinct_keys: int
    rate: float

    def arrays(self) -> dict[str, Numbers]:
        """The rows as columns, for a notebook."""
        rows = self.rows()
        return {name: np.array([row[name] for row in rows]) for name in rows[0] if name != "memory_by_type"}

    def rows(self) -> list[dict[str, Any]]:
        """The rows as tables of JSON."""
        return [
            {
                "policy": outcome.configuration.policy,
                "samples": 0 if outcome.configuration.policy in UNSAMPLED else outcome.configuration.samples,
                "maxmemory": outcome.configuration.maxmemory,
                "version": outcome.configuration.version,
                "hit_ratio": round(outcome.hit_ratio, 6),
                "reads": outcome.reads,
                "misses": outcome.misses,
                "evicted_keys": outcome.evicted,
                "refused_writes": outcome.refused,
                "over_limit_seconds": outcome.over_limit_seconds,
                "used_memory": outcome.used_memory,
                "keys": outcome.keys,
                "memory_by_type": outcome.memory_by_type,
            }
            for outcome in self.outcomes
        ]

    def curves(self) -> list[Curve]:
        """The hit ratios by size, a curve for each policy and number of samples."""
        found: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            found.setdefault(label_of(outcome), []).append(outcome)
        return [_curve(label, outcomes) for label, outcomes in found.items()]

    def curve(self, policy: str, samples: int = 0, version: str = "") -> tuple[Numbers, Numbers]:
        """Sizes and hit ratios of a policy, for a plot. Raises KeyError if it was not replayed."""
        for curve in self.curves():
            of_samples = not samples or policy in UNSAMPLED or f"{samples} samples" in curve.label.split(", ")
            if curve.policy == policy and of_samples and version in ("", curve.version):
                return curve.sizes, curve.hit_ratios
        raise KeyError(policy)

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file of JSON."""
        return {
            "operations": self.operations,
            "distinct_keys": self.distinct_keys,
            "sampled_at": self.rate,
            "rows": self.rows(),
            "conclusion": self.conclusion(),
        }

    # In words.

    def conclusion(self) -> str:
        """One sentence: what the best policy is worth, in memory."""
        curves = [c for c in self.curves() if c.policy not in ALGORITHMS and c.policy != "noeviction"]
        if len({curve.policy for curve in curves}) < 2:
            return self._conclusion_of_one(curves)
        sizes = curves[0].sizes
        size = float(sizes[(len(sizes) - 1) // 2])
        ranked = sorted(curves, key=lambda curve: -curve.ratio_at(size))
        best = ranked[0]
        others = [curve for curve in ranked if curve.policy != best.policy and curve.version == best.version]
        other = next((curve for curve in others if curve.policy == _USUAL), others[0])
        ratio = best.ratio_at(size)
        if ratio - other.ratio_at(size) < _EQUAL:
            return f"At {size_text(size)} {best.name} and {other.name} give the same: {ratio:.1%} hits."
        needed = other.size_for(ratio)
        if needed is None:
            largest = float(other.sizes[-1])
            return f"{best.name} at {size_text(size)} gives more than {other.name} gives at {size_text(largest)}."
        return f"{best.name} at {size_text(size)} gives what {other.name} gives at {size_text(needed)}."

    def _conclusion_of_one(self, curves: Sequence[Curve]) -> str:
        if not curves:
            return "No policy that evicts was replayed, so none can be recommended."
        curve = max(curves, key=lambda curve: float(curve.hit_ratios[-1]))
        low, high = curve.sizes[0], curve.sizes[-1]
        text = f"{curve.name} gives {curve.hit_ratios[0]:.1%} hits at {size_text(float(low))}"
        if low == high:
            return f"{text}."
        return f"{text}, and {curve.hit_ratios[-1]:.1%} at {size_text(float(high))}."

    def notes(self) -> list[str]:
        """What somebody who reads the rows must know."""
        found = []
        if self.rate < 1:
            found.append(
                f"Sampled at {self.rate:g} of the keys: reads, misses, evicted keys and memory are those of the sample."
            )
        if any(outcome.refused for outcome in self.outcomes):
            found.append("Where writes were refused, memory was short and the policy found nothing to evict.")
        return found


def _curve(label: str, outcomes: list[Outcome]) -> Curve:
    ordered = sorted(outcomes, key=lambda outcome: outcome.configuration.maxmemory)
    return Curve(
        label,
        ordered[0].configuration.policy,
        np.array([outcome.configuration.maxmemory for outcome in ordered], dtype=float),
        np.array([outcome.hit_ratio for outcome in ordered]),
        ordered[0].configuration.version,
    )
