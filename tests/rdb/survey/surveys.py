"""Surveys of files that tests have made."""

from __future__ import annotations

from pyredmem.base.files import Files
from pyredmem.rdb.dataset import Dataset, Entry, Selection
from pyredmem.rdb.options import parse
from pyredmem.rdb.survey.options import SurveyOptions
from pyredmem.rdb.survey.tally import Tally
from tests.rdb.datasets import NAME

NOW_MS = 1_700_000_000_000


def options_of(*arguments: str) -> SurveyOptions:
    """The options of a command line."""
    return parse(["report", NAME, *arguments], "pyredmem").survey


def tally_of(files: Files, *arguments: str) -> Tally:
    """What was added up of a file."""
    tally = Tally(options_of(*arguments), NOW_MS)
    for record in Dataset(files.open(NAME), Selection()).records():
        if isinstance(record, Entry):
            tally.add(record)
    return tally
