"""How a dataset is surveyed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pyredmem.config.settings import Settings
from pyredmem.rdb.survey.versions import Place

SEPARATORS: Final = ":/."
NODES: Final = 10_000
LARGEST: Final = 20

# Layouts.
HTML: Final = "html"
TEXT: Final = "text"


@dataclass(frozen=True)
class SurveyOptions:
    """What is wanted."""

    allocator: str = "jemalloc"
    settings: Settings = field(default_factory=Settings)  # of the encodings
    separators: bytes = SEPARATORS.encode()  # of the parts of a key
    nodes: int = NODES  # how many prefixes are kept
    exact: bool = False  # keep all prefixes and digests, whatever memory that takes
    largest: int = LARGEST  # how many keys and elements are shown
    layout: str = TEXT
    versions: tuple[Place, ...] = ()  # in which the dataset is measured, too
