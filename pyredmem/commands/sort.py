"""SORT and SORT_RO: sort the elements of a list, a set or a sorted set, as numbers or as strings.

Other keys can give the order: in ``BY weight_*`` each element replaces the star, which gives the key to sort by; in
``BY data_*->weight`` it gives a hash, and ``weight`` is the field to sort by. ``GET`` fetches values in the same way.
A ``BY`` without a star disables sorting: lists and sorted sets keep their order, and only the range of LIMIT is read.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, WRONG_TYPE, CommandError
from pyredmem.base.numbers import parse_double
from pyredmem.commands.c_strings import SPACES, c_string, parse_decimal
from pyredmem.commands.destinations import store_or_delete
from pyredmem.commands.hashes import field_value
from pyredmem.config.profiles import Profile
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import (
    ACCESS,
    DENYOOM,
    OVERWRITE,
    READ_ONLY,
    READONLY,
    UPDATE,
    WRITE,
    FoundKey,
    Group,
    KeySpec,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.hash import HashObject
from pyredmem.objects.list import ListObject, build_list
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set import SetObject
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.string import StringObject

sorting: Final = Group("generic")

_NOT_A_SCORE: Final = b"ERR One or more scores can't be converted into double"
_SYNTAX: Final = (
    "key#0 [BY by-pattern:pattern#1] [LIMIT offset count] [GET get-pattern:pattern#1 [GET get-pattern:pattern#1 ...]] "
    "[ASC | DESC] [ALPHA]"
)
_COMPLEXITY: Final = (
    "O(N+M*log(M)) where N is the number of elements and M the number of returned ones; O(N) without sorting."
)
_PATTERN_KEYS: Final = KeySpec(
    flags=(READ_ONLY, ACCESS),
    unknown=True,
    notes="For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of "
    "the key we sort",
)
_STORE_KEY: Final = KeySpec(
    flags=(OVERWRITE, UPDATE),
    unknown=True,
    notes="For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the "
    "argument array",
)


class _Pattern:
    """A pattern of BY or GET, split at its star; like a C string it ends at its first NUL."""

    def __init__(self, pattern: bytes) -> None:
        text = c_string(pattern)
        star = text.find(b"*")
        self.is_element = text == b"#"
        self.has_star = star >= 0
        self.prefix = pattern[:star]
        self.suffix = pattern[star + 1 :]
        self.field = b""
        arrow = text.find(b"->", star + 1)
        if self.has_star and arrow >= 0 and arrow + 2 < len(text):
            self.suffix = pattern[star + 1 : arrow]
            self.field = pattern[arrow + 2 :]

    def value(self, context: Context, element: bytes) -> bytes | None:
        """The value that the pattern gives for an element; None if there is no such string or field."""
        if self.is_element:
            return element
        if not self.has_star:
            return None
        key = self.prefix + element + self.suffix
        found = context.db.read(key)
        if self.field:
            return field_value(context, key, found, self.field) if isinstance(found, HashObject) else None
        return found.data() if isinstance(found, StringObject) else None


class _Request:
    """The options of a call."""

    def __init__(self, context: Context, argv: list[bytes], may_store: bool) -> None:
        self._context = context
        self._argv = argv
        self.descending = False
        self.alphabetic = False
        self.unsorted = False
        self.by: _Pattern | None = None
        self.get: list[_Pattern] = []
        self.destination: bytes | None = None
        self.start = 0
        self.count = -1
        arguments = Arguments(argv, 2)
        while arguments.left() > 0:
            self._read_option(arguments, may_store)

    def _read_option(self, arguments: Arguments, may_store: bool) -> None:
        option = arguments.word()
        left = arguments.left()
        if option == b"ASC":
            self.descending = False
        elif option == b"DESC":
            self.descending = True
        elif option == b"ALPHA":
            self.alphabetic = True
        elif option == b"LIMIT" and left >= 2:
            self.start = arguments.integer()
            self.count = arguments.integer()
        elif option == b"STORE" and left >= 1 and may_store:
            self.destination = arguments.next()
        elif option == b"BY" and left >= 1:
            self.by = _Pattern(arguments.next())
            self.unsorted = self.unsorted or not self.by.has_star
            if self.by.has_star:
                self._require_all_keys(option)
        elif option == b"GET" and left >= 1:
            self._require_all_keys(option)
            self.get.append(_Pattern(arguments.next()))
        else:
            raise CommandError(SYNTAX_ERROR)

    def _require_all_keys(self, option: bytes) -> None:
        """Refuse an option that reads keys of any name, if the rules of the client's user forbid it."""
        engine = self._context.engine
        command = engine.commands.lookup(self._argv)
        assert command is not None
        if not engine.access.may_read_all_keys(self._context.session, command, self._argv):
            raise CommandError(b"ERR " + option + b" option of SORT denied due to insufficient ACL permissions.")

    def bounds(self, length: int) -> tuple[int, int]:
        """The start and the end of the range that LIMIT selects from ``length`` elements."""
        start = min(max(self.start, 0), length)
        end = length if self.count < 0 else min(start + min(self.count, length), length)
        return start, end


