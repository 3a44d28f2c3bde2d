"""Helpers shared by the tests: servers, a client that keeps the types of replies, engines without sockets."""
