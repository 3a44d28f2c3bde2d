"""XDELEX and XACKDEL: commands of the group *stream* that delete entries with regard to the groups that refer to them.

Both reply with one number for each id: 1 if the entry was deleted (XACKDEL: acknowledged), 2 if it was kept because
another group refers to it, and -1 if there was none.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands.streams import stream_to_write
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import DELETE, FAST, READ_WRITE, UPDATE, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.stream import Stream
from pyredmem.objects.stream_group import StreamGroup
from pyredmem.objects.stream_id import id_key, parse_id
from pyredmem.objects.stream_references import (
    DELETED,
    KEEPREF,
    KEPT,
    MISSING,
    REFERENCES,
    delete_entry,
)

stream_deletions: Final = Group("stream")

_SYNTAX: Final = "[KEEPREF | DELREF | ACKED] IDS numids:integer id [id ...]"
_BAD_COUNT: Final = b"ERR Number of IDs must be a positive integer"
_OTHER_COUNT: Final = b"ERR The `numids` parameter must match the number of arguments"


class _Request:
    """The options of both commands, in any order: the ids, which are not parsed yet, and what becomes of references."""

    def __init__(self, argv: list[bytes], start: i64) -> None:
        self.references = KEEPREF
        self.words: list[bytes] = []
        has_references = False
        arguments = Arguments(argv, start)
        while arguments.left() > 0:
            option = arguments.word()
            if option == b"IDS" and arguments.left() > 0:
                self._take_ids(arguments)
            elif option in REFERENCES and not has_references:
                self.references = REFERENCES[option]
                has_references = True
            else:
                raise CommandError(SYNTAX_ERROR)
        if not self.words:
            raise CommandError(SYNTAX_ERROR)

    def _take_ids(self, arguments: Arguments) -> None:
        count = arguments.integer(_BAD_COUNT)
        if count <= 0:
            raise CommandError(_BAD_COUNT)
        if count > arguments.left():
            raise CommandError(_OTHER_COUNT)
        self.words = arguments.argv[arguments.at : arguments.at + count]
        arguments.at += count

    def ids(self) -> list[int]:
        return [parse_id(word, 0) for word in self.words]


def _reply(context: Context, results: list[int]) -> None:
    context.reply.array(len(results))
    for result in results:
        context.reply.integer(result)


class _Deletions:
    """Counts the entries of a stream that one command deletes, and reports the change."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.deleted: i64 = 0

    def delete(self, entry_id: int, references: int) -> int:
        """Delete an entry unless it has to be kept; returns what became of it."""
        result = delete_entry(self._stream, entry_id, references)
        if result == DELETED:
            self.deleted += 1
            self._stream.max_deleted_id = max(self._stream.max_deleted_id, entry_id)
        return result

    def report(self, context: Context, key: bytes, changes: i64) -> None:
        """Report the change; ``changes`` is what is added to the number of changes since the last save."""
        if self.deleted > 0:
            self._stream.update_first_id()
            context.changed(key, events.STREAM, b"xdel", changes)
        else:
            context.keyspace.changes.count(changes)


@stream_deletions.command(
    "xdelex",
    arity=-5,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="stream",
    since="8.2.0",
    complexity="O(1) for each entry, regardless of the size of the stream.",
    summary="Deletes entries of a stream by id, with regard to the groups that refer to them.",
    syntax=f"key {_SYNTAX}",
)
def xdelex(context: Context, argv: list[bytes]) -> None:
    stream = stream_to_write(context, argv[1])
    request = _Request(argv, 2)
    if stream is None:
        _reply(context, [MISSING] * len(request.words))
        return
    ids = request.ids()
    deletions = _Deletions(stream)
    results = [deletions.delete(entry_id, request.references) for entry_id in ids]
    deletions.report(context, argv[1], deletions.deleted)
    _reply(context, results)


@stream_deletions.command(
    "xackdel",
    arity=-6,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE, DELETE),),
    acl="stream",
    since="8.2.0",
    complexity="O(1) for each id.",
    summary="Acknowledges entries of a stream, and deletes them with regard to the groups that refer to them.",
    syntax=f"key group {_SYNTAX}",
)
def xackdel(context: Context, argv: list[bytes]) -> None:
    stream = stream_to_write(context, argv[1])
    request = _Request(argv, 3)
    group = None if stream is None else stream.group(argv[2])
    if stream is None or group is None:
        _reply(context, [MISSING] * len(request.words))
        return
    ids = request.ids()
    deletions = _Deletions(stream)
    results = [_acknowledge(stream, group, deletions, entry_id, request.references) for entry_id in ids]
    deletions.report(context, argv[1], len([result for result in results if result != MISSING]))
    _reply(context, results)


def _acknowledge(stream: Stream, group: StreamGroup, deletions: _Deletions, entry_id: int, references: int) -> int:
    """Acknowledge an entry, and delete it if it may be; an entry that was deleted before counts as deleted."""
    if not group.acknowledge(id_key(entry_id)):
        return MISSING
    return KEPT if deletions.delete(entry_id, references) == KEPT else DELETED
