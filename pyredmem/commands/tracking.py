"""CLIENT TRACKING and related commands, by which a connection configures client-side caching."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import KEEPS_CACHING, LOADING, NOSCRIPT, STALE, Group
from pyredmem.engine.context import Context
from pyredmem.engine.session import Session
from pyredmem.engine.tracking import MODE_FIXED, OPT_IN, OPT_OUT, ClientTracking, Tracking

tracking: Final = Group("connection")

_FLAGS: Final = NOSCRIPT | LOADING | STALE | KEEPS_CACHING


class _Options:
    """The options of CLIENT TRACKING."""

    def __init__(self) -> None:
        self.redirect = 0
        self.prefixes: list[bytes] = []
        self.broadcast = False
        self.opt_in = False
        self.opt_out = False
        self.no_loop = False

    def read(self, context: Context, arguments: Arguments) -> None:
        """Read the options from the arguments."""
        while arguments.left() > 0:
            option = arguments.word()
            if option == b"REDIRECT" and arguments.left() > 0:
                if self.redirect != 0:
                    raise CommandError(b"ERR A client can only redirect to a single other client")
                self.redirect = arguments.integer()
                if self.redirect not in context.engine.sessions:
                    raise CommandError(b"ERR The client ID you want redirect to does not exist")
            elif option == b"PREFIX" and arguments.left() > 0:
                self.prefixes.append(arguments.next())
            elif option == b"BCAST":
                self.broadcast = True
            elif option == b"OPTIN":
                self.opt_in = True
            elif option == b"OPTOUT":
                self.opt_out = True
            elif option == b"NOLOOP":
                self.no_loop = True
            else:
                raise CommandError(SYNTAX_ERROR)

    def check(self, old: ClientTracking | None) -> None:
        """Refuse options that exclude each other, or that contradict how the client already tracks."""
        if self.prefixes and not self.broadcast:
            raise CommandError(b"ERR PREFIX option requires BCAST mode to be enabled")
        if old is not None and old.broadcast != self.broadcast:
            raise CommandError(MODE_FIXED % b"BCAST mode on/off")
        if self.broadcast and (self.opt_in or self.opt_out):
            raise CommandError(b"ERR OPTIN and OPTOUT are not compatible with BCAST")
        if self.opt_in and self.opt_out:
            raise CommandError(b"ERR You can't specify both OPTIN mode and OPTOUT mode")
        had = old.choice if old is not None else 0
        if (self.opt_in and had == OPT_OUT) or (self.opt_out and had == OPT_IN):
            raise CommandError(MODE_FIXED % b"OPTIN/OPTOUT mode")

    def choice(self) -> int:
        """``OPT_IN``, ``OPT_OUT``, or 0 for neither."""
        if self.opt_in:
            return OPT_IN
        return OPT_OUT if self.opt_out else 0


@tracking.command(
    "client|tracking",
    arity=-3,
    flags=_FLAGS,
    acl="connection",
    since="6.0.0",
    complexity="O(1); with prefixes O(N*M), where N is the number of new prefixes and M that of all",
    summary="Turns invalidation messages for the connection on or off.",
    syntax="<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
)
def switch(context: Context, argv: list[bytes]) -> None:
    all_tracking = context.engine.tracking
    session = context.session
    options = _Options()
    options.read(context, Arguments(argv, 3))
    choice = argv[2].upper()
    if choice == b"ON":
        _enable(all_tracking, session, options)
    elif choice == b"OFF":
        all_tracking.disable(session)
    else:
        raise CommandError(SYNTAX_ERROR)
    context.reply.ok()


def _enable(all_tracking: Tracking, session: Session, options: _Options) -> None:
    options.check(all_tracking.of(session))
    if options.broadcast:
        all_tracking.check_prefixes(session, options.prefixes)
    asked = ClientTracking(options.redirect, options.broadcast, options.choice(), options.no_loop)
    all_tracking.enable(session, asked, options.prefixes)


@tracking.command(
    "client|caching",
    arity=3,
    flags=_FLAGS,
    acl="connection",
    since="6.0.0",
    complexity="O(1)",
    summary="Sets whether the keys of the next command are tracked, in OPTIN or OPTOUT mode.",
    syntax="<YES | NO>",
)
def caching(context: Context, argv: list[bytes]) -> None:
    mine = context.engine.tracking.of(context.session)
    if mine is None:
        raise CommandError(
            b"ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
            b"enabled"
        )
    choice = argv[2].upper()
    if choice not in {b"YES", b"NO"}:
        raise CommandError(SYNTAX_ERROR)
    if choice == b"YES" and mine.choice != OPT_IN:
        raise CommandError(b"ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
    if choice == b"NO" and mine.choice != OPT_OUT:
        raise CommandError(b"ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    mine.caching = True
    context.reply.ok()


@tracking.command(
    "client|getredir",
    arity=2,
    flags=_FLAGS,
    acl="connection",
    since="6.0.0",
    complexity="O(1)",
    summary="Returns the id of the connection that receives the invalidation messages: 0 for this one, -1 for none.",
)
def getredir(context: Context, argv: list[bytes]) -> None:
    mine = context.engine.tracking.of(context.session)
    context.reply.integer(-1 if mine is None else mine.redirect)


@tracking.command(
    "client|trackinginfo",
    arity=2,
    flags=_FLAGS,
    acl="connection",
    since="6.2.0",
    complexity="O(1)",
    summary="Describes the tracking of the connection.",
)
def trackinginfo(context: Context, argv: list[bytes]) -> None:
    mine = context.engine.tracking.of(context.session)
    reply = context.reply
    reply.map(3)
    reply.bulk(b"flags")
    words = _words(mine)
    reply.set(len(words))
    for word in words:
        reply.bulk(word)
    reply.bulk(b"redirect")
    reply.integer(-1 if mine is None else mine.redirect)
    reply.bulk(b"prefixes")
    reply.bulks(mine.prefixes() if mine is not None else [])


def _words(mine: ClientTracking | None) -> list[bytes]:
    if mine is None:
        return [b"off"]
    flags = (
        (mine.broadcast, b"bcast"),
        (mine.choice == OPT_IN, b"optin"),
        (mine.choice == OPT_IN and mine.caching, b"caching-yes"),
        (mine.choice == OPT_OUT, b"optout"),
        (mine.choice == OPT_OUT and mine.caching, b"caching-no"),
        (mine.no_loop, b"noloop"),
        (mine.broken, b"broken_redirect"),
    )
    return [b"on", *[word for applies, word in flags if applies]]
