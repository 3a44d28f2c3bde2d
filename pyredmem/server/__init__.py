"""Layer 7: the asyncio server around the engine."""
