"""TIME and SHUTDOWN, on a server without save points. tests/persistence has the others."""

from __future__ import annotations

import pytest

from tests.support.hosted import Hosted
from tests.support.replies import SYNTAX_ERROR, Error


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


def test_time_is_seconds_and_microseconds(hosted: Hosted) -> None:
    hosted.clock.advance_us(1_000_042)
    assert hosted.do("TIME") == [b"1700000001", b"42"]


def test_lastsave_is_the_time_of_the_start(hosted: Hosted) -> None:
    hosted.tick(5000)
    assert hosted.do("LASTSAVE") == 1_700_000_000


def test_bgsave_accepts_only_the_word_schedule(hosted: Hosted) -> None:
    assert hosted.do("BGSAVE", "now") == SYNTAX_ERROR
    assert hosted.do("BGSAVE", "SCHEDULE", "SCHEDULE") == SYNTAX_ERROR


@pytest.mark.parametrize(
    "words", [[], ["NOSAVE"], ["nosave", "now", "force"], ["NOW"], ["SAVE", "FORCE"], ["NOW", "NOW"]]
)
def test_shutdown_ends_the_process_without_a_reply(hosted: Hosted, words: list[str]) -> None:
    assert hosted.raw("SHUTDOWN", *words) == b""
    assert hosted.host.shut == 1
    assert hosted.session.is_closing()


@pytest.mark.parametrize("words", [["SAVE", "NOSAVE"], ["nonsense"], ["ABORT", "NOW"], ["NOSAVE", "ABORT"]])
def test_shutdown_refuses_words_that_contradict_each_other(hosted: Hosted, words: list[str]) -> None:
    assert hosted.do("SHUTDOWN", *words) == SYNTAX_ERROR
    assert hosted.host.shut == 0


def test_there_is_never_a_shutdown_to_abort(hosted: Hosted) -> None:
    assert hosted.do("SHUTDOWN", "ABORT") == Error(b"ERR No shutdown in progress.")
