"""The line about a client in CLIENT LIST and CLIENT INFO, with the fields of the server's version in their order."""

from __future__ import annotations

from pyredmem.config.profiles import Profile
from pyredmem.engine.gates import GATE_MONITOR, GATE_NO_TOUCH, GATE_SUBSCRIBED
from pyredmem.engine.session import HOLD_BLOCKED, HOLD_CLOSING, HOLD_PAUSED, Session
from pyredmem.engine.subscriptions import CHANNEL, PATTERN, SHARD
from pyredmem.engine.tracking import ClientTracking


def describe(
    session: Session, tracking: ClientTracking | None, profile: Profile, argv: list[bytes] | None = None
) -> bytes:
    """The line about a client, without a line end.

    ``tracking`` is how the client tracks keys, None if it does not. ``argv`` is the command that it is running, if any.
    """
    memory = session.memory
    replies = memory.reply_buffer
    request, arguments = _request_size(argv or [])
    used = session.held_input() + request
    queued = len(session.transaction.queue) if session.transaction.active else -1
    subscriptions = session.subscriptions
    fields = [
        b"id=%d" % session.id,
        b"addr=%b" % session.address.encode("utf-8", "surrogateescape"),
        b"laddr=%b" % session.local_address.encode("utf-8", "surrogateescape"),
        b"fd=%d" % session.descriptor,
        b"name=%b" % session.name,
        b"age=%d" % session.age_s(),
        b"idle=%d" % session.idle_s(),
        b"flags=%b" % flags(session, tracking),
        *([b"capa=%b" % session.claims.capabilities] if profile.has_field("capa") else []),
        b"db=%d" % session.db.index,
        b"sub=%d" % subscriptions.of_kind(CHANNEL),
        b"psub=%d" % subscriptions.of_kind(PATTERN),
        b"ssub=%d" % subscriptions.of_kind(SHARD),
        b"multi=%d" % queued,
        *([b"watch=%d" % len(session.transaction.watched)] if profile.has_field("watch") else []),
        b"qbuf=%d" % used,
        b"qbuf-free=%d" % max(0, memory.query_buffer.capacity() - used),
        b"argv-mem=%d" % arguments,
        b"multi-mem=%d" % memory.queued_commands.argument_bytes,
        b"rbs=%d" % replies.size,
        b"rbp=%d" % session.output_peak(),
        b"obl=%d" % replies.used(),
        b"oll=%d" % len(replies.blocks),
        b"omem=%d" % replies.blocks_bytes(),
        b"tot-mem=%d" % (memory.total() + arguments + 8 * len(argv or [])),
        b"events=%b" % (b"rw" if replies.unsent > 0 else b"r"),
        b"cmd=%b" % (session.command.full_name if session.command is not None else b"NULL"),
        b"user=%b" % (session.user.name if session.user is not None else b"(superuser)"),
        b"redir=%d" % (tracking.redirect if tracking is not None else -1),
        b"resp=%d" % session.output.protocol,
        b"lib-name=%b" % session.library_name,
        b"lib-ver=%b" % session.library_version,
    ]
    if profile.has_field("tot-cmds"):
        traffic = session.traffic
        if profile.has_field("io-thread"):
            fields.append(b"io-thread=0")
        fields += [b"tot-net-in=%d" % traffic.input_bytes, b"tot-net-out=%d" % traffic.output_bytes]
        fields.append(b"tot-cmds=%d" % traffic.commands)
    return b" ".join(fields)


def flags(session: Session, tracking: ClientTracking | None) -> bytes:
    """The letters for the state of a client; N if no letter applies."""
    gates, holds = session.gates, session.holds
    letters = (
        (gates & GATE_MONITOR != 0, b"O"),
        (gates & GATE_SUBSCRIBED != 0, b"P"),
        (session.transaction.active, b"x"),
        (holds & (HOLD_BLOCKED | HOLD_PAUSED) != 0, b"b"),
        (tracking is not None, b"t"),
        (tracking is not None and tracking.broken, b"R"),
        (tracking is not None and tracking.broadcast, b"B"),
        (session.transaction.watcher.dirty, b"d"),
        (holds & HOLD_CLOSING != 0, b"c"),
        (session.kind == "unix", b"U"),
        (session.claims.is_read_only, b"r"),
        (session.no_evict, b"e"),
        (gates & GATE_NO_TOUCH != 0, b"T"),
        (session.claims.is_import_source, b"I"),
    )
    return b"".join([letter for applies, letter in letters if applies]) or b"N"


def _request_size(argv: list[bytes]) -> tuple[int, int]:
    """The size of a request as it was received, and of its arguments alone, in bytes."""
    arguments = sum([len(argument) for argument in argv])
    if not argv:
        return 0, 0
    framing = sum([len(b"$%d\r\n\r\n" % len(argument)) for argument in argv])
    return len(b"*%d\r\n" % len(argv)) + framing + arguments, arguments
