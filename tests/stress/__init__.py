"""Random and hostile input, many connections, slow readers: nothing may break, leak or hang."""
