"""Scripts: Lua and what it needs."""
