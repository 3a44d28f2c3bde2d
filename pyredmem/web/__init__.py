"""The web page that shows a server's memory while it works, and what serves it."""
