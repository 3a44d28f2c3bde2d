"""Members in order of their scores, and of their bytes where scores are equal: a B+ tree that counts.

It does for a sorted set what the skiplist does in Redis, in a form that is fast in Python. The members lie in leaves of
at most ``LEAF_LIMIT`` members, in two parallel arrays, and branches know how many members are below each child. So the
rank of a member, and the member at a rank, are found on one way down from the root::

    branch   low items  [ ..  | 3 c ]      an item belongs in the last child whose low item is at most the item
             counts     [  2  |  3  ]
             children     |       |
    leaf       scores   [1 2]   [3 3 7]
               members  [a b]   [c d a]

All ranges (by rank, by score, by member) are turned into ranges of ranks, whose content is copied leaf by leaf. The low
item of a branch's first child is never read. This structure allocates nothing in the ledger: its owner has the blocks
of Redis's skiplist nodes.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.memory.mover import Mover
from pyredmem.structures.score_node import ScoreNode


@mypyc_attr(acyclic=True)
class ScoreOrder:
    """Items of a score and a member, each member once. No score is NaN."""

    def __init__(self) -> None:
        self._root = ScoreNode(None)
        self.length: i64 = 0

    # Change.

    def insert(self, score: float, member: bytes) -> None:
        """Add a member that is not there."""
        root = self._root
        added = root.insert(score, member, True)
        self.length += 1
        if added is not None:
            above = ScoreNode([])
            above.insert_child(0, root)
            above.insert_child(1, added)
            self._root = above

    def remove(self, score: float, member: bytes) -> None:
        """Remove a member, which is there with this score."""
        self._root.remove(score, member)
        self.length -= 1
        children = self._root.children
        while children is not None and len(children) <= 1:
            self._root = children[0] if children else ScoreNode(None)
            children = self._root.children

    def move(self, score: float, member: bytes, new_score: float) -> bool:
        """Give a member another score; True if it lies strictly between the scores of the member's neighbours.

        If so, Redis keeps the node of the member; otherwise it makes a new one.
        """
        node = self._root
        while True:
            children = node.children
            if children is None:
                break
            node = children[node.child_of(score, member)]
        scores = node.scores
        at = node.place_of(score, member)
        assert node.members[at] == member
        member = node.members[at]  # the same object that the owner has
        if 0 < at < len(scores) - 1:
            stays = scores[at - 1] < new_score < scores[at + 1]
            if stays:
                scores[at] = new_score
                return True
        else:
            # The member is at the edge of a leaf, so the low items of the branches may have to change.
            stays = self._stays(self.rank(score, member), new_score)
        self.remove(score, member)
        self.insert(new_score, member)
        return stays

    def _stays(self, rank: i64, new_score: float) -> bool:
        return (rank == 0 or self.score_at(rank - 1) < new_score) and (
            rank == self.length - 1 or new_score < self.score_at(rank + 1)
        )

    # Ranks.

    def rank(self, score: float, member: bytes) -> i64:
        """How many items are lower than this one, which is there."""
        node = self._root
        rank: i64 = 0
        while True:
            children = node.children
            if children is None:
                return rank + node.place_of(score, member)
            at = node.child_of(score, member)
            rank += node.count_before(at)
            node = children[at]

    def rank_of_score(self, score: float, inclusive: bool) -> i64:
        """How many items have a score below this one, or equal to it if ``inclusive``."""
        node = self._root
        rank: i64 = 0
        while True:
            children = node.children
            at = node.below_score(score, inclusive)
            if children is None:
                return rank + at
            at = _child_before(at)
            rank += node.count_before(at)
            node = children[at]

    def rank_of_member(self, member: bytes, inclusive: bool) -> i64:
        """How many items have a member below this one, or equal to it if ``inclusive``; all scores must be equal."""
        node = self._root
        rank: i64 = 0
        while True:
            children = node.children
            at = node.below_member(member, inclusive)
            if children is None:
                return rank + at
            at = _child_before(at)
            rank += node.count_before(at)
            node = children[at]

    # Items by rank.

    def member_at(self, rank: i64) -> bytes:
        """The member at a rank, which is there."""
        node = self._root
        while True:
            children = node.children
            if children is None:
                return node.members[rank]
            at: i64 = 0
            counts = node.counts
            while rank >= counts[at]:
                rank -= counts[at]
                at += 1
            node = children[at]

    def score_at(self, rank: i64) -> float:
        """The score at a rank, which is there."""
        node = self._root
        while True:
            children = node.children
            if children is None:
                return node.scores[rank]
            at: i64 = 0
            counts = node.counts
            while rank >= counts[at]:
                rank -= counts[at]
                at += 1
            node = children[at]

    def members(self, start: i64, count: i64) -> list[bytes]:
        """The members at ``count`` ranks from ``start`` on, all of which must be there."""
        found: list[bytes] = []
        if count > 0:
            self._root.collect_members(start, count, found)
        return found

    def scores(self, start: i64, count: i64) -> list[float]:
        """The scores at ``count`` ranks from ``start`` on, all of which must be there."""
        found: list[float] = []
        if count > 0:
            self._root.collect_scores(start, count, found)
        return found

    # As a whole.

    def dismantle(self, limit: i64) -> bool:
        """Remove about ``limit`` members, a leaf at a time; True when none is left."""
        children = self._root.children
        if children is None or len(children) == 0:
            self._root = ScoreNode(None)
            self.length = 0
            return True
        while limit > 0 and len(children) > 0:
            above = children
            last = above[-1]
            below = last.children
            while below is not None and len(below) > 0:
                above = below
                last = above[-1]
                below = last.children
            limit -= len(last.members)
            above.pop()
        return False

    def relocated(self, mover: Mover) -> ScoreOrder:
        """This object or, if it must leave its place in the process's heap, a twin that takes over everything."""
        if not mover.must_leave(self):
            return self
        twin = ScoreOrder()
        while mover.must_plug(twin):
            twin = ScoreOrder()
        twin._root = self._root
        twin.length = self.length
        return twin

    def image(self) -> ScoreOrder:
        """A copy with the same member objects."""
        image = ScoreOrder()
        image._root = self._root.image()
        image.length = self.length
        return image

    def show(self, mover: Mover, rank: i64, limit: i64) -> i64:
        """Show the nodes to a mover that steers, from ``rank`` on, for about ``limit`` members.

        Returns the next rank, 0 at the end. The owner shows the members, which it also has in another container: see
        ``replace``.
        """
        if rank == 0:
            self._root = self._root.relocated(mover)
        elif rank >= self.length:
            return 0
        rank += self._root.show(mover, rank, limit)
        return rank if rank < self.length else 0

    def replace(self, score: float, member: bytes) -> None:
        """Replace the object of a member, which is there, by this equal one."""
        node = self._root
        while True:
            children = node.children
            if children is None:
                break
            node = children[node.child_of(score, member)]
        at = node.place_of(score, member)
        assert node.members[at] == member
        node.members[at] = member

    def check(self) -> None:
        """Assert the invariants."""
        self._root.check(True)
        assert self._root.total() == self.length


def _child_before(at: i64) -> i64:
    """The child just before child ``at``; the first child if there is none before it."""
    return at - 1 if at > 0 else at
