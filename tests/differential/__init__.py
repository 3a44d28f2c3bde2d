"""Runs the same commands on a real redis-server and on pyredmem; the real server is the judge."""
