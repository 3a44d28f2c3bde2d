"""Hands the settings of the encodings to the keyspace, now and whenever they change."""

from __future__ import annotations

from pyredmem.config.settings import Settings
from pyredmem.objects.limits import ENCODING_SETTINGS, EncodingLimits


class EncodingSettings:
    """Keeps the limits at what the settings say."""

    def __init__(self, settings: Settings, limits: EncodingLimits) -> None:
        self._settings = settings
        self._limits = limits
        settings.follow(ENCODING_SETTINGS, self._changed)

    def _changed(self) -> None:
        self._limits.read(self._settings)
