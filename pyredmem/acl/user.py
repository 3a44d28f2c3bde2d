"""A user: whether it may log in, with which passwords, and its selectors, of which the first is that of its own rules.

Passwords are kept as SHA-256 hashes in hexadecimal digits. Hashes are compared in a time that does not depend on how
many of their digits are right.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from pyredmem.acl.call import Call, UsedChannel
from pyredmem.acl.catalogue import Catalogue
from pyredmem.acl.denial import Denial
from pyredmem.acl.rules import BAD_HASH, NO_SUCH_PASSWORD, RuleError
from pyredmem.acl.selector import Selector
from pyredmem.acl.shortcuts import Shortcuts
from pyredmem.config.quoting import decode, encode, split_words

_HASH_DIGITS: Final = 64
_HEXADECIMAL: Final = b"0123456789abcdef"


class User:
    """A user; a new one is disabled and may do nothing. ``all_channels`` is what acl-pubsub-default says."""

    def __init__(self, name: bytes, catalogue: Catalogue, all_channels: bool) -> None:
        self.name = name
        self._catalogue = catalogue
        self._all_channels_by_default = all_channels
        self.enabled = False
        self.no_password = False
        self.sanitizes_payload = True
        self.passwords: list[bytes] = []
        self.selectors = [Selector(catalogue, all_channels)]
        self._shortcuts: Shortcuts | None = None
        self.restricted = True  # whether calls must be checked; kept by the engine
        self.blocks: list[int] = []  # its ledger blocks

    def take(self, other: User) -> None:
        """Take the rules and passwords of another user."""
        self.enabled = other.enabled
        self.no_password = other.no_password
        self.sanitizes_payload = other.sanitizes_payload
        self.passwords = other.passwords.copy()
        self.selectors = [selector.copy() for selector in other.selectors]
        self._shortcuts = None

    # Applying rules.

    def permit_everything(self) -> None:
        """What the rules ``on nopass allkeys allchannels allcommands`` do to a new user."""
        self.enabled = True
        self.no_password = True
        self.selectors[0].permit_everything()

    def apply(self, rule: bytes) -> None:
        """Apply one rule; raises RuleError."""
        word = rule.lower()
        if word in {b"on", b"off"}:
            self.enabled = word == b"on"
        elif word == b"nopass":
            self._reset_passwords(True)
        elif word == b"resetpass":
            self._reset_passwords(False)
        elif word in {b"sanitize-payload", b"skip-sanitize-payload"}:
            self.sanitizes_payload = word == b"sanitize-payload"
        elif word == b"reset":
            self._reset()
        elif word == b"clearselectors":
            del self.selectors[1:]
        elif rule[:1] in {b">", b"#"}:
            self._add_password(_hashed(rule))
        elif rule[:1] in {b"<", b"!"}:
            self._remove_password(_hashed(rule))
        elif rule.startswith(b"(") and rule.endswith(b")"):
            self._add_selector(rule[1:-1])
        elif rule:
            self.selectors[0].apply(rule)
        self._shortcuts = None

    def _reset(self) -> None:
        self._reset_passwords(False)
        self.enabled = False
        self.sanitizes_payload = True
        self.selectors = [Selector(self._catalogue, self._all_channels_by_default)]

    def _reset_passwords(self, no_password: bool) -> None:
        self.no_password = no_password
        self.passwords = []

    def _add_password(self, hashed: bytes) -> None:
        self.no_password = False
        if hashed not in self.passwords:
            self.passwords.append(hashed)

    def _remove_password(self, hashed: bytes) -> None:
        if hashed not in self.passwords:
            raise RuleError(NO_SUCH_PASSWORD)
        self.passwords.remove(hashed)

    def _add_selector(self, text: bytes) -> None:
        selector = Selector(self._catalogue, self._all_channels_by_default)
        for word in split_words(decode(text)) or []:
            selector.apply(encode(word))
        self.selectors.append(selector)

    # Texts.

    def flags(self) -> list[bytes]:
        """The flags as rules, in Redis's order."""
        flags = [b"on" if self.enabled else b"off"]
        if self.no_password:
            flags.append(b"nopass")
        flags.append(b"sanitize-payload" if self.sanitizes_payload else b"skip-sanitize-payload")
        return flags

    def text(self) -> bytes:
        """The user as ACL LIST shows it, without the word ``user``."""
        parts = [self.name, *self.flags(), *[b"#" + hashed for hashed in self.passwords], self.selectors[0].text()]
        parts += [b"(" + selector.text() + b")" for selector in self.selectors[1:]]
        return b" ".join(parts)

    # What is permitted.

    def accepts(self, password: bytes) -> bool:
        """Whether the user may log in with a password."""
        if not self.enabled:
            return False
        if self.no_password:
            return True
        hashed = hash_of(password)
        found = False
        for known in self.passwords:  # no early end: the time tells nothing
            found |= hmac.compare_digest(known, hashed)
        return found

    def is_unrestricted(self) -> bool:
        """Whether the user may do everything, so that no call need be checked."""
        return any(selector.permits_everything() for selector in self.selectors)

    def shortcuts(self) -> Shortcuts:
        """What can be decided about most calls without looking at the rules."""
        if self._shortcuts is None:
            self._shortcuts = Shortcuts(self._catalogue, self.selectors)
        return self._shortcuts

    def denial(self, call: Call) -> Denial | None:
        """Why no selector permits a call; None if one does."""
        weightiest: Denial | None = None
        for selector in self.selectors:
            found = selector.denial(call)
            if found is None:
                return None
            if weightiest is None or found.is_weightier_than(weightiest):
                weightiest = found
        return weightiest

    def permits_with_all_keys(self, call: Call, access: int) -> bool:
        """Whether one selector permits a call and the use of all keys with this access."""
        return any(selector.denial(call) is None and selector.permits_all_keys(access) for selector in self.selectors)

    # Channels.

    def has_all_channels(self) -> bool:
        return any(selector.all_channels for selector in self.selectors)

    def channel_patterns(self) -> list[bytes]:
        """The patterns of channels of all selectors."""
        return [glob.pattern for selector in self.selectors for glob in selector.channel_patterns]

    def permits_channels(self, channels: list[UsedChannel]) -> bool:
        """Whether the user may stay subscribed to all of these channels and patterns."""
        return all(any(selector.permits_channel(channel) for selector in self.selectors) for channel in channels)


def loses_channels(old: User, new: User) -> bool:
    """Whether the rules of ``new`` may forbid a subscription that those of ``old`` permitted."""
    if new.has_all_channels():
        return False
    return old.has_all_channels() or not set(old.channel_patterns()) <= set(new.channel_patterns())


def hash_of(password: bytes) -> bytes:
    """The form in which a password is kept."""
    return hashlib.sha256(password).hexdigest().encode()


def _hashed(rule: bytes) -> bytes:
    """The hash that a rule about a password means: ``>password``, ``#hash`` and their opposites."""
    if rule[:1] in {b">", b"<"}:
        return hash_of(rule[1:])
    if len(rule) != 1 + _HASH_DIGITS or not all(digit in _HEXADECIMAL for digit in rule[1:]):
        raise RuleError(BAD_HASH)
    return rule[1:]
