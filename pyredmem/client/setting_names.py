"""The names of settings as Python has them, with underscores, and their values."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

from pyredmem.config.parameters import PARAMETERS
from pyredmem.config.settings import SettingError

#: The names in redis.conf, some of which have underscores themselves, by those in Python.
_NAMES: Final = {name.replace("-", "_"): name for name in PARAMETERS}


def setting_name(name: str) -> str:
    """The name of a setting in redis.conf."""
    return _NAMES.get(name.replace("-", "_"), name)


def unknown_name(name: str, others: Collection[str] = ()) -> str:
    """Why a name is none of the settings, nor one of ``others``; empty if it is one."""
    name = name.replace("-", "_")
    if name in _NAMES or name in others:
        return ""
    near = get_close_matches(name, [*_NAMES, *others], 1)
    return f"no setting {name}" + (f"; did you mean {near[0]}?" if near else "")


def check_names(settings: Iterable[str]) -> None:
    """Raise SettingError if there is a name that is no setting."""
    for name in settings:
        problem = unknown_name(name)
        if problem:
            raise SettingError(name, message=f"there is {problem}")


def setting_text(value: str | int) -> str:
    """A value as redis.conf has it; True and False are yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
