"""The page of `pyredmem monitor`: what is sent to it, and to whom."""
