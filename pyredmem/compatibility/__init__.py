"""Layer 8: how the server compares with Redis 7.2, as a document made from the command specs."""
