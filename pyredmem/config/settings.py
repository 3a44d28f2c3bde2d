"""The settings of one server: their values, the subscribers to changes, CONFIG GET and CONFIG SET.

A change applies to all of its settings or to none. First every value is checked. Then the subscribers to the settings
that changed are called, each of them once, and each can still refuse the change by raising `SettingError`. In that case
all old values are restored, and the subscribers that were called already are called again to take them back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from pyredmem.base.glob import match
from pyredmem.config.composites import BufferLimits
from pyredmem.config.kinds import BadValueError
from pyredmem.config.parameter import Parameter
from pyredmem.config.parameters import DEFAULT_NUMBERS, DEFAULTS, PARAMETERS
from pyredmem.config.profiles import PROFILE_DEFAULTS, Profile, profile_of
from pyredmem.config.quoting import decode, encode

IMMUTABLE: Final = "can't set immutable config"
PROTECTED: Final = "can't set protected config"
DUPLICATE: Final = "duplicate parameter"


class SettingError(Exception):
    """CONFIG SET is refused. `message` is the whole error line without the leading dash.

    A subscriber that refuses a value raises `SettingError(reason=...)`; the name of the setting is added here.
    """

    def __init__(self, argument: str = "", reason: str = "", message: str = "") -> None:
        self.argument = argument
        self.reason = reason
        text = message or f"ERR CONFIG SET failed (possibly related to argument '{argument}') - {reason}"
        self.message = encode(text)
        super().__init__(text)


def unknown_setting(name: str) -> SettingError:
    """The error for an unknown name."""
    return SettingError(name, message=f"ERR Unknown option or number of arguments for CONFIG SET - '{name}'")


class Settings:
    """The present values of all settings."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = DEFAULTS.copy()  # canonical text by name
        # The numbers of values that have been read, by name. The table of the defaults is shared until a value changes.
        self._numbers: dict[str, int] = DEFAULT_NUMBERS
        self._subscribers: list[tuple[tuple[str, ...], Callable[[], None]]] = []
        self._given: set[str] = set()  # the settings that do not have their defaults just because nobody set them
        for name, value in pairs:
            self.start_with(name, value)

    # Reading

    def parameter(self, name: str) -> Parameter | None:
        """The setting with this name or alias, in upper or lower case."""
        return PARAMETERS.get(name.lower())

    def is_sensitive(self, name: str) -> bool:
        """Whether a setting holds a secret, such as a password, that logs must not show."""
        parameter = self.parameter(name)
        return parameter is not None and parameter.sensitive

    def text(self, name: str) -> str:
        """The value in the form in which it is kept."""
        value = self._values.get(name)
        return self._values[self._known(name).name] if value is None else value

    def integer(self, name: str) -> int:
        """The value of a numeric setting. A percentage in `maxmemory-clients` is a negative number."""
        number = self._numbers.get(name)
        if number is None:
            parameter = self._known(name)
            number = parameter.kind.number(self._values[parameter.name])
            if self._numbers is not DEFAULT_NUMBERS:
                self._numbers[parameter.name] = number
        return number

    def flag(self, name: str) -> bool:
        """Whether a yes/no setting is on."""
        return self.integer(name) != 0

    def words(self, name: str) -> list[str]:
        """The words of a setting with several, such as `bind`."""
        return self.text(name).split()

    def profile(self) -> Profile:
        """The profile of the server."""
        return profile_of(self.text("redis-version"))

    def output_buffer_limits(self) -> dict[str, tuple[int, int, int]]:
        """The hard limit, the soft limit and the seconds for "normal", "slave" and "pubsub"."""
        return BufferLimits.by_class(self.text("client-output-buffer-limit"))

    def percentiles(self) -> list[float]:
        """The percentiles that INFO latencystats shows."""
        return [float(word) for word in self.words("latency-tracking-info-percentiles")]

    def matching(self, patterns: list[bytes]) -> list[tuple[str, str]]:
        """The reply of CONFIG GET: names and aliases that match, each once, with their values.

        A pattern without wildcards is a name. It is shown as it was typed, and it finds hidden settings too.
        """
        found: dict[str, tuple[str, str]] = {}
        profile = self.profile()
        for pattern in patterns:
            if re.search(rb"[\[*?]", pattern):
                for name, parameter in PARAMETERS.items():
                    if (
                        name not in found
                        and _is_listed(name, parameter, profile)
                        and match(pattern, name.encode(), True)
                    ):
                        found[name] = (name, parameter.kind.shown(self._values[parameter.name]))
            else:
                typed = decode(pattern)
                exact = self.parameter(typed)
                if exact is not None and profile.has_setting(typed.lower()) and typed.lower() not in found:
                    found[typed.lower()] = (typed, exact.kind.shown(self._values[exact.name]))
        return list(found.values())

    # Changing

    def subscribe(self, name: str, callback: Callable[[], None]) -> None:
        """Call `callback` after each change of a setting."""
        self._add_subscriber((name,), callback)

    def follow(self, names: tuple[str, ...], action: Callable[[], None]) -> None:
        """Call `action` now, to copy the present values, and again after each change of a setting in `names`."""
        self._add_subscriber(names, action)
        action()

    def _add_subscriber(self, names: tuple[str, ...], callback: Callable[[], None]) -> None:
        for name in names:
            if name not in self._values:  # an alias
                names = tuple([self._known(one).name for one in names])
                break
        self._subscribers.append((names, callback))

    def forget_subscribers(self) -> None:
        """Call nobody any more."""
        self._subscribers.clear()

    def set_many(self, pairs: list[tuple[str, str]], local_client: bool = False) -> None:
        """CONFIG SET: set all of `pairs`, or raise `SettingError` and set none.

        `local_client` tells whether the client is on this machine, which can allow it to change protected settings.
        """
        chosen = self._choose(pairs, local_client)
        old = dict(self._values)
        try:
            for shown, parameter, value in chosen:
                self._store(shown, parameter, value)
            self._announce(old)
        except SettingError:
            self._take_back(old)
            raise

    def start_with(self, name: str, value: str) -> None:
        """Set one value at the start, even of an immutable or protected setting. No subscriber is called."""
        parameter = self.parameter(name)
        if parameter is None:
            raise unknown_setting(name)
        self._store(name, parameter, value)
        self._note_given(parameter)

    def start_with_words(self, name: str, words: list[str], first: bool) -> None:
        """Set one value from a line of a file. `first` is false if an earlier line set the same setting."""
        parameter = self._known(name)
        self._change(parameter.name, parameter.kind.extend(words, self._values[parameter.name], first))
        self._note_given(parameter)

    def default(self, parameter: Parameter) -> str:
        """The value that a setting has in this profile if nobody sets it."""
        return self.profile().defaults_by_name().get(parameter.name, parameter.default)

    def _note_given(self, parameter: Parameter) -> None:
        """A setting was given at the start. If that chooses a profile, all others begin with its defaults."""
        self._given.add(parameter.name)
        if parameter.name != "redis-version":
            return
        for other in PROFILE_DEFAULTS:
            if other not in self._given:
                self._change(other, self.default(PARAMETERS[other]))

    def _known(self, name: str) -> Parameter:
        parameter = self.parameter(name)
        assert parameter is not None, f"no such setting: {name}"
        return parameter

    def _choose(self, pairs: list[tuple[str, str]], local_client: bool) -> list[tuple[str, Parameter, str]]:
        """The settings that `pairs` name, each with the name to use in errors; refuses those that cannot be changed."""
        chosen: list[tuple[str, Parameter, str]] = []
        seen: set[str] = set()
        protection = self.text("enable-protected-configs")
        open_to_client = protection == "yes" or (protection == "local" and local_client)
        profile = self.profile()
        for typed, value in pairs:
            parameter = self.parameter(typed)
            if parameter is None or not profile.has_setting(typed.lower()):
                raise unknown_setting(typed)
            if parameter.immutable:
                raise SettingError(typed, IMMUTABLE)
            if parameter.protected and not open_to_client:
                raise SettingError(typed, PROTECTED)
            if typed.lower() in seen:
                raise SettingError(typed, DUPLICATE)
            seen.add(typed.lower())
            chosen.append((typed.lower(), parameter, value))
        return chosen

    def _store(self, shown: str, parameter: Parameter, value: str) -> None:
        """Check one value and store it."""
        words = [value]
        if parameter.kind.many_words:
            words = value.split(" ") if value else []
        kind = self.profile().kind(parameter.name, parameter.kind)
        try:
            self._change(parameter.name, kind.parse(words, self._values[parameter.name]))
        except BadValueError as refused:
            raise SettingError(shown, refused.reason) from None

    def _change(self, name: str, value: str) -> None:
        self._values[name] = value
        if self._numbers is DEFAULT_NUMBERS:
            self._numbers = DEFAULT_NUMBERS.copy()
        self._numbers.pop(name, None)

    def _take_back(self, old: dict[str, str]) -> None:
        self._values = old
        self._numbers = {}

    def _announce(self, old: dict[str, str]) -> None:
        """Call the subscribers to settings that differ from `old`. If one refuses, restore the old values."""
        new = self._values
        called: list[Callable[[], None]] = []
        for names, callback in list(self._subscribers):
            changed = [name for name in names if new[name] != old[name]]
            if not changed or callback in called:
                continue
            called.append(callback)
            try:
                callback()
            except SettingError as refused:
                self._take_back(old)
                for earlier in called:
                    self._restore(earlier)
                raise SettingError(refused.argument or changed[0], refused.reason) from None

    @staticmethod
    def _restore(callback: Callable[[], None]) -> None:
        """Call a subscriber to take the old values back. It cannot refuse them, since it had accepted them before."""
        try:
            callback()
        except SettingError as refused:
            raise AssertionError(f"a subscriber refused its old value: {refused}") from refused


def _is_listed(name: str, parameter: Parameter, profile: Profile) -> bool:
    """Whether CONFIG GET shows a setting that a pattern with wildcards matches by a name or an alias."""
    hidden = parameter.hidden or parameter.name in profile.hidden_settings
    return not hidden and profile.has_setting(name)