#: How many arguments follow an option of SORT.
_OPTION_VALUES: Final = {b"limit": 2, b"get": 1, b"by": 1}


def _keys_of_sort(argv: list[bytes]) -> list[FoundKey]:
    """The keys of SORT: the one that it sorts, and the last one after STORE."""
    keys = [FoundKey(1, (READ_ONLY, ACCESS))]
    at = 2
    while at < len(argv):
        word = argv[at].lower()
        if word == b"store" and at + 1 < len(argv):
            keys = [keys[0], FoundKey(at + 1, (OVERWRITE, UPDATE))]
        at += 1 + _OPTION_VALUES.get(word, 0)
    return keys


@sorting.command(
    "sort",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_ONLY, ACCESS), _PATTERN_KEYS, _STORE_KEY),
    acl="set sortedset list dangerous",
    since="1.0.0",
    complexity=_COMPLEXITY,
    summary="Sorts the elements of a list, a set or a sorted set, and returns or stores the result.",
    syntax=f"{_SYNTAX} [STORE destination#2]",
    find_keys=_keys_of_sort,
)
def sort(context: Context, argv: list[bytes]) -> None:
    request = _Request(context, argv, may_store=True)
    found = _sorted(context, argv[1], request)
    if request.destination is None:
        _reply(context, request, found)
    else:
        _store(context, request, request.destination, found)


@sorting.command(
    "sort_ro",
    arity=-2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS), _PATTERN_KEYS),
    acl="set sortedset list dangerous",
    since="7.0.0",
    complexity=_COMPLEXITY,
    summary="Returns the sorted elements of a list, a set or a sorted set.",
    syntax=_SYNTAX,
)
def sort_ro(context: Context, argv: list[bytes]) -> None:
    request = _Request(context, argv, may_store=False)
    _reply(context, request, _sorted(context, argv[1], request))


# Sorting.


def _sorted(context: Context, key: bytes, request: _Request) -> list[bytes]:
    """The elements that LIMIT selects, in order."""
    value = context.db.read(key)
    if value is None:
        return []
    if isinstance(value, SetObject):
        if request.unsorted and (request.destination is not None or context.engine.core.is_in_script):
            # What is stored, and what a script does, must not depend on the order of a hash table.
            request.unsorted = False
            request.alphabetic = True
            request.by = None
    elif isinstance(value, SortedSetObject):
        context.db.modify(key)
        value.unpack(context.keyspace.rng)
    elif not isinstance(value, ListObject):
        raise CommandError(WRONG_TYPE)
    if request.unsorted:
        return _part(value, request)
    elements = _elements(value)
    start, end = request.bounds(len(elements))
    if request.alphabetic:
        return _by_text(context, elements, request)[start:end]
    return _by_number(context, elements, request)[start:end]


