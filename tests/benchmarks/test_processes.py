"""Servers as a benchmark sees them."""

from __future__ import annotations

from pathlib import Path

from processes import other_contender


def test_a_server_is_started_by_the_name_that_it_was_given(tmp_path: Path) -> None:
    """Debian's redis-server is a link to redis-check-rdb, which does what its name says."""
    program = tmp_path / "redis-check-rdb"
    program.write_text("#!/bin/sh\necho Redis server v=7.0.15 sha=0\n")
    program.chmod(0o755)
    link = tmp_path / "redis-server"
    link.symlink_to(program)
    contender = other_contender(str(link))
    assert (contender.name, contender.command) == ("Redis 7.0.15", (str(link),))
