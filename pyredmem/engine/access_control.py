"""Access control: the users of an engine, what their clients may do, and the log of what was denied.

A client whose user may do everything pays nothing: it has no gate. That of a restricted user has the gate GATE_ACL,
which is set and removed as the user's rules change. Its calls are then checked by :meth:`AccessControl.denial`: first
by the shortcuts of the user, and by the rules if these do not permit the call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from pyredmem.acl import denial as causes
from pyredmem.acl.call import UsedChannel
from pyredmem.acl.catalogue import READ, Catalogue
from pyredmem.acl.denial import Denial
from pyredmem.acl.ledger import block_sizes
from pyredmem.acl.log import AclLog
from pyredmem.acl.user import User, loses_channels
from pyredmem.config.quoting import encode
from pyredmem.engine import figures
from pyredmem.engine.acl_calls import acl_call, acl_commands
from pyredmem.engine.client_info import describe
from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_ACL
from pyredmem.engine.session import Session
from pyredmem.engine.spec import Command, CommandTable
from pyredmem.engine.subscriptions import CHANNEL, PATTERN, SHARD
from pyredmem.engine.tracking import Tracking

DEFAULT_USER: Final = b"default"

# Where a call was denied, as ACL LOG says it.
TOPLEVEL: Final = b"toplevel"
IN_MULTI: Final = b"multi"
IN_SCRIPT: Final = b"lua"

ACL_CHANGED: Final = (
    b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is "
    b"no longer allowed for the following reason: "
)


class AccessControl:
    """Knows the users, and checks the calls of clients whose users are restricted."""

    def __init__(self, core: Core, commands: CommandTable, tracking: Tracking) -> None:
        self._core = core
        self._tracking = tracking
        self._follow_default: Callable[[], None] | None = None
        self.catalogue = Catalogue(partial(acl_commands, commands, core.profile))
        self.log = AclLog(core.allocator)
        self._denied = {causes.COMMAND: 0, causes.KEY: 0, causes.AUTH: 0, causes.CHANNEL: 0}
        self.default = self._unrestricted_default()
        self._users: dict[bytes, User] = {DEFAULT_USER: self.default}
        provide = core.figures.provide
        provide(figures.DENIED_COMMANDS, lambda: self._denied[causes.COMMAND])
        provide(figures.DENIED_KEYS, lambda: self._denied[causes.KEY])
        provide(figures.DENIED_AUTH, lambda: self._denied[causes.AUTH])
        provide(figures.DENIED_CHANNELS, lambda: self._denied[causes.CHANNEL])
        core.owners.register("users", self.addresses)
        core.owners.register("ACL log", self.log.addresses)
        core.settings.subscribe("requirepass", self._password_changed)
        if core.settings.text("requirepass"):
            self._password_changed()

    def on_default_change(self, action: Callable[[], None]) -> None:
        """Call ``action`` after each change of the default user: clients may need a password now, or none."""
        self._follow_default = action

    def close(self) -> None:
        """Tell nobody of changes any more."""
        self._follow_default = None

    # Users.

    def user(self, name: bytes) -> User | None:
        return self._users.get(name)

    def users(self) -> list[User]:
        """All users in the order of their names."""
        return [self._users[name] for name in sorted(self._users)]

    def new_user(self, name: bytes) -> User:
        """A user that has no rights and is not among the users yet."""
        return User(name, self.catalogue, self.all_channels())

    def set_user(self, draft: User) -> list[Session]:
        """Give the user of this name the rules of ``draft``; returns the clients that lose a channel by that."""
        user = self._users.get(draft.name)
        if user is None:
            user = self.new_user(draft.name)
            self._users[draft.name] = user
        losing = self._losing(user, draft)
        user.take(draft)
        self._changed(user)
        return losing

    def delete_user(self, name: bytes) -> list[Session] | None:
        """Delete a user; returns its clients, which must be disconnected, or None if there is no such user."""
        user = self._users.pop(name, None)
        if user is None:
            return None
        self._free(user)
        clients = [session for session in self._core.sessions.values() if session.user is user]
        for session in clients:
            self._log_out(session)
        return clients

    def replace_users(self, users: dict[bytes, User]) -> list[Session]:
        """Replace all users (ACL LOAD); returns the clients whose user is gone or loses one of their channels."""
        loaded = dict(users)
        default = loaded.pop(DEFAULT_USER, None) or self._unrestricted_default()
        cut: list[Session] = []
        for name in [name for name in self._users if name != DEFAULT_USER and name not in loaded]:
            cut += self.delete_user(name) or []
        for draft in [default, *loaded.values()]:
            cut += self.set_user(draft)
        return cut

    def _unrestricted_default(self) -> User:
        user = self.new_user(DEFAULT_USER)
        user.permit_everything()
        user.restricted = False
        return user

    def all_channels(self) -> bool:
        """Whether a new user may access all channels (acl-pubsub-default)."""
        return self._core.settings.text("acl-pubsub-default") == "allchannels"

    def _password_changed(self) -> None:
        """Make the setting requirepass the only password of the default user."""
        password = encode(self._core.settings.text("requirepass"))
        self.default.apply(b"resetpass")
        self.default.apply(b">" + password if password else b"nopass")
        self._changed(self.default)

    def _changed(self, user: User) -> None:
        """Do what the new rules of a user entail: the gates of its clients, and the ledger."""
        was_restricted = user.restricted
        user.restricted = not user.is_unrestricted()
        if user.restricted != was_restricted:
            for session in self._core.sessions.values():
                if session.user is user:
                    session.set_gate(GATE_ACL, user.restricted)
        self._free(user)
        sizes = Counter(block_sizes(user))
        if user is self.default:
            sizes -= Counter(block_sizes(self._unrestricted_default()))  # the memory of the start includes them
        user.blocks = [int(self._core.allocator.alloc(size)) for size in sizes.elements()]
        if user is self.default and self._follow_default is not None:
            self._follow_default()

    def _free(self, user: User) -> None:
        for address in user.blocks:
            self._core.allocator.free(address)
        user.blocks = []

    def addresses(self) -> list[int]:
        """The ledger blocks of all users."""
        return [address for user in self._users.values() for address in user.blocks]

    # Clients.

    def log_in(self, session: Session, user: User) -> None:
        """Let a client act as this user from now on."""
        session.user = user
        session.set_gate(GATE_ACL, user.restricted)

    def _log_out(self, session: Session) -> None:
        self.log_in(session, self.default)
        session.authenticated = False

    def _losing(self, old: User, new: User) -> list[Session]:
        """The clients of a user that are subscribed to something which its new rules forbid."""
        if not loses_channels(old, new):
            return []
        losing: list[Session] = []
        for session in self._core.sessions.values():
            if session.user is old:
                names = session.subscriptions.names
                subscribed = [UsedChannel(0, name, False) for name in names(CHANNEL) + names(SHARD)]
                subscribed += [UsedChannel(0, name, True) for name in names(PATTERN)]
                if not new.permits_channels(subscribed):
                    losing.append(session)
        return losing

    # Checks.

    def denial(self, user: User | None, command: Command, argv: list[bytes]) -> Denial | None:
        """Why a user may not make a call, whose number of arguments is right; None if it may."""
        if user is None or not user.restricted or user.shortcuts().permit(command.index, argv):
            return None
        return user.denial(acl_call(command, argv))

    def would_permit(self, session: Session, command: Command, argv: list[bytes]) -> bool:
        """Whether a client may make a call that nobody makes now; the number of its arguments may be wrong."""
        user = session.user
        return user is None or not user.restricted or user.denial(acl_call(command, argv)) is None

    def refusal(self, session: Session, command: Command, argv: list[bytes]) -> bytes | None:
        """The error if a client may not send a command, which is logged and counted; None if it may."""
        return self._refusal(session, command, argv, b"NOPERM ", b"")

    def refusal_in_script(self, session: Session, command: Command, argv: list[bytes]) -> bytes | None:
        """The error if the script of a client may not call a command, which is logged and counted; None if it may."""
        return self._refusal(session, command, argv, b"ERR ACL failure in script: ", IN_SCRIPT)

    def _refusal(
        self, session: Session, command: Command, argv: list[bytes], prefix: bytes, context: bytes
    ) -> bytes | None:
        user = session.user
        found = self.denial(user, command, argv)
        if found is None:
            return None
        assert user is not None
        self._note(session, found, command, argv, context)
        return prefix + found.message(user.name, command.full_name)

    def refusal_at_exec(self, session: Session, command: Command, argv: list[bytes]) -> bytes | None:
        """The error if a client may no longer run a command that it has queued; None if it may."""
        found = self.denial(session.user, command, argv)
        if found is None:
            return None
        self._note(session, found, command, argv, IN_MULTI)
        return ACL_CHANGED + causes.AT_EXEC[found.cause]

    def may_read_all_keys(self, session: Session, command: Command, argv: list[bytes]) -> bool:
        """Whether a client may make a call that reads keys whose names it computes (SORT with BY or GET)."""
        user = session.user
        return user is None or not user.restricted or user.permits_with_all_keys(acl_call(command, argv), READ)

    def _note(self, session: Session, found: Denial, command: Command, argv: list[bytes], context: bytes) -> None:
        assert session.user is not None
        what = command.full_name if found.cause == causes.COMMAND else argv[found.place]
        self._log(session, found.cause, what, session.user.name, argv, context)

    def note_failed_login(self, session: Session, name: bytes, argv: list[bytes]) -> None:
        """Log and count that a client has given a wrong name or password in the call ``argv``."""
        self._log(session, causes.AUTH, argv[0], name, argv, b"")

    def _log(self, session: Session, cause: int, what: bytes, name: bytes, argv: list[bytes], context: bytes) -> None:
        self._denied[cause] += 1
        if not context:
            context = IN_MULTI if session.transaction.active else TOPLEVEL
        most = self._core.settings.integer("acllog-max-len")
        client = describe(session, self._tracking.of(session), self._core.profile, argv) if most else b""
        self.log.add(causes.REASONS[cause], context, what, name, client, self._core.keyspace.now_ms(), most)
