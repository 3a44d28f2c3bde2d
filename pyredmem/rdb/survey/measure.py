"""How much memory a key takes, and what that consists of.

Most keys hold a string, whose size follows from its length: so a string is built once for each length, and the others
of that length are counted. Of tables a frame is built once.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from pyredmem.base.numbers import integer_text, parse_integer
from pyredmem.memory.layout import DICT_ENTRY_SIZE, EMBSTR_LIMIT, ROBJ_SIZE, embstr_size, key_overhead, sds_new_size
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_images import Image, IntegerImage, StringImage
from pyredmem.objects.string import SHARED_INTEGERS
from pyredmem.rdb.survey.blocks import Blocks
from pyredmem.rdb.survey.frames import Frame, Frames
from pyredmem.rdb.survey.shapes import Shape, shape_of
from pyredmem.rdb.values import Workbench

INT: Final = "int"
_INTEGER_DIGITS: Final = 20
#: The object and its text, even where both are in one block.
_TEXT_BLOCKS: Final = 2
#: Placing of the elements in a table depends on this number; with a fixed one a report is the same each time.
_HASH_SEED: Final = 1


class Measured(NamedTuple):
    """What is known of a value."""

    size: int  # bytes, without the key
    is_average: bool  # the size, because the value depends on chance
    encoding: str
    elements: int
    content_bytes: int  # of its strings and numbers
    shape: Shape | None  # None: it is a string

    def longest(self) -> int:
        """Bytes of its longest string."""
        return self.content_bytes if self.shape is None else self.shape.longest


class _Strings:
    """The strings of one length and encoding."""

    def __init__(self, measured: Measured, requests: tuple[int, ...]) -> None:
        self.measured = measured
        self.requests = requests  # the blocks of one
        self.number = 0


class Measurer:
    """Measures values and keys, and adds up their blocks if ``counts_blocks``."""

    def __init__(self, allocator: str, limits: EncodingLimits, counts_blocks: bool = False) -> None:
        self._workbench = Workbench(allocator, limits)
        self._limits = limits
        self._counts_blocks = counts_blocks
        self.allocator = self._workbench.allocator
        self.allocator.hash_seed = _HASH_SEED
        self._strings: dict[tuple[int, int], _Strings] = {}
        self._key_sizes: dict[int, int] = {}  # by length of the key: what it takes
        self._keys: dict[int, int] = {}  # by length: how many
        self._frames = Frames(self._workbench)
        self._lengths: Counter[int] = Counter()  # of the strings of tables that have a frame
        self._blocks = Blocks(self.allocator)

    def key_size(self, key: bytes) -> int:
        """What a key takes without its value; the key is counted."""
        length = len(key)
        if length not in self._key_sizes:
            self._key_sizes[length] = self._key_size(length)
            self._keys[length] = 0
        self._keys[length] += 1
        return self._key_sizes[length]

    def _key_size(self, length: int) -> int:
        return int(key_overhead(self.allocator.good_size(sds_new_size(length))))

    def measure(self, image: Image) -> Measured:
        """Measure a value."""
        kind = string_kind(image)
        if kind is not None:
            return self._measure_string(image, *kind)
        shape = shape_of(image)
        frame = self._frames.frame_of(image, shape, self._limits)
        if frame is not None:
            return self._measure_table(frame, shape)
        with self._workbench.built(image) as value:
            size = int(value.expected_memory(self.allocator))
            if self._counts_blocks:
                self._blocks.add_live(value, shape.lengths)
            return Measured(
                size=size,
                is_average=value.depends_on_chance(),
                encoding=value.encoding().decode(),
                elements=shape.elements,
                content_bytes=shape.content_bytes,
                shape=shape,
            )

    def _measure_table(self, frame: Frame, shape: Shape) -> Measured:
        """Measure a hash table or a skiplist."""
        frame.tables += 1
        if self._counts_blocks:
            self._lengths.update(shape.lengths)
        size = frame.size(self._frames.strings_bytes(shape))
        return Measured(size, frame.is_average, frame.encoding, shape.elements, shape.content_bytes, shape)

    def _measure_string(self, image: Image, length: int, blocks: int) -> Measured:
        """Measure a string that has a number of bytes and of blocks."""
        found = self._strings.get((length, blocks))
        if found is None:
            found = self._strings[length, blocks] = self._first_string(image, length, blocks)
        found.number += 1
        return found.measured

    def _first_string(self, image: Image, length: int, blocks: int) -> _Strings:
        with self._workbench.built(image) as value:
            size = int(value.expected_memory(self.allocator))
            encoding = value.encoding().decode()
        requests: tuple[int, ...] = (int(ROBJ_SIZE),) * blocks
        if blocks == _TEXT_BLOCKS:
            is_embedded = length <= EMBSTR_LIMIT
            requests = (int(embstr_size(length)),) if is_embedded else (int(ROBJ_SIZE), int(sds_new_size(length)))
        return _Strings(Measured(size, False, encoding, length, length, None), requests)

    def key_bytes(self) -> int:
        """Bytes of the names of all keys."""
        return sum([length * number for length, number in self._keys.items()])

    def key_sizes(self) -> int:
        """What all keys take without their values."""
        return sum([self._key_sizes[length] * number for length, number in self._keys.items()])

    def blocks(self, other_requests: dict[int, int]) -> Blocks:
        """The blocks of everything that was measured, and of other requests, whose numbers are given. Call it once."""
        assert self._counts_blocks
        blocks = self._blocks
        for length, number in self._keys.items():
            blocks.add_requests(int(sds_new_size(length)), number)
            blocks.add_requests(DICT_ENTRY_SIZE, number)
        for length, number in self._lengths.items():
            blocks.add_requests(int(sds_new_size(length)), number)
        for frame in self._frames.all():
            blocks.add_tables(frame)
        for strings in self._strings.values():
            for request in strings.requests:
                blocks.add_requests(request, strings.number)
        for request, number in other_requests.items():
            blocks.add_requests(request, number)
        return blocks


def string_kind(image: Image) -> tuple[int, int] | None:
    """The length of a string and the number of its blocks, on which its size depends; None if it is no string."""
    if isinstance(image, IntegerImage):
        return len(integer_text(image.number)), _integer_blocks(image.number)
    return (len(image.data), _string_blocks(image.data)) if isinstance(image, StringImage) else None


def _string_blocks(data: bytes) -> int:
    """How many blocks a string takes: the text of an integer may be stored as one."""
    number = parse_integer(data) if len(data) <= _INTEGER_DIGITS else None
    return _TEXT_BLOCKS if number is None else _integer_blocks(number)


def _integer_blocks(number: int) -> int:
    """Small integers are shared."""
    return 0 if 0 <= number < SHARED_INTEGERS else 1
