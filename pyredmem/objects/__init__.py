"""Layer 2: RedisObject and the data types with their encodings."""
