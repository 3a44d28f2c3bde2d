"""Layer 9: a document that compares the server with Redis 8.2, written from the specs of the commands."""
