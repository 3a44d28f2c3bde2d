"""Commands of the group *pubsub*: SUBSCRIBE and its kind, PUBLISH, SPUBLISH, PUBSUB."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import bad_subcommand_call
from pyredmem.commands.help import declare_help
from pyredmem.engine.command import (
    ALLOWED_SUBSCRIBED,
    FAST,
    LOADING,
    MAY_REPLICATE,
    NOSCRIPT,
    NOT_KEY,
    PUBSUB,
    STALE,
    ChannelSpec,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.engine.session import Session
from pyredmem.engine.subscriptions import CHANNEL, PATTERN, SHARD
from pyredmem.protocol.reply import ReplySink

pubsub: Final = Group("pubsub")

_SUBSCRIBES: Final = PUBSUB | NOSCRIPT | LOADING | STALE | ALLOWED_SUBSCRIBED
_VERBS: Final = {CHANNEL: b"", PATTERN: b"p", SHARD: b"s"}


def _sink(context: Context) -> ReplySink:
    """The sink for news of a client's subscriptions. They are pushes, so CLIENT REPLY OFF lets them through."""
    session = context.session
    return context.reply if session.wants_replies() else session.output


def _count(session: Session, kind: int) -> int:
    """The number of subscriptions that a client is told of: shard channels are counted on their own."""
    subscriptions = session.subscriptions
    if kind == SHARD:
        return subscriptions.of_kind(SHARD)
    return subscriptions.of_kind(CHANNEL) + subscriptions.of_kind(PATTERN)


def _tell(context: Context, kind: int, verb: bytes, name: bytes | None) -> None:
    """Tell a client of one of its subscriptions."""
    sink = _sink(context)
    sink.push(3)
    sink.bulk(_VERBS[kind] + verb)
    if name is None:
        sink.null()
    else:
        sink.bulk(name)
    sink.integer(_count(context.session, kind))


def _subscribe(context: Context, kind: int, names: list[bytes]) -> None:
    for name in names:
        context.engine.pubsub.subscribe(context.session, kind, name)
        _tell(context, kind, b"subscribe", name)


def _unsubscribe(context: Context, kind: int, names: list[bytes]) -> None:
    """End subscriptions: those that are named, or all of the kind."""
    session = context.session
    ended = names or session.subscriptions.names(kind)
    for name in ended:
        context.engine.pubsub.unsubscribe(session, kind, name)
        _tell(context, kind, b"unsubscribe", name)
    if not ended:
        _tell(context, kind, b"unsubscribe", None)


@pubsub.command(
    "subscribe",
    arity=-2,
    flags=_SUBSCRIBES,
    since="2.0.0",
    complexity="O(N) with N channels",
    summary="Subscribes the client to channels.",
    syntax="channel [channel ...]",
    channels=ChannelSpec(to_end=True),
)
def subscribe(context: Context, argv: list[bytes]) -> None:
    _subscribe(context, CHANNEL, argv[1:])


@pubsub.command(
    "unsubscribe",
    arity=-1,
    flags=_SUBSCRIBES,
    since="2.0.0",
    complexity="O(N) with N channels",
    summary="Ends subscriptions to channels: those that are named, or all.",
    syntax="[channel [channel ...]]",
)
def unsubscribe(context: Context, argv: list[bytes]) -> None:
    _unsubscribe(context, CHANNEL, argv[1:])


@pubsub.command(
    "psubscribe",
    arity=-2,
    flags=_SUBSCRIBES,
    since="2.0.0",
    complexity="O(N) with N patterns",
    summary="Subscribes the client to all channels whose names match patterns.",
    syntax="pattern [pattern ...]",
    channels=ChannelSpec(to_end=True, are_patterns=True),
)
def psubscribe(context: Context, argv: list[bytes]) -> None:
    _subscribe(context, PATTERN, argv[1:])


@pubsub.command(
    "punsubscribe",
    arity=-1,
    flags=_SUBSCRIBES,
    since="2.0.0",
    complexity="O(N) with N patterns",
    summary="Ends subscriptions to patterns: those that are named, or all.",
    syntax="[pattern [pattern ...]]",
)
def punsubscribe(context: Context, argv: list[bytes]) -> None:
    _unsubscribe(context, PATTERN, argv[1:])


@pubsub.command(
    "ssubscribe",
    arity=-2,
    flags=_SUBSCRIBES,
    keys=(key_at(NOT_KEY, last=-1),),
    since="7.0.0",
    complexity="O(N) with N shard channels",
    summary="Subscribes the client to shard channels.",
    syntax="shardchannel [shardchannel ...]",
    channels=ChannelSpec(to_end=True),
)
def ssubscribe(context: Context, argv: list[bytes]) -> None:
    _subscribe(context, SHARD, argv[1:])


