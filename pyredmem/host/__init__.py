"""The process around an engine, as both shells know it: the server, and clients inside a program."""