def _elements(value: RedisObject) -> list[bytes]:
    if isinstance(value, ListObject):
        return value.elements()
    if isinstance(value, SetObject):
        return value.members()
    assert isinstance(value, SortedSetObject)
    return [member for member, _ in value.items()]


def _part(value: RedisObject, request: _Request) -> list[bytes]:
    """The elements that LIMIT selects, unsorted; DESC reverses lists and sorted sets."""
    if isinstance(value, SetObject):
        members = value.members()
        start, end = request.bounds(len(members))
        return members[start:end]
    assert isinstance(value, ListObject | SortedSetObject)
    length = value.length()
    start, end = request.bounds(length)
    if start == end:
        return []
    first: i64 = length - end if request.descending else start
    if isinstance(value, ListObject):
        part = value.encoded.elements(first, end - start)
    else:
        part = [member for member, _ in value.slice(first, end - start)]
    if request.descending:
        part.reverse()
    return part


def _by_number(context: Context, elements: list[bytes], request: _Request) -> list[bytes]:
    """Sort elements by numbers; elements with the same number are sorted by their bytes.

    All keys are looked up even if a value is no number, as Redis counts and notifies of those that are missing.
    """
    by = request.by
    profile = context.engine.profile
    keyed: list[tuple[float, bytes]] = []
    is_wrong = False
    for element in elements:
        text = element if by is None else by.value(context, element)
        score = 0.0 if text is None else _score(text, profile)
        if score is None:
            is_wrong = True
        else:
            keyed.append((score, element))
    if is_wrong:
        raise CommandError(_NOT_A_SCORE)
    keyed.sort(reverse=request.descending)
    return [element for _, element in keyed]


def _score(text: bytes, profile: Profile) -> float | None:
    """A number, parsed like C's ``strtod``: leading spaces are allowed, and an empty string is zero.

    Newer versions take only decimal numbers, but those that are too large or too small as well; Valkey does not.
    """
    text = c_string(text)
    if not profile.has_hexadecimal_scores:
        return parse_double(text, allows_hexadecimal=False) if text else None
    if profile.has_strict_bounds and text:
        return parse_decimal(text)
    return parse_double(text.lstrip(SPACES)) if text else 0.0


def _by_text(context: Context, elements: list[bytes], request: _Request) -> list[bytes]:
    """Sort elements by strings; elements without one come first.

    A stored result is sorted by bytes; a returned one by C's collation, which compares up to the first NUL.
    """
    by = request.by
    whole = request.destination is not None
    keyed: list[tuple[bool, bytes, int]] = []
    for place, element in enumerate(elements):
        text = element if by is None else by.value(context, element)
        if text is None:
            keyed.append((False, b"", place))
        else:
            keyed.append((True, text if whole else c_string(text), place))
    keyed.sort(key=_without_place, reverse=request.descending)
    return [elements[place] for _, _, place in keyed]


def _without_place(item: tuple[bool, bytes, int]) -> tuple[bool, bytes]:
    return item[0], item[1]


# Results.


def _reply(context: Context, request: _Request, found: list[bytes]) -> None:
    reply = context.reply
    if not request.get:
        reply.bulks(found)
        return
    reply.array(len(found) * len(request.get))
    for element in found:
        for pattern in request.get:
            value = pattern.value(context, element)
            if value is None:
                reply.null()
            else:
                reply.bulk(value)


def _store(context: Context, request: _Request, destination: bytes, found: list[bytes]) -> None:
    """Store the result as a list; where GET found nothing, the element is empty."""
    if request.get:
        elements = [pattern.value(context, element) or b"" for element in found for pattern in request.get]
    else:
        elements = found
    keyspace = context.keyspace
    result = build_list(elements, keyspace.allocator, keyspace.limits) if elements else None
    store_or_delete(context, destination, result, events.LIST, b"sortstore", len(elements))
    context.reply.integer(len(elements))
