"""``python -m pyredmem.compatibility`` writes ``docs/compatibility.md`` below the current directory."""

from pyredmem.compatibility.reference import main

main()
