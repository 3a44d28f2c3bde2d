"""A small shop on FastAPI and Redis. It knows nothing of pyredmem; its tests do."""
