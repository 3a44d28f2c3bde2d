"""redis-py's pipeline on a connection to a server in this process.

A pipeline spends most of its time after the server has replied: for each reply redis-py calls four functions of its
own, and looks twice for a callback. Here one loop of the `shortcuts` does that.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

import redis
from redis.client import Pipeline
from redis.exceptions import ExecAbortError, ResponseError, WatchError

from pyredmem.client.shortcuts import are_all_sent, call_back, may_read, read_all, read_queued
from pyredmem.client.sync import ShortConnection


def _replaced_methods() -> list[Any]:
    """What is left out or replaced below."""
    return [
        Pipeline.execute_command,
        Pipeline.pipeline_execute_command,
        Pipeline._execute_pipeline,
        Pipeline._execute_transaction,
        Pipeline.parse_response,
        redis.Redis.parse_response,
    ]


_originals: Final = _replaced_methods()


class LocalPipeline(Pipeline):
    """A genuine pipeline that reads its replies by the `shortcuts`."""

    def execute_command(self, *words: Any, **options: Any) -> Any:
        """Queue a command, or run it at once between WATCH and MULTI."""
        if self.watching or words[0] == "WATCH":
            return super().execute_command(*words, **options)  # type: ignore[no-untyped-call]  # redis-py has no types
        self.command_stack.append((words, options))
        return self

    def _execute_pipeline(self, connection: Any, commands: Any, raise_on_error: bool) -> Any:
        if not _may_shorten(connection):
            return super()._execute_pipeline(connection, commands, raise_on_error)  # type: ignore[no-untyped-call]
        connection.send_packed_command(connection.pack_commands([words for words, _ in commands]))
        replies = read_all(connection, commands, self.response_callbacks, self.parse_response)
        if raise_on_error:
            self.raise_first_error(commands, replies)  # type: ignore[no-untyped-call]
        return replies

    def _execute_transaction(self, connection: Any, commands: Any, raise_on_error: bool) -> Any:
        if not _may_shorten(connection) or not are_all_sent(commands):
            return super()._execute_transaction(connection, commands, raise_on_error)
        requests = [("MULTI",), *[words for words, _ in commands], ("EXEC",)]
        connection.send_packed_command(connection.pack_commands(requests))
        refused = read_queued(connection, len(commands) + 1)
        for number, error in refused:
            if number > 0:  # what refuses MULTI itself is told as it is
                self.annotate_exception(error, number, commands[number - 1][0])  # type: ignore[no-untyped-call]
        replies = self._read_executed(connection, refused)
        if len(replies) != len(commands):
            connection.disconnect()
            raise ResponseError("Wrong number of response items from pipeline execution")
        if raise_on_error:
            self.raise_first_error(commands, replies)  # type: ignore[no-untyped-call]
        return call_back(self.response_callbacks, commands, replies)

    def _read_executed(self, connection: Any, refused: list[tuple[int, ResponseError]]) -> list[Any]:
        """The replies in that to EXEC, and the errors of commands that were refused before."""
        try:
            replies: list[Any] | None = connection.read_response()
        except ExecAbortError as error:
            if refused:
                raise refused[0][1] from error
            raise
        self.watching = False
        if replies is None:
            raise WatchError("Watched variable changed.")
        for number, refusal in refused:
            replies.insert(max(number - 1, 0), refusal)
        return replies


def _may_shorten(connection: Any) -> bool:
    """Whether the replies to a pipeline may be read by the shortcuts.

    If fieldsets of HIMPORT were ever declared, redis-py looks whether the commands need them.
    """
    if not isinstance(connection, ShortConnection) or not may_read(connection):
        return False
    registry = getattr(connection, "himport_registry", None)
    return registry is None or registry.revision == 0


def shorten_pipeline(pipeline: Any) -> Any:
    """The pipeline, which is a `LocalPipeline` now if that makes no difference."""
    if type(pipeline) is Pipeline and _replaced_methods() == _originals:  # a test may have replaced one of them
        pipeline.__class__ = LocalPipeline
    return pipeline


class PipelineMaker:
    """Stands for the method ``pipeline`` of one client, so that the client's class may stay what it is.

    It does not refer to the client, which goes when the last one who uses it does.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = weakref.ref(client)
        self._pool = client.connection_pool
        self._callbacks = client.response_callbacks

    def __call__(self, transaction: Any = True, shard_hint: Any = None) -> Any:
        client = self._client()
        if client is None:  # as in `server.client().pipeline()`
            return shorten_pipeline(Pipeline(self._pool, self._callbacks, transaction, shard_hint))
        return shorten_pipeline(type(client).pipeline(client, transaction, shard_hint))
