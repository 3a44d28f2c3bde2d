"""The names of settings as Python has them, with underscores, and their values."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pyredmem.config.parameters import PARAMETERS
from pyredmem.config.settings import SettingError


def unknown_name(name: str, others: Iterable[str] = ()) -> str:
    """Why a name is none of the settings, nor one of ``others``; empty if it is one."""
    name = name.replace("-", "_")
    known = [*(one.replace("-", "_") for one in PARAMETERS), *others]
    if name in known:
        return ""
    near = get_close_matches(name, known, 1)
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
