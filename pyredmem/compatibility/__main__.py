"""``python -m pyredmem.compatibility`` writes ``docs/compatibility.md`` in the current directory."""

from pyredmem.compatibility.reference import main

main()
