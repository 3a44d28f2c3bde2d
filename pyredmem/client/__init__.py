"""redis-py inside the process: genuine clients over an engine of their own, without a socket."""
