"""``pyredmem rdb report``: the page, the text, damaged files, and the memory of the tool itself."""

from __future__ import annotations

import re
import tracemalloc
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from pyredmem.objects import rdb_types
from pyredmem.rdb.dataset import Dataset, Entry, Selection
from pyredmem.rdb.options import OptionError, parse
from pyredmem.rdb.output import FAILED, OK
from pyredmem.rdb.survey import terminal
from pyredmem.rdb.survey.options import SurveyOptions
from pyredmem.rdb.survey.tally import Tally
from pyredmem.rdb.tool import run
from tests.persistence.worlds import SavingWorld
from tests.rdb.datasets import do, filled, of_bytes, saved, written
from tests.rdb.survey.surveys import NOW_MS
from tests.support.rdb_files import Content, key, rdb, word

SECTIONS = [
    "Total",
    "By database",
    "By type",
    "By encoding",
    "By prefix",
    "Time left",
    "What expires when (UTC)",
    "Sizes of keys",
    "Largest keys",
    "Largest elements",
    "Other limits of the encodings",
    "Duplicate values",
    "Overhead and payload",
    "Fragmentation of a fresh load",
]
A = key(rdb_types.STRING, b"a", word(b"1"))
MODULE = key(rdb_types.MODULE_VALUE, b"m", b"\x81" + bytes([0b0001_0000] * 8) + b"\x02\x01\x00")
CREATED = b"\xfa" + word(b"ctime") + word(b"1700000000")
EVIL = b"</td><script>alert(1)</script>&\"'"


@pytest.fixture
def without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "optional_module", lambda name: None)


