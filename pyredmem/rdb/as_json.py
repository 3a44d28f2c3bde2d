"""The content of a file as JSON: ``pyredmem rdb json FILE``.

::

    [{
    "visits":"41",
    "words":["a","b"],
    "user:1":{"name":"Ada"},
    "scores":{"ada":1.5},
    "events":{"1-1":["field","value"]}},{
    "a key of the next database":"x"}]

There is one object per database, with the keys in the order of the file. Expire times are left out. All strings are
ASCII. A byte that is not UTF-8 is ``\\udc80`` to ``\\udcff``, so in Python
``text.encode("utf-8", "surrogateescape")`` gives back the bytes of any string. An infinite score is the string "inf" or
"-inf".
"""

from __future__ import annotations

import json
from functools import singledispatch
from math import isinf

from pyredmem.objects.hash import HashObject
from pyredmem.objects.list import ListObject
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set import SetObject
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.stream import StreamObject
from pyredmem.objects.stream_id import MAX_ID, id_text
from pyredmem.objects.string import StringObject
from pyredmem.rdb.dataset import Entry
from pyredmem.rdb.report import Report, Write
from pyredmem.rdb.values import Workbench


class JsonReport(Report):
    """A list with one object per database."""

    def __init__(self, write: Write, workbench: Workbench) -> None:
        super().__init__(write)
        self._workbench = workbench
        self._database: int | None = None

    def begin(self) -> None:
        self._write(b"[")

    def add(self, entry: Entry) -> None:
        if entry.image is None:
            return
        if entry.database == self._database:
            self._write(b",")
        else:
            self._write(b"{" if self._database is None else b"},{")
        self._database = entry.database
        with self._workbench.built(entry.image) as value:
            content = json.dumps(plain(value), separators=(",", ":"))
        self._write(f"\n{json.dumps(text(entry.key))}:{content}".encode())

    def end(self) -> None:
        self._write(b"]\n" if self._database is None else b"}]\n")


def text(data: bytes) -> str:
    """Bytes as a string from which they can be had back."""
    return data.decode("utf-8", "surrogateescape")


def _number(score: float) -> float | str:
    return str(score) if isinf(score) else score


@singledispatch
def plain(value: RedisObject) -> object:
    """A value as the strings, lists and dicts that JSON knows."""
    raise NotImplementedError


@plain.register
def _(value: StringObject) -> object:
    return text(value.data())


@plain.register
def _(value: ListObject) -> object:
    return [text(element) for element in value.elements()]


@plain.register
def _(value: SetObject) -> object:
    return [text(member) for member in value.members()]


@plain.register
def _(value: SortedSetObject) -> object:
    return {text(member): _number(score) for member, score in value.items()}


@plain.register
def _(value: HashObject) -> object:
    return {text(field): text(content) for field, content in value.items()}


@plain.register
def _(value: StreamObject) -> object:
    found = value.stream.range(0, MAX_ID)
    return {
        id_text(entry_id).decode(): [text(part) for part in entry]
        for entry_id, entry in zip(found.ids, found.entries, strict=True)
    }
