"""The same commands on a real redis-server and on pyredmem; the real thing is the judge."""
