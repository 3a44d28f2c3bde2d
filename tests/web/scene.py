"""A server's life for screenshots and for the test of many slabs: filled, churned, defragmented.

The heap is a rough picture, not the ledger: slabs that are filled, lose regions at random, and are emptied into each
other. The figures of the frames follow from it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.web.messages import CLASSES, EXTENT, KIND_OF, Message, frame, heap_frame

PAGE = 4096
ARENA_BYTES = 1 << 20
#: Slabs of each class in 10,000: keys, hash tables' entries, small values, a few larger ones.
SHARES = {16: 900, 24: 2300, 32: 700, 48: 600, 64: 2000, 96: 400, 128: 900, 224: 500, 320: 900, 640: 500, 1280: 300}
#: The share of each command.
COMMANDS = {"get": 0.62, "set": 0.2, "hgetall": 0.08, "expire": 0.05, "lrange": 0.03, "zadd": 0.02}


class Scene:
    """A heap, and the figures of a server whose heap it is."""

    def __init__(self, slabs: int, *, extents: int = 60, seed: int = 1) -> None:
        self.rng = random.Random(seed)
        self.heap: dict[int, tuple[int, int]] = {}
        self.counters = dict.fromkeys(("commands", "hits", "misses", "expired", "evicted", "moved", "left"), 0.0)
        self.calls = dict.fromkeys(COMMANDS, 0)
        self.pending = 0.0
        self.old_slabs: list[int] = []  # where defragmentation began
        self._fill(slabs, extents)

    def _fill(self, slabs: int, extents: int) -> None:
        kinds = self.rng.choices([KIND_OF[size] for size in SHARES], list(SHARES.values()), k=slabs)
        places = [*kinds, *([EXTENT] * extents)]
        self.rng.shuffle(places)
        page = 0x7F0000000 // 16
        for kind in places:
            if kind == EXTENT:
                pages = int(self.rng.paretovariate(1.1) * 4)
                self.heap[page] = (kind, min(pages, 2048))
                page += min(pages, 2048)
            else:
                self.heap[page] = (kind, int(CLASSES[kind - 1]["regions"]))
                page += int(CLASSES[kind - 1]["pages"])

    def slabs(self) -> list[int]:
        return [page for page, (kind, _) in self.heap.items() if kind != EXTENT]

    def churn(self, slabs: int) -> None:
        """Delete keys: some slabs lose regions, older ones more; an empty one goes."""
        pages = self.slabs()
        for page in self.rng.sample(pages, min(slabs, len(pages))):
            kind, used = self.heap[page]
            left = used - self.rng.randint(1, max(1, used // 2))
            if left > 0:
                self.heap[page] = (kind, left)
            else:
                del self.heap[page]
        self.counters["expired"] += slabs * 3

    def defragment(self, slabs: int, from_share: float) -> None:
        """Empty the sparse slabs among the next ones into earlier ones, which become full."""
        if not self.old_slabs:
            self.old_slabs = sorted(self.slabs())
        first = int(len(self.old_slabs) * from_share)
        for page in self.old_slabs[first : first + slabs]:
            if page not in self.heap:
                continue
            kind, used = self.heap[page]
            regions = int(CLASSES[kind - 1]["regions"])
            if self.rng.random() < used / regions:
                self.heap[page] = (kind, regions - (self.rng.random() < 0.3))
            else:
                del self.heap[page]
            self.counters["moved"] += regions / 2
            self.counters["left"] += regions / 6

    def serve(self, load: float) -> None:
        """A second of clients' commands."""
        for name, share in COMMANDS.items():
            self.calls[name] += int(load * share * self.rng.uniform(0.92, 1.08))
        self.counters["commands"] += load * self.rng.uniform(0.93, 1.07)
        hits = load * 0.7
        self.counters["hits"] += hits * self.rng.uniform(0.9, 0.93)
        self.counters["misses"] += hits * self.rng.uniform(0.06, 0.1)

    def values(self) -> dict[str, float]:
        used = active = 0
        for kind, amount in self.heap.values():
            shape = CLASSES[min(kind, len(CLASSES)) - 1]
            used += amount * (PAGE if kind == EXTENT else int(shape["size"]))
            active += PAGE * (amount if kind == EXTENT else int(shape["pages"]))
        rss = active * 1.9 + 24e6
        return {
            "redis_memory_used_bytes": float(used),
            "redis_memory_used_rss_bytes": rss,
            "redis_memory_used_peak_bytes": used * 1.2,
            "redis_memory_max_bytes": float(256 << 20),
            "redis_allocator_active_bytes": float(active),
            "redis_allocator_resident_bytes": active * 1.06,
            "redis_allocator_frag_ratio": active / used,
            "redis_allocator_frag_bytes": float(active - used),
            "redis_mem_fragmentation_ratio": rss / used,
            "redis_commands_processed_total": self.counters["commands"],
            "redis_keyspace_hits_total": self.counters["hits"],
            "redis_keyspace_misses_total": self.counters["misses"],
            "redis_expired_keys_total": self.counters["expired"],
            "redis_evicted_keys_total": self.counters["evicted"],
            "redis_lazyfree_pending_objects": self.pending,
            "redis_connected_clients": 48.0,
            "redis_blocked_clients": 2.0,
        }

    def frame(self, at: float, before: dict[int, tuple[int, int]] | None) -> Message:
        """The frame of this moment. Without a heap before it, it is the first one of a connection."""
        latencies = {"get": 1.2, "set": 2.4, "hgetall": 9.1, "expire": 1.4, "lrange": 21.0, "zadd": 4.2}
        commands = [
            {"name": name, "calls": calls, "us": calls * us, "p50": us * self.rng.uniform(0.8, 0.9),
             "p99": us * self.rng.uniform(2.6, 3.0), "p999": us * self.rng.uniform(6.0, 8.0)}
            for (name, calls), us in zip(self.calls.items(), latencies.values(), strict=True)
        ]  # fmt: skip
        arenas = [int(ARENA_BYTES * self.rng.uniform(0.55, 1)) for _ in range(len(self.heap) // 80)]
        arenas[-3:] = [int(ARENA_BYTES * part) for part in (0.4, 0.2, 0.05)]
        defrag = {"running": 0, "hits": int(self.counters["moved"]), "misses": int(self.counters["left"]),
                  "key_hits": int(self.counters["moved"] / 5), "key_misses": 0}  # fmt: skip
        return heap_frame(
            at, before or {}, self.heap, reset=before is None, values=self.values(), commands=commands,
            defrag=defrag, arenas={"size": ARENA_BYTES, "used": arenas},
        )  # fmt: skip


def life(scene: Scene, seconds: int, began: float) -> Iterator[Message]:
    """A frame for each second: a third of the time quiet, a third of it churn, a third of it defragmentation."""
    third = seconds // 3
    before: dict[int, tuple[int, int]] | None = None
    for second in range(seconds):
        phase, step = divmod(second, third)
        scene.serve(42_000 if phase == 1 else 26_000 + 60 * step)
        if phase == 1:
            scene.churn(len(scene.heap) // 60)
            scene.pending = max(0.0, scene.pending + scene.rng.randint(-180, 200))
            scene.counters["evicted"] += scene.rng.randint(0, 60) if step > third // 2 else 0
        elif phase >= 2:
            scene.defragment(len(scene.heap) // third, step / third)
            scene.pending *= 0.6
        yield scene.frame(began + second, before)
        before = dict(scene.heap)


__all__ = ["Scene", "frame", "life"]
