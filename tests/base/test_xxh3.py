"""XXH3 of strings whose hashes are published: in the tests and issues of Redis, and in manuals of other programs."""

from __future__ import annotations

import pytest

from pyredmem.base.xxh3 import xxh3_digest


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("", "2d06800538d394c2"),
        ("v8", "0cc76dbb41381419"),
        ("foo", "ab6e5f64077e7d8a"),
        ("hello", "9555e8555c62dcfd"),
        ("Hello world", "b6acb9d84a38ff74"),
        ("The quick brown fox jumps over the lazy dog", "ce7d19a5418fb365"),
        (
            "v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd",
            "00006c38adf31777",
        ),
    ],
)
def test_the_digest_is_the_published_one_and_keeps_leading_zeros(text: str, digest: str) -> None:
    assert xxh3_digest(text.encode()).decode() == digest
