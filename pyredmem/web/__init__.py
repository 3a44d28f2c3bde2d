"""The page on which one sees the memory of a server, and the HTTP server that feeds it."""