@pubsub.command(
    "sunsubscribe",
    arity=-1,
    flags=_SUBSCRIBES,
    keys=(key_at(NOT_KEY, last=-1),),
    since="7.0.0",
    complexity="O(N) with N shard channels",
    summary="Ends subscriptions to shard channels: those that are named, or all.",
    syntax="[shardchannel [shardchannel ...]]",
)
def sunsubscribe(context: Context, argv: list[bytes]) -> None:
    _unsubscribe(context, SHARD, argv[1:])


@pubsub.command(
    "publish",
    arity=3,
    flags=PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE,
    since="2.0.0",
    complexity="O(N+M) with N subscribers of the channel and M patterns of all clients",
    summary="Sends a message to a channel, and returns how many clients received it.",
    syntax="channel message",
    channels=ChannelSpec(),
)
def publish(context: Context, argv: list[bytes]) -> None:
    receivers = context.engine.pubsub.publish(argv[1], argv[2])
    context.record_instead(argv)  # it changes no key, but replicas publish it too
    context.reply.integer(receivers)


@pubsub.command(
    "spublish",
    arity=3,
    flags=PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE,
    keys=(key_at(NOT_KEY),),
    since="7.0.0",
    complexity="O(N) with N subscribers of the shard channel",
    summary="Sends a message to a shard channel, and returns how many clients received it.",
    syntax="shardchannel message",
    channels=ChannelSpec(),
)
def spublish(context: Context, argv: list[bytes]) -> None:
    receivers = context.engine.pubsub.publish_to_shard(argv[1], argv[2])
    context.record_instead(argv)
    context.reply.integer(receivers)


pubsub.container("pubsub", since="2.8.0", summary="Groups the commands that describe pub/sub.")
declare_help(pubsub, "pubsub", since="6.2.0")


def _reply_names(context: Context, kind: int, argv: list[bytes]) -> None:
    if len(argv) > 3:
        raise bad_subcommand_call(argv[0], argv[1])
    context.reply.bulks(context.engine.pubsub.names(kind, argv[2] if len(argv) == 3 else None))


def _reply_counts(context: Context, kind: int, names: list[bytes]) -> None:
    context.reply.array(2 * len(names))
    for name in names:
        context.reply.bulk(name)
        context.reply.integer(context.engine.pubsub.count_subscribers(kind, name))


@pubsub.command(
    "pubsub|channels",
    arity=-2,
    flags=PUBSUB | LOADING | STALE,
    since="2.8.0",
    complexity="O(N) with N channels",
    summary="Returns the channels that have subscribers.",
    syntax="[pattern]",
)
def channels(context: Context, argv: list[bytes]) -> None:
    _reply_names(context, CHANNEL, argv)


@pubsub.command(
    "pubsub|numsub",
    arity=-2,
    flags=PUBSUB | LOADING | STALE,
    since="2.8.0",
    complexity="O(N) with N channels asked for",
    summary="Returns the number of subscribers of each channel.",
    syntax="[channel [channel ...]]",
)
def numsub(context: Context, argv: list[bytes]) -> None:
    _reply_counts(context, CHANNEL, argv[2:])


@pubsub.command(
    "pubsub|numpat",
    arity=2,
    flags=PUBSUB | LOADING | STALE,
    since="2.8.0",
    complexity="O(1)",
    summary="Returns the number of different patterns that clients are subscribed to.",
)
def numpat(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(context.engine.pubsub.count_patterns())


@pubsub.command(
    "pubsub|shardchannels",
    arity=-2,
    flags=PUBSUB | LOADING | STALE,
    since="7.0.0",
    complexity="O(N) with N shard channels",
    summary="Returns the shard channels that have subscribers.",
    syntax="[pattern]",
)
def shardchannels(context: Context, argv: list[bytes]) -> None:
    _reply_names(context, SHARD, argv)


@pubsub.command(
    "pubsub|shardnumsub",
    arity=-2,
    flags=PUBSUB | LOADING | STALE,
    since="7.0.0",
    complexity="O(N) with N shard channels asked for",
    summary="Returns the number of subscribers of each shard channel.",
    syntax="[shardchannel [shardchannel ...]]",
)
def shardnumsub(context: Context, argv: list[bytes]) -> None:
    _reply_counts(context, SHARD, argv[2:])
