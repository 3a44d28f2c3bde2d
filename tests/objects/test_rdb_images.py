"""What a value contains is told by its image, in whichever form it was serialized."""

from __future__ import annotations

import pytest

from pyredmem.objects.rdb_images import (
    ElementsImage,
    FieldsImage,
    HashImage,
    Image,
    IntegerImage,
    IntsetImage,
    ListpackFieldsImage,
    ListpackScoresImage,
    ListpackSetImage,
    ListpackTimedFieldsImage,
    MembersImage,
    NodesImage,
    PackedNodeImage,
    PlainNodeImage,
    ScoresImage,
    SortedSetImage,
    StringImage,
)


@pytest.mark.parametrize(
    ("image", "strings"),
    [
        (StringImage(b"12"), [b"12"]),
        (IntegerImage(-12), [b"-12"]),
        (ElementsImage([b"a", b"b", b"c"]), [b"a", b"b", b"c"]),
        (NodesImage([PackedNodeImage([b"a", b"b"], 6)]), [b"a", b"b"]),
        (NodesImage([PackedNodeImage([b"a", b"b"], 6), PlainNodeImage(b"c")]), [b"a", b"b", b"c"]),
        (NodesImage([PlainNodeImage(b"c")]), [b"c"]),
        (MembersImage([b"b", b"a"]), [b"b", b"a"]),
        (IntsetImage([-1, 20], 2), [b"-1", b"20"]),
        (ListpackSetImage({b"b": None, b"a": None}, 6), [b"b", b"a"]),
        (ScoresImage([(b"b", 1.5), (b"a", 2.0)]), [b"b", b"a"]),
        (ListpackScoresImage({b"b": 1.5, b"a": 2.0}, 13), [b"b", b"a"]),
        (FieldsImage([b"f", b"v", b"g", b"w"], {}), [b"f", b"v", b"g", b"w"]),
        (ListpackFieldsImage({b"f": b"v", b"g": b"w"}, 12), [b"f", b"v", b"g", b"w"]),
        (ListpackTimedFieldsImage({b"f": b"v", b"g": b"w"}, {}), [b"f", b"v", b"g", b"w"]),
    ],
)
def test_the_strings_of_a_value_are_in_the_order_of_its_form(image: Image, strings: list[bytes]) -> None:
    assert image.strings() == strings


@pytest.mark.parametrize(
    "image", [ScoresImage([(b"b", 1.5), (b"a", 2.0)]), ListpackScoresImage({b"b": 1.5, b"a": 2.0}, 13)]
)
def test_the_scores_are_in_the_order_of_the_strings(image: SortedSetImage) -> None:
    assert image.scores_of_strings() == [1.5, 2.0]


@pytest.mark.parametrize(
    ("image", "times"),
    [
        (FieldsImage([b"f", b"v"], {}), {}),
        (FieldsImage([b"f", b"v"], {b"f": 5}), {b"f": 5}),
        (ListpackFieldsImage({b"f": b"v"}, 6), {}),
        (ListpackTimedFieldsImage({b"f": b"v"}, {b"f": 5}), {b"f": 5}),
    ],
)
def test_the_times_of_fields_are_told(image: HashImage, times: dict[bytes, int]) -> None:
    assert image.field_times() == times
    assert image.has_times() == bool(times)
