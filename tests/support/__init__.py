"""What tests share: servers, a client that keeps the types of replies, an engine without sockets."""
