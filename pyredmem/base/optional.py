"""Modules that are not there on every system, or in every Python."""

from importlib import import_module
from typing import Any


def optional_module(name: str) -> Any:
    """A module; None where it is not there."""
    try:
        return import_module(name)
    except ImportError:
        return None
