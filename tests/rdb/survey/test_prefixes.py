"""The tree of prefixes: what it adds up, and what is folded when there are too many."""

from __future__ import annotations

import random

from pyredmem.rdb.survey.prefixes import Node, Prefixes


def flat(node: Node) -> dict[bytes, tuple[int, int]]:
    """Keys and bytes of a node and of all below it."""
    found = {node.prefix: (node.keys, node.size)}
    for child in node.children.values():
        found |= flat(child)
    return found


def test_a_key_counts_for_all_its_prefixes() -> None:
    prefixes = Prefixes(b":", None)
    for name, size in ((b"user:1:name", 10), (b"user:1:mail", 20), (b"user:2", 5), (b"visits", 1), (b":", 2)):
        prefixes.add(name, size)
    assert flat(prefixes.tree()) == {
        b"": (5, 38),
        b"user:": (3, 35),
        b"user:1:": (2, 30),
        b":": (1, 2),
    }


def test_separators_are_a_choice() -> None:
    for separators, expected in (
        (b":", [b"a/b.c:"]),
        (b"/", [b"a/"]),
        (b":/.", [b"a/", b"a/b.", b"a/b.c:"]),
        (b"#", []),
    ):
        prefixes = Prefixes(separators, None)
        prefixes.add(b"a/b.c:d", 1)
        assert sorted(flat(prefixes.tree()))[1:] == expected


def test_separators_far_from_the_beginning_of_a_key_do_not_count() -> None:
    prefixes = Prefixes(b":", None)
    prefixes.add(b"a:" + b"x" * 300 + b":b", 1)
    assert list(flat(prefixes.tree())) == [b"", b"a:"]


def test_the_largest_prefixes_come_first() -> None:
    prefixes = Prefixes(b":", None)
    for name, size in ((b"a:1", 1), (b"b:1", 3), (b"c:1", 2)):
        prefixes.add(name, size)
    assert [node.prefix for node in prefixes.tree().by_size()] == [b"b:", b"c:", b"a:"]


def test_small_prefixes_are_folded_and_large_ones_kept() -> None:
    names = [b"user:%d:name" % number for number in range(5000)]
    names += [b"page:%s:%d" % (language, number) for number in range(3000) for language in (b"en", b"de")]
    random.Random(1).shuffle(names)
    bounded, exact = Prefixes(b":", 100), Prefixes(b":", None)
    for name in names:
        bounded.add(name, 50)
        exact.add(name, 50)
    found, truth = flat(bounded.tree()), flat(exact.tree())
    assert len(bounded._found) <= 100
    assert found[b""] == truth[b""]
    assert found[b"user:"] == truth[b"user:"]
    assert bounded.missing_bytes > 0
    for prefix in (b"page:", b"page:en:", b"page:de:"):
        missing = truth[prefix][1] - found[prefix][1]
        assert 0 <= missing <= bounded.missing_bytes


def test_nothing_is_missing_without_a_bound() -> None:
    prefixes = Prefixes(b":", None)
    for number in range(1000):
        prefixes.add(b"%d:x" % number, 1)
    assert (len(flat(prefixes.tree())), prefixes.missing_bytes) == (1001, 0)
