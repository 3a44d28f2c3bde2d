"""Tools that watch a running server: Redis, Valkey or this one."""
