"""Makes the report of what was added up: the kinds of keys, sizes, prefixes, times and the largest keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyredmem.rdb.memory import moment
from pyredmem.rdb.survey.document import (
    Bar,
    Branch,
    Cell,
    Name,
    Section,
    Table,
    Tree,
    count_of,
    share_of,
    size_of,
    size_text,
)
from pyredmem.rdb.survey.prefixes import Node
from pyredmem.rdb.survey.tally import Group, Tally
from pyredmem.rdb.survey.times import CLASSES, DAY_MS, HOUR_MS, NEVER, Span
from pyredmem.rdb.text import readable, shortened

#: A prefix that has less of the memory than this is told together with others.
_LEAST_SHARE: Final = 0.001
_AMOUNTS: Final = ("keys", "memory", "share", "")


def by_kind(tally: Tally) -> list[Section]:
    """By database, by type, and by encoding."""
    whole = tally.total().size
    names: dict[str, Callable[[tuple[int, str, str]], str]] = {
        "database": lambda place: f"db{place[0]}",
        "type": lambda place: place[1],
        "encoding": lambda place: f"{place[1]} {place[2]}",
    }
    sections = []
    for what, name in names.items():
        groups = tally.by(name) if tally.groups else {}
        most = max([group.size for group in groups.values()], default=0)
        rows = [(kind, *_kind(group, whole, most)) for kind, group in groups.items()]
        columns = (what, "keys", "memory", "share", "", "average", "payload")
        sections.append(Section(f"By {what}", Table(columns, rows)))
    return sections


def _kind(group: Group, whole: int, most: int) -> tuple[Cell, ...]:
    average = size_of(group.size / group.keys if group.keys else 0)
    return (*_amount(group.keys, group.size, whole, most), average, size_of(group.content_bytes))


def _amount(keys: int, size: int, whole: int, most: int) -> tuple[Cell, ...]:
    """The cells under _AMOUNTS."""
    return count_of(keys), size_of(size), share_of(size, whole), Bar(size / most if most else 0)


def by_size(tally: Tally) -> Section:
    """The histogram."""
    whole = tally.total().size
    used = [bits for bits, group in enumerate(tally.sizes) if group.keys]
    between = range(used[0], used[-1] + 1) if used else range(0)
    most = max([group.size for group in tally.sizes])
    rows = []
    for bits in between:
        group = tally.sizes[bits]
        rows.append((f"up to {size_text(1 << bits)}", *_amount(group.keys, group.size, whole, most)))
    return Section("Sizes of keys", Table(("size", *_AMOUNTS), rows))


# Prefixes.


def by_prefix(tally: Tally, separators: bytes) -> Section:
    """The tree of the beginnings of keys."""
    root = tally.prefixes.tree()
    branches = [_branch(node, root) for node in _shown(root, root)]
    branches += _rest(root, root)
    words = " ".join(separators.decode())
    notes = [f"Parts of a key end with one of: {words}"]
    if tally.prefixes.missing_bytes > 0:
        lost = size_text(tally.prefixes.missing_bytes)
        notes.append(
            f"There were too many prefixes to keep all. Small ones are counted for the prefix above them, and each one"
            f" may have up to {lost} more than shown; --nodes or --exact keep more."
        )
    return Section("By prefix", Tree(("prefix", *_AMOUNTS), branches), tuple(notes))


def _shown(node: Node, root: Node) -> list[Node]:
    return [below for below in node.by_size() if below.size >= _LEAST_SHARE * root.size]


def _branch(node: Node, root: Node) -> Branch:
    """A prefix with those below it. A chain of prefixes without other keys is one branch."""
    while len(node.children) == 1 and next(iter(node.children.values())).keys == node.keys:
        [node] = node.children.values()
    below = [_branch(child, root) for child in _shown(node, root)]
    if node.children:
        below += _rest(node, root)
    cells = (Name(shortened(node.prefix)), *_amount(node.keys, node.size, root.size, root.size))
    return Branch(cells, node.size, below)


def _rest(node: Node, root: Node) -> list[Branch]:
    """The keys directly below a prefix, and the prefixes that are not shown."""
    found = []
    direct = node.keys - sum([child.keys for child in node.children.values()])
    size = node.size - sum([child.size for child in node.children.values()])
    if direct > 0:
        name = "keys without a prefix" if node is root else "other keys"
        found.append(Branch((name, *_amount(direct, size, root.size, root.size)), size))
    hidden = [child for child in node.children.values() if child.size < _LEAST_SHARE * root.size]
    if hidden:
        keys, size = sum([child.keys for child in hidden]), sum([child.size for child in hidden])
        found.append(Branch((f"{len(hidden):,} smaller prefixes", *_amount(keys, size, root.size, root.size)), size))
    return found


# Times.


def by_time_left(tally: Tally) -> Section:
    """The classes of times."""
    times = tally.times
    amounts = [times.never, *times.classes]
    whole = tally.total().size
    most = max([amount.size for amount in amounts])
    rows = [
        (name, *_amount(amount.keys, amount.size, whole, most))
        for name, amount in zip((NEVER, *CLASSES), amounts, strict=True)
        if amount.keys
    ]
    return Section("Time left", Table(("time left", *_AMOUNTS), rows), (f"Counted from {_time(times.now_ms)} UTC.",))


def by_time(tally: Tally) -> Section:
    """What expires when."""
    times = tally.times
    spans = times.spans()
    most = max([amount.size for _, amount in spans], default=0)
    whole = tally.total().size
    rows: list[tuple[Cell, ...]] = []
    left = sum([amount.size for _, amount in spans])
    for span, amount in spans:
        left -= amount.size
        rows.append((_span(span, times.now_ms), *_amount(amount.keys, amount.size, whole, most), size_of(left)))
    return Section("What expires when (UTC)", Table(("from", *_AMOUNTS, "expires later"), rows))


def _span(span: Span, now_ms: int) -> str:
    begin_ms, length_ms = span
    lengths = {HOUR_MS: "1 hour", DAY_MS: "1 day", 0: "no end"}
    return f"{_time(now_ms + begin_ms)}, {lengths.get(length_ms, '30 days')}"


def _time(unix_ms: int) -> str:
    """A time up to its minute."""
    return moment(unix_ms)[:16].replace("T", " ")


# The largest.


def largest_keys(tally: Tally) -> Section:
    """The largest keys."""
    columns = ("memory", "db", "type", "encoding", "elements", "expires", "key")
    rows: list[tuple[Cell, ...]] = []
    for size, key in tally.largest_keys.items():
        kind = (f"{key.database}", key.type, key.encoding, count_of(key.elements))
        expires = "" if key.expire_ms is None else _time(key.expire_ms)
        rows.append((size_of(size, key.is_average), *kind, expires, Name(shortened(key.key, 200))))
    notes = ["The elements of a string are its bytes."]
    if any(key.is_average for _, key in tally.largest_keys.items()):
        notes.append("~ an average: the nodes of a skiplist have random heights.")
    return Section("Largest keys", Table(columns, rows), tuple(notes))


def largest_elements(tally: Tally) -> Section:
    """The collections with the longest elements."""
    columns = ("length", "db", "type", "element", "key")
    rows: list[tuple[Cell, ...]] = []
    for size, element in tally.largest_elements.items():
        which = str(element.which) if isinstance(element.which, int) else readable(element.which)
        place = Name(shortened(f"{element.what} {which}".encode()))
        rows.append((size_of(size), f"{element.database}", element.type, place, Name(shortened(element.key, 200))))
    notes = ("Of each list, hash, set, sorted set and stream the longest string counts.",)
    return Section("Largest elements", Table(columns, rows), notes)