class Page(HTMLParser):
    """Reads a page, and notes what it refers to and whether its elements are closed."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


# The page.


def test_the_page_has_all_sections_and_is_well_formed() -> None:
    status, text = written(saved(filled()), "report", "--html", "unused")
    page = Page(text)
    assert status == OK
    assert (page.headings, page.open, page.wrong) == (SECTIONS, [], [])


def test_the_page_needs_nothing_else() -> None:
    _, text = written(saved(filled()), "report", "--html", "unused")
    page = Page(text)
    assert all(link.startswith("#section") for link in page.links)
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert not re.search(r"url\(|@import|https?:", text)


def test_names_of_keys_are_only_text_in_the_page() -> None:
    world = SavingWorld()
    do(world, "SET", EVIL + b":x", "1")
    do(world, "HSET", b"hash\xff\x00\x1b[31m", EVIL, "1")
    _, text = written(saved(world), "report", "--html", "unused")
    page = Page(text)
    assert (page.wrong, "script" in page.tags) == ([], False)
    assert "&lt;/td&gt;&lt;script&gt;" in text
    assert "\x1b" not in text


def test_prefixes_can_be_unfolded() -> None:
    world = SavingWorld()
    for name in ("user:1:name", "user:1:mail", "user:2:name", "page"):
        do(world, "SET", name, "x" * 100)
    _, text = written(saved(world), "report", "--html", "unused")
    tree = text[text.index("By prefix</h2>") : text.index("Time left</h2>")]
    assert tree.count("<details>") == 1
    assert re.findall(r'first"[^>]*>([^<]*)<', tree) == ["user:", "user:1:", "user:2:", "keys without a prefix"]


def test_the_page_is_written_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = tmp_path / "dump.rdb", tmp_path / "page.html"
    path.write_bytes(rdb(A))
    assert run(["report", str(path), "--html", str(page)], "p") == OK
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert capsys.readouterr().out == ""


# The text.


@pytest.mark.usefixtures("without_rich")
def test_the_plain_text_has_all_sections_and_says_how_to_get_tables() -> None:
    _, text = written(saved(filled()), "report")
    lines = text.splitlines()
    assert [above for above, line in pairwise(lines) if set(line) == {"-"}] == SECTIONS
    assert lines[-1].endswith("pip install 'pyredmem[report]'")


def test_rich_writes_the_same_sections() -> None:
    pytest.importorskip("rich", reason="the extra report is not installed")
    _, text = written(saved(filled()), "report")
    places = [text.index(f"\n{title}\n") for title in SECTIONS]
    assert places == sorted(places)
    assert "pip install" not in text
    assert "\x1b" not in text


def test_rich_takes_nothing_in_keys_for_markup() -> None:
    pytest.importorskip("rich", reason="the extra report is not installed")
    world = SavingWorld()
    do(world, "SET", "[bold]x[/nothing]", "1")
    assert "[bold]x[/nothing]" in written(saved(world), "report")[1]


@pytest.mark.usefixtures("without_rich")
def test_prefixes_are_indented() -> None:
    world = SavingWorld()
    for name in ("user:1:name", "user:1:mail", "user:2:name"):
        do(world, "SET", name, "x" * 100)
    _, text = written(saved(world), "report")
    assert re.findall(r"^( *user\S+)", text, re.MULTILINE)[:3] == ["user:", "  user:1:", "  user:2:"]


@pytest.mark.usefixtures("without_rich")
def test_times_are_counted_from_when_the_file_was_saved() -> None:
    expiring = b"\xfc" + (1_700_000_000_000 + 90 * 60_000).to_bytes(8, "little") + A
    _, text = written(of_bytes(rdb(CREATED, expiring)), "report")
    assert "Counted from 2023-11-14 22:13 UTC." in text
    assert re.search(r"^< 1 day +1 ", text, re.MULTILINE)
    assert re.search(r"^2023-11-14 23:13, 1 hour +1 ", text, re.MULTILINE)


@pytest.mark.usefixtures("without_rich")
def test_values_of_modules_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = written(of_bytes(rdb(A, MODULE)), "report")
    assert status == OK
    assert re.search(r"^keys +1$", text, re.MULTILINE)
    assert re.search(r"^keys left out: values of modules +1$", text, re.MULTILINE)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("without_rich")
def test_a_file_without_keys_has_a_report() -> None:
    status, text = written(of_bytes(rdb()), "report")
    assert status == OK
    assert re.search(r"^keys +0$", text, re.MULTILINE)


# Damaged files.


@pytest.mark.parametrize("layout", [["--html", "unused"], []])
def test_a_damaged_file_is_reported_up_to_the_damage(layout: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    data = rdb(A, key(rdb_types.STRING, b"b", word(b"2")))
    status, text = written(of_bytes(data[:-10]), "report", *layout)
    assert status == FAILED
    assert f"[offset {len(data) - 10}] Unexpected EOF reading RDB file" in re.sub(r"\s+", " ", text)
    assert capsys.readouterr().err.startswith(f"[offset {len(data) - 10}] Unexpected EOF")


def test_another_file_has_an_empty_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(of_bytes(b"# Redis configuration"), "report")[0] == FAILED
    assert "[offset 9] Wrong signature" in capsys.readouterr().err


# Options.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--html", "a", "--file", "b"], "--html and --file cannot be used together"),
        (["--separators", ""], "must be one or more ASCII characters"),
        (["--separators", "é"], "must be one or more ASCII characters"),
        (["--nodes", "0"], "must be at least 1"),
        (["--bytes", "5"], "unrecognized arguments: --bytes"),
    ],
)
def test_options_that_cannot_be_used_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(OptionError) as refused:
        parse(["report", "x.rdb", *arguments], "p")
    assert message in str(refused.value)


# Memory of the tool itself.


def peak(keys: int, exact: bool) -> int:
    """The most bytes that a survey of many different keys takes."""
    records = [key(rdb_types.STRING, b"user:%08d:name" % at, word(b"value number %d" % at)) for at in range(keys)]
    data = rdb(*records)
    tally = Tally(SurveyOptions(nodes=200, exact=exact), NOW_MS)
    tally.duplicates._most_sampled = None if exact else 200
    tally.duplicates._most_wasteful = 200
    tracemalloc.start()
    try:
        for record in Dataset(Content(data), Selection()).records():
            assert isinstance(record, Entry)
            tally.add(record)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_keys() -> None:
    peak(100, False)
    assert peak(6000, False) < peak(4000, False) + 50_000
    assert peak(2000, True) > peak(1000, True) + 150_000
