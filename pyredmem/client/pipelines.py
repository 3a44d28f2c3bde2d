"""redis-py's pipeline on a connection to a server in this process.

A pipeline without a transaction spends most of its time after the server has replied: for each reply redis-py calls
four functions of its own, and looks twice for a callback. Here one loop of the `shortcuts` does that.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

import redis
from redis.client import Pipeline

from pyredmem.client.shortcuts import may_read, read_all
from pyredmem.client.sync import ShortConnection


def _replaced_methods() -> list[Any]:
    """What is left out or replaced below."""
    return [
        Pipeline.execute_command,
        Pipeline.pipeline_execute_command,
        Pipeline._execute_pipeline,
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
        if not isinstance(connection, ShortConnection) or not may_read(connection) or _has_fieldsets(connection):
            return super()._execute_pipeline(connection, commands, raise_on_error)  # type: ignore[no-untyped-call]
        connection.send_packed_command(connection.pack_commands([words for words, _ in commands]))  # type: ignore[no-untyped-call]
        replies = read_all(connection, commands, self.response_callbacks, self.parse_response)
        if raise_on_error:
            self.raise_first_error(commands, replies)  # type: ignore[no-untyped-call]
        return replies


def _has_fieldsets(connection: ShortConnection) -> bool:
    """Whether fieldsets of HIMPORT were ever declared: redis-py looks whether the commands need them."""
    registry = getattr(connection, "himport_registry", None)
    return registry is not None and registry.revision != 0


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
