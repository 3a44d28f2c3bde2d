"""Random and hostile input, many connections, slow readers: nothing may fail, leak or hang."""
