"""``pyredmem top``: the memory and the work of a running server in a terminal."""
