"""Layer 9: a document that compares the server with Redis 7.2, written from the specs of the commands."""
