"""Clients and tools that people use with Redis, unchanged, against pyredmem."""
