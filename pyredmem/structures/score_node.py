"""The nodes of the tree that `score_order` describes: leaves with items, branches with children.

A node knows what is in it and below it, but not its own place in the tree. The low item of a branch's first child is
never read.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i64, mypyc_attr

from pyredmem.base.build import COMPILED
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_counts, relocated_floats, relocated_list

#: The most entries of a leaf and of a branch: few enough that an insertion moves little, enough to keep the tree low.
LEAF_LIMIT: Final = 128
BRANCH_LIMIT: Final = 64


def _insert(scores: vec[float], at: i64, score: float) -> vec[float]:
    """Insert a score at a place; returns the new array. The loop is faster in compiled code only."""
    last: i64 = len(scores)
    if at == last:
        return append(scores, score)
    if not COMPILED:
        return extend(append(scores[:at], score), scores[at:])
    scores = append(scores, score)
    while last > at:
        scores[last] = scores[last - 1]
        last -= 1
    scores[at] = score
    return scores


@mypyc_attr(acyclic=True)
class ScoreNode:
    """A leaf with its items, or a branch with its children and, for each child, a low item.

    No item below a child is lower than the child's low item.
    """

    def __init__(self, children: list[ScoreNode] | None) -> None:
        self.scores: vec[float] = vec[float]()
        self.members: list[bytes] = []
        self.children: list[ScoreNode] | None = children
        self.counts: vec[i64] = vec[i64]()  # in a branch, the number of members below each child

    def total(self) -> i64:
        """The number of members here and below."""
        if self.children is None:
            return len(self.members)
        total: i64 = 0
        for count in self.counts:
            total += count
        return total

    def lower(self, score: float, member: bytes) -> i64:
        """How many entries are lower than an item."""
        scores = self.scores
        low: i64 = 0
        high: i64 = len(scores)
        while low < high:
            middle: i64 = (low + high) >> 1
            found = scores[middle]
            if found < score or (found == score and self.members[middle] < member):
                low = middle + 1
            else:
                high = middle
        return low

    def place_of(self, score: float, member: bytes) -> i64:
        """The entry of an item that is in this leaf.

        Members are scattered in memory, so they are looked at only if several items have this score.
        """
        scores = self.scores
        at = self.below_score(score, False)
        if at + 1 < len(scores) and scores[at + 1] == score:
            return self.lower(score, member)
        return at

    def child_of(self, score: float, member: bytes) -> i64:
        """The child in which an item belongs."""
        scores = self.scores
        low: i64 = 1
        high: i64 = len(scores)
        while low < high:
            middle: i64 = (low + high) >> 1
            found = scores[middle]
            if found < score or (found == score and self.members[middle] <= member):
                low = middle + 1
            else:
                high = middle
        return low - 1

    def insert(self, score: float, member: bytes, is_last: bool) -> ScoreNode | None:
        """Add an item; returns the new right neighbour of this node if it had to be split.

        ``is_last`` says that no leaf is to the right of this node. Nodes that grow at the end are then split so that
        the left part stays full.
        """
        children = self.children
        if children is None:
            at = self.lower(score, member)
            self.members.insert(at, member)
            self.scores = _insert(self.scores, at, score)
            size: i64 = len(self.members)
            if size <= LEAF_LIMIT:
                return None
            return self._split(size - 1 if is_last and at == size - 1 else size // 2)
        at = self.child_of(score, member)
        child = children[at]
        is_last = is_last and at == len(children) - 1
        added = child.insert(score, member, is_last)
        if added is None:
            self.counts[at] += 1
            return None
        self.counts[at] = child.total()
        self.insert_child(at + 1, added)
        size = len(children)
        if size <= BRANCH_LIMIT:
            return None
        return self._split(size - 1 if is_last else size // 2)

    def insert_child(self, at: i64, child: ScoreNode) -> None:
        """Add a child to a branch; the first entry of the child becomes its low item."""
        children = self.children
        assert children is not None
        children.insert(at, child)
        self.members.insert(at, child.members[0])
        self.scores = _insert(self.scores, at, child.scores[0])
        counts = append(self.counts[:at], child.total())
        self.counts = extend(counts, self.counts[at:])

    def _split(self, at: i64) -> ScoreNode:
        """Move the entries from a place on to a new node."""
        children = self.children
        right = ScoreNode(None)
        right.scores = self.scores[at:]
        right.members = self.members[at:]
        self.scores = self.scores[:at]
        del self.members[at:]
        if children is not None:
            right.children = children[at:]
            right.counts = self.counts[at:]
            self.counts = self.counts[:at]
            del children[at:]
        return right

    def remove(self, score: float, member: bytes) -> None:
        """Remove an item, which is there."""
        children = self.children
        if children is None:
            at = self.place_of(score, member)
            assert self.members[at] == member
            self.members.pop(at)
            self.scores = pop(self.scores, at)[0]
            return
        at = self.child_of(score, member)
        child = children[at]
        child.remove(score, member)
        self.counts[at] -= 1
        limit: i64 = LEAF_LIMIT if child.children is None else BRANCH_LIMIT
        if len(child.members) < limit // 4:
            self._rebalance(at, limit)

    def _rebalance(self, at: i64, limit: i64) -> None:
        """Drop a child that has no entries; join one that has few with a neighbour, if that leaves room in it."""
        children = self.children
        assert children is not None
        if len(children[at].members) == 0:
            self._drop_child(at)
            return
        left = at - 1 if at > 0 else at
        right = left + 1
        if right < len(children) and len(children[left].members) + len(children[right].members) <= limit * 3 // 4:
            moved = children[right]
            if moved.children is not None:
                # The low item of its own first child was never kept up to date; its low item here is right.
                moved.scores[0] = self.scores[right]
                moved.members[0] = self.members[right]
            children[left].join(moved)
            self.counts[left] += self.counts[right]
            self._drop_child(right)

    def _drop_child(self, at: i64) -> None:
        children = self.children
        assert children is not None
        children.pop(at)
        self.members.pop(at)
        self.scores = pop(self.scores, at)[0]
        self.counts = pop(self.counts, at)[0]

    def join(self, right: ScoreNode) -> None:
        """Take over the entries of the right neighbour."""
        self.scores = extend(self.scores, right.scores)
        self.members.extend(right.members)
        if self.children is not None and right.children is not None:
            self.children.extend(right.children)
            self.counts = extend(self.counts, right.counts)

    def below_score(self, score: float, inclusive: bool) -> i64:
        """How many entries have a score below this one, or equal to it if ``inclusive``."""
        scores = self.scores
        low: i64 = 0
        high: i64 = len(scores)
        while low < high:
            middle: i64 = (low + high) >> 1
            found = scores[middle]
            if found < score or (inclusive and found == score):
                low = middle + 1
            else:
                high = middle
        return low

    def below_member(self, member: bytes, inclusive: bool) -> i64:
        """How many entries have a member below this one, or equal to it if ``inclusive``; all scores must be equal."""
        members = self.members
        low: i64 = 0
        high: i64 = len(members)
        while low < high:
            middle: i64 = (low + high) >> 1
            found = members[middle]
            if found < member or (inclusive and found == member):
                low = middle + 1
            else:
                high = middle
        return low

    def count_before(self, at: i64) -> i64:
        """The number of members in the children before a place."""
        counts = self.counts
        total: i64 = 0
        index: i64 = 0
        while index < at:
            total += counts[index]
            index += 1
        return total

    def collect_members(self, start: i64, count: i64, found: list[bytes]) -> None:
        """Add ``count`` members from rank ``start`` on to ``found``; all of them must be here or below."""
        children = self.children
        if children is None:
            if start == 0 and count == len(self.members):
                found.extend(self.members)
            else:
                found.extend(self.members[start : start + count])
            return
        at: i64 = 0
        while count > 0:
            size = self.counts[at]
            if start < size:
                taken = min(count, size - start)
                children[at].collect_members(start, taken, found)
                count -= taken
                start = 0
            else:
                start -= size
            at += 1

    def collect_scores(self, start: i64, count: i64, found: list[float]) -> None:
        """Add ``count`` scores from rank ``start`` on to ``found``; all of them must be here or below."""
        children = self.children
        at: i64 = 0
        if children is None:
            at = start
            while at < start + count:
                found.append(self.scores[at])
                at += 1
            return
        while count > 0:
            size = self.counts[at]
            if start < size:
                taken = min(count, size - start)
                children[at].collect_scores(start, taken, found)
                count -= taken
                start = 0
            else:
                start -= size
            at += 1

    def image(self) -> ScoreNode:
        """A copy of the node and of those below."""
        image = ScoreNode(None)
        image.scores = self.scores[:]
        image.members = self.members.copy()
        image.counts = self.counts[:]
        if self.children is not None:
            image.children = [child.image() for child in self.children]
        return image

    # The process's heap.

    def relocated(self, mover: Mover) -> ScoreNode:
        """This node or, if it must leave its place, a twin."""
        if not mover.must_leave(self):
            return self
        twin = ScoreNode(None)
        while mover.must_plug(twin):
            twin = ScoreNode(None)
        twin.scores = self.scores
        twin.members = self.members
        twin.children = self.children
        twin.counts = self.counts
        return twin

    def show(self, mover: Mover, start: i64, limit: i64) -> i64:
        """Show the nodes below to a mover, from rank ``start`` on, for about ``limit`` members.

        Returns how many members were passed.
        """
        if start == 0:
            self._show_containers(mover)
        children = self.children
        if children is None:
            return len(self.members) - start
        passed: i64 = 0
        at: i64 = 0
        while at < len(children) and passed < limit:
            size = self.counts[at]
            if start < size:
                if start == 0:
                    children[at] = children[at].relocated(mover)
                passed += children[at].show(mover, start, limit - passed)
                start = 0
            else:
                start -= size
            at += 1
        return passed

    def _show_containers(self, mover: Mover) -> None:
        self.members = relocated_list(self.members, mover)
        self.scores = relocated_floats(self.scores, mover)
        self.counts = relocated_counts(self.counts, mover)
        children = self.children
        if children is not None:
            self.children = relocated_list(children, mover)
            self._renew_low_items()

    def _renew_low_items(self) -> None:
        """Make the lowest item below each child its low item, so that removed and replaced members are not kept."""
        children = self.children
        assert children is not None
        at: i64 = 0
        while at < len(children):
            lowest = children[at]
            below = lowest.children
            while below is not None:
                lowest = below[0]
                below = lowest.children
            self.members[at] = lowest.members[0]
            self.scores[at] = lowest.scores[0]
            at += 1

    def check(self, is_root: bool) -> None:
        """Assert the invariants of this node and those below."""
        items = list(zip(self.scores, self.members, strict=True))
        children = self.children
        if children is None:
            assert items == sorted(items)
            assert is_root or len(items) > 0
            assert len(items) <= LEAF_LIMIT
            return
        assert items[1:] == sorted(items[1:])
        assert 0 < len(items) <= BRANCH_LIMIT
        assert len(children) == len(items) == len(self.counts)
        for at, child in enumerate(children):
            child.check(False)
            assert child.total() == self.counts[at]
            found: list[bytes] = []
            scores: list[float] = []
            child.collect_members(0, child.total(), found)
            child.collect_scores(0, child.total(), scores)
            below = list(zip(scores, found, strict=True))
            assert at == 0 or below[0] >= items[at]
            assert at + 1 == len(items) or below[-1] < items[at + 1]
