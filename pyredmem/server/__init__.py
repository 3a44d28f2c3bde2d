"""Layer 8: the asyncio server around the engine."""
